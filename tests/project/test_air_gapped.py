"""Without any network: everything that needs no Hub works, and what needs it says so at once."""

from __future__ import annotations

import json
import socket
import time

import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.describe import describe_backbone, list_backbones
from tl_core.backbones.sources.catalogue import choose
from tl_core.backbones.sources.hub_backbones import search
from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.errors import BackboneError, UserError
from tl_core.hub import is_reachable
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.backbone_ranking import rank
from tl_core.settings import read_settings

_PATIENCE = 10.0  # seconds; time-outs of HTTP clients are longer


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Every way out of the process is refused; the local kind that helpers talk through stays."""
    own = socket.socket.connect

    def refuse(self, address, *_rest):
        if self.family == socket.AF_UNIX:
            return own(self, address)
        raise OSError("the network is blocked")

    def unknown(*_arguments, **_named):
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_arguments: 101)
    monkeypatch.setattr(socket, "create_connection", unknown)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)


@pytest.fixture
def online(monkeypatch):
    """Nobody has said that there is no network."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("baseline", {}),
        ("zero_shot", {}),
        ("static_embeddings", {"epochs": 2.0}),
        ("probe", {}),
        ("probe", {"depth": 2}),
        ("finetune", {"strategy": "lora", "epochs": 0.5, "max_length": 16}),
    ],
)
def test_every_recipe_trains_texts(tmp_path, online, recipe, options):
    version = build(write_texts(tmp_path / "t.csv", 40), tmp_path / "v")
    (tmp_path / "run").mkdir()
    report = run_recipe(
        RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            "" if recipe == "baseline" else "starter:text",
            recipe,
            options,
        ),
        version,
        tmp_path / "run",
        tmp_path / "cache",
        Progress(),
    )
    assert report["test"]["n"] > 0


def test_cards_filters_and_descriptions_need_no_network(online):
    settings = read_settings()
    assert {card["reference"] for card in list_backbones(settings) if not card["problem"]} >= {
        "starter:text",
        "starter:image",
    }
    assert len(choose("image")) + len(choose("text")) >= 40
    assert describe_backbone("starter:image", settings)["modality"] == "image"


def test_what_needs_the_hub_says_so_at_once(online):
    settings, started = read_settings(), time.monotonic()
    assert not is_reachable()
    with pytest.raises(BackboneError, match="cannot be reached"):
        search("bert", "text")
    with pytest.raises(UserError):
        describe_backbone("hub:somebody/something", settings)
    assert time.monotonic() - started < _PATIENCE


def test_a_hub_candidate_costs_the_others_of_a_ranking_nothing(tmp_path, online):
    version = build(write_pictures(tmp_path / "p", each=12), tmp_path / "v")
    (tmp_path / "run").mkdir()
    found = rank(
        RunConfig(
            "rank",
            "local",
            "d@1",
            str(version.folder),
            options={"backbones": ["starter:image", "hub:somebody/something"], "rows": 50},
        ),
        version,
        tmp_path / "run",
        tmp_path / "cache",
        Progress(),
    )
    assert [one["backbone"] for one in found["failed"]] == ["hub:somebody/something"]
    assert found["recommended"] == "starter:image"


def test_the_command_line_looks_around(capsys, online):
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hub"]["reachable"] is False
    assert main(["backbones", "list"]) == 0
