"""Domains from the command line: compared, and a training that is meant for one of them."""

from __future__ import annotations

import json

import pytest
from tests_support.datasets import write_texts
from tests_support.shifted import write_shops

from tl_core.cli.main import main


@pytest.fixture
def call(carried_out_here, capsys):
    """One command with its output."""

    def run(*arguments, code=0):
        capsys.readouterr()
        assert main([*map(str, arguments)]) == code, capsys.readouterr().out
        return capsys.readouterr().out

    return run


def test_compare_domains_then_train_for_one(call, tmp_path, tiny):
    backbone = f"local:{tiny('bert')}"
    call("data", "add", write_shops(tmp_path / "t.csv", each=60), "--name", "shops")
    found = json.loads(
        call("data", "domains", "shops", "--column", "shop", "--backbone", backbone, "--json")
    )
    assert [one["name"] for one in found["domains"]] == ["north", "south"]
    assert {one["domain"] for one in found["unseen"]["held_out"]} == {"north", "south"}
    words = call("data", "domains", "shops", "--column", "shop", "--backbone", backbone)
    assert "Furthest apart: north and south" in words
    assert "mean" in words and "worst" in words and "Choice: penalty" in words
    run = json.loads(
        call(
            *("train", "--dataset", "shops", "--recipe", "adapt", "--backbone", backbone),
            *("--set", "domain_column=shop", "--set", "target_domain=south"),
            *("--set", "method=coral", "--set", "pooling=mean", "--json"),
        )
    )
    report = json.loads(call("report", run["run_id"], "--json"))
    assert report["domains"]["chosen"] == "coral"
    assert report["domains"]["judged_by_target"]


def test_each_domain_is_held_out_by_networks(call, tmp_path, tiny):
    call("data", "add", write_shops(tmp_path / "t.csv", each=60), "--name", "shops")
    arguments = (
        *("data", "hold-out", "shops", "--column", "shop", "--backbone", f"local:{tiny('bert')}"),
        *("--methods", "swad", "--set", "epochs=1", "--set", "max_length=16"),
    )
    price = json.loads(call(*arguments, "--estimate", "--json"))
    assert price["trainings"] == 2
    assert price["minutes"] == pytest.approx(2 * price["one"]["minutes"])
    words = call(*arguments)
    assert "On a domain that it has not seen" in words and "Choice: states chosen" in words
    assert all(name in words for name in ("north", "south", "probe", "swad", "worst"))


def test_what_cannot_be_held_out_is_refused_before_it_waits(call, tmp_path):
    call("data", "add", write_shops(tmp_path / "t.csv"), "--name", "shops")
    for given, words in (
        (("shop", "erm,coral"), "CORAL needs two domains"),
        (("shop", "groupdro"), "GroupDRO needs two domains"),
        (("town", "erm"), "no column 'town'"),
    ):
        asked = ("data", "hold-out", "shops", "--column", given[0], "--methods", given[1])
        refused = json.loads(call(*asked, "--json", code=2))
        assert words in refused["error"]["what"]
    assert "hold_out" not in call("runs", "list", "--json")


def test_another_dataset_is_the_target(call, tmp_path, tiny):
    call("data", "add", write_shops(tmp_path / "t.csv", each=60), "--name", "shops")
    call("data", "add", write_texts(tmp_path / "o.csv", 80), "--name", "letters")
    arguments = (
        *("train", "--dataset", "shops", "--recipe", "adapt"),
        *("--backbone", f"local:{tiny('bert')}", "--set", "target_dataset=letters"),
        *("--set", "pooling=mean", "--json"),
    )
    run = json.loads(call(*arguments))
    report = json.loads(call("report", run["run_id"], "--json"))
    assert report["domains"]["target"] == "letters@1"
    assert (
        "their target"
        in json.loads(call("data", "delete", "letters", "--json", code=2))["error"]["what"]
    )


def test_what_is_no_domain_is_refused_before_it_waits(call, tmp_path, tiny):
    call("data", "add", write_shops(tmp_path / "t.csv"), "--name", "shops")
    words = call(
        *("train", "--dataset", "shops", "--recipe", "adapt"),
        *("--backbone", f"local:{tiny('bert')}"),
        *("--set", "domain_column=shop", "--set", "target_domain=west", "--json"),
        code=2,
    )
    assert "no domain 'west'" in json.loads(words)["error"]["what"]
