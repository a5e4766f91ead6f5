"""Datasets from the command line: fix, history, comparison, restoring, taking away, adding,
deleting.
"""

from __future__ import annotations

import json

import pytest
from tests_support.datasets import write_texts

from tl_core.cli.main import main


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TL_HOME", str(tmp_path / "home"))

    def run(*arguments, code=0):
        assert main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def leaky(tmp_path):
    path = tmp_path / "leaky.csv"
    rows = [f"message {i} about subject {i * 7},{'ab'[i % 2]},train" for i in range(40)]
    rows += [f"message {i} about subject {i * 7},{'ab'[i % 2]},test" for i in range(8)]
    path.write_text("text,label,split\n" + "\n".join(rows) + "\n")
    return path


def test_a_leak_is_fixed_and_the_history_tells_it(call, leaky):
    added = call("data", "add", leaky, "--name", "mail")
    leak = next(f for f in added["findings"] if f["id"] == "leak")
    assert (leak["count"], leak["actions"][0]["id"]) == (8, "remove")
    fixed = call("data", "fix", "mail", "leak")
    assert (fixed["version"], fixed["rows"], fixed["parent"]) == (2, 40, "mail@1")
    assert "leak" not in {f["id"] for f in fixed["findings"]}
    history = call("data", "versions", "mail")
    assert [entry["change"] for entry in history] == [
        "Left out 8 training copies of validation or test rows.",
        "Read from leaky.csv.",
    ]
    changes = call("data", "compare", "mail@1", "mail@2")
    assert changes["removed"]["count"] == 8
    assert (
        changes["added"]["count"]
        == changes["relabelled"]["count"]
        == changes["moved"]["count"]
        == 0
    )
    assert call("data", "restore", "mail@1")["rows"] == 48
    assert call("data", "show", "mail")["version"] == 3


def test_wrong_names_and_fixes_are_explained(call, leaky):
    call("data", "add", leaky, "--name", "mail")
    assert "Did you mean leak" in call("data", "fix", "mail", "leek", code=2)["error"]["try_this"]
    assert call("data", "fix", "male", "leak", code=2)["error"]["code"] == "not_found"
    assert call("data", "restore", "mail@9", code=2)["error"]["code"] == "not_found"
    assert (
        call("data", "add", leaky, "--name", "none", "--append", code=2)["error"]["code"]
        == "not_found"
    )
    assert (
        "addresses"
        in call("data", "add", "https://x/y.csv", "--name", "x", code=2)["error"]["what"]
    )


def test_rows_are_added_and_taken_away(call, tmp_path):
    call("data", "add", write_texts(tmp_path / "t.csv"), "--name", "mail")
    (tmp_path / "more.csv").write_text(
        "text,label\n" + "".join(f"one more {i} of {i * 9},new\n" for i in range(10))
    )
    grown = call("data", "add", tmp_path / "more.csv", "--name", "mail", "--append", code=0)
    assert (grown["version"], grown["rows"], grown["classes"]["new"]) == (2, 50, 10)
    out = tmp_path / "out" / "mail.csv"
    assert call("data", "export", "mail", "-o", out, "--format", "csv")["rows"] == 50
    again = call("data", "add", out, "--name", "again")
    assert (again["rows"], again["splits"], again["classes"]) == (
        50,
        grown["splits"],
        grown["classes"],
    )
    refused = call("data", "export", "mail", "-o", out, "--format", "folders", code=2)
    assert "cannot be written" in refused["error"]["what"]


def test_options_of_the_page_are_flags(call, tmp_path):
    frame = "title,body,kind,when\n" + "".join(
        f"Subject {i},words of letter {i * 3},{'xy'[i % 2]},2026-0{i % 6 + 1}-1{i % 3}\n"
        for i in range(60)
    )
    (tmp_path / "t.csv").write_bytes(frame.encode("cp1252"))
    added = call(
        "data",
        "add",
        tmp_path / "t.csv",
        "--name",
        "mail",
        "--text-column",
        "body",
        "--title-column",
        "title",
        "--label-column",
        "kind",
        "--date-column",
        "when",
        "--encoding",
        "cp1252",
    )
    assert added["columns"] == {"text": "body", "label": "kind", "title": "title", "date": "when"}
    assert (
        "no text encoding"
        in call("data", "add", tmp_path / "t.csv", "--name", "x", "--encoding", "klingon", code=2)[
            "error"
        ]["what"]
    )
