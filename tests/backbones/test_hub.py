"""The unmodified Hub client against a Hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests_support.fake_hub import COMMIT, serve

from tl_core.backbones.sources.catalogue import read_catalogue

ROOT = Path(__file__).parents[2]
CODE = """
import json, sys
from tl_core.errors import BackboneError
from tl_core.backbones.sources.hub_backbones import arrived
from tl_core.backbones.sources.resolve import parse_reference, resolve_folder
from tl_core.settings import read_settings
for reference in sys.argv[1:]:
    try:
        folder = resolve_folder(parse_reference(reference), read_settings())
        from tl_core.backbones.describe import describe_backbone
        print(json.dumps({"folder": str(folder), "files": sorted(p.name for p in folder.iterdir()),
                          "pinned": describe_backbone(reference, read_settings())["pinned"],
                          "arrived": arrived(parse_reference(reference).target)}))
    except BackboneError as error:
        print(json.dumps(error.as_dict()))
"""


@pytest.fixture
def resolve(tmp_path):
    """Resolve references in a process of its own: the client reads its settings when it is
    imported.
    """

    def run(address, *references):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "hub"),
            "HF_HUB_DISABLE_XET": "1",
        }
        environment.pop("HF_HUB_OFFLINE")
        process = subprocess.run(
            [sys.executable, "-c", CODE, *references],
            cwd=ROOT,
            env=environment,
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        return [json.loads(line) for line in process.stdout.splitlines()]

    return run


def test_a_hub_model_is_downloaded_pinned_and_kept(resolve, tiny, tmp_path):
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    with serve({"me/bert": tiny("bert"), "me/pickled": pickled}, {"me/gated"}) as address:
        good, old, missing, gated, revision = resolve(
            address,
            "hub:me/bert",
            "hub:me/pickled",
            "hub:me/nothing",
            "hub:me/gated",
            "hub:me/bert@nope",
        )
    assert COMMIT in good["folder"]
    assert good["pinned"] == f"hub:me/bert@{COMMIT}"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(good["files"])
    assert good["arrived"][0] == good["arrived"][1] > 10_000
    assert "no safetensors" in old["what"]
    assert "There is no model" in missing["what"]
    assert "gated" in gated["what"]
    assert "There is no model" in revision["what"]
    (again,) = resolve(address, "hub:me/bert")  # the Hub is gone; the copy is not
    assert again == good


def test_faults_of_the_hub_are_sentences_and_nothing_damaged_stays(resolve, tiny):
    model = tiny("bert")
    models = {f"me/{name}": model for name in ("busy", "closed", "cut", "damaged", "broken")}
    faults = {
        "me/busy": "429",
        "me/closed": "401",
        "me/cut": "cut",
        "me/damaged": "damaged",
        "me/broken": "500",
    }
    with serve(models, faults=faults) as address:
        busy, closed, cut, damaged, broken = resolve(address, *(f"hub:{name}" for name in models))
    assert "rate limit" in busy["what"]
    assert "HF_TOKEN" in closed["try_this"]
    assert "could not be fetched" in cut["what"] and "kept" in cut["try_this"]
    assert "arrived damaged" in damaged["what"]
    assert "could not be fetched" in broken["what"]
    with serve(models) as address:  # the same names, mended: nothing of before is in the way
        cut, damaged = resolve(address, "hub:me/cut", "hub:me/damaged")
    assert "model.safetensors" in cut["files"] and "model.safetensors" in damaged["files"]


def test_a_model_that_does_not_fit_on_the_disk_is_refused_before_it_is_downloaded(
    tiny, monkeypatch, tmp_path
):
    from tl_core.backbones.sources import hub_backbones
    from tl_core.errors import BackboneError

    monkeypatch.setattr(
        hub_backbones.shutil, "disk_usage", lambda _place: type("Usage", (), {"free": 1000})()
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BackboneError, match="does not fit on the disk"):
        hub_backbones._check_room("hub:me/bert", 2_000_000)


SEARCH = """
import json, sys
from tl_core.errors import BackboneError
from tl_core.backbones.sources.hub_backbones import search
for wish in json.loads(sys.argv[1]):
    try:
        print(json.dumps(search(**wish)))
    except BackboneError as error:
        print(json.dumps(error.as_dict()))
"""


@pytest.fixture
def look(tmp_path):
    """Search in a process of its own."""

    def run(address, *wishes):
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hub")}
        environment.pop("HF_HUB_OFFLINE")
        process = subprocess.run(
            [sys.executable, "-c", SEARCH, json.dumps(wishes)],
            cwd=ROOT,
            env=environment,
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        return [json.loads(line) for line in process.stdout.splitlines()]

    return run


def card(task, downloads, *tags, total=22_000_000, **extra):
    return {
        "pipeline_tag": task,
        "downloads": downloads,
        "tags": ["safetensors", *tags],
        "gated": False,
        "safetensors": {"parameters": {"F32": total}, "total": total},
        **extra,
    }


def test_the_search_filters_and_sorts(look, tiny):
    cards = {
        "me/bert-a": card("fill-mask", 5, "license:mit", "en"),
        "me/bert-b": card("feature-extraction", 90, "license:cc-by-nc-4.0", "de"),
        "me/bert-seen": card("image-classification", 1000, "license:mit"),
        "me/bert-pickled": {"pipeline_tag": "fill-mask", "downloads": 9999, "tags": []},
        "me/bert-gated": card("fill-mask", 7, "license:mit", "en", gated="manual"),
        "me/other": card("fill-mask", 1),
    }
    with serve(dict.fromkeys(cards, tiny("bert")), cards=cards) as address:
        every, free, german, pictures = look(
            address,
            {"text": "bert", "modality": "text"},
            {"text": "bert", "modality": "text", "commercial": True},
            {"text": "bert", "modality": "text", "language": "de"},
            {"text": "BERT", "modality": "image"},
        )
    assert [one["reference"] for one in every] == [
        "hub:me/bert-b",
        "hub:me/bert-gated",
        "hub:me/bert-a",
    ]
    assert every[0] == {
        "reference": "hub:me/bert-b",
        "task": "feature-extraction",
        "downloads": 90,
        "licence": "cc-by-nc-4.0",
        "parameters_m": 22.0,
        "gated": False,
    }
    assert [one["reference"] for one in free] == ["hub:me/bert-gated", "hub:me/bert-a"] and free[0][
        "gated"
    ]
    assert [one["reference"] for one in german] == ["hub:me/bert-b"]
    assert [one["reference"] for one in pictures] == ["hub:me/bert-seen"]


LICENCES = (
    "apache-2.0",
    "mit",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-nc-4.0",
    "openrail",
    "llama3",
    "other",
    "",
)


def test_the_search_and_the_catalogue_agree_on_commercial_use(look, tiny):
    cards = {
        f"me/bert-{number}": card("fill-mask", 1, *([f"license:{licence}"] if licence else []))
        for number, licence in enumerate(LICENCES)
    }
    with serve(dict.fromkeys(cards, tiny("bert")), cards=cards) as address:
        (free,) = look(address, {"text": "bert", "modality": "text", "commercial": True})
    licences = {one["licence"] for one in free}
    assert licences == {
        licence for licence in LICENCES if replace(read_catalogue()[0], licence=licence).commercial
    }
    assert "cc-by-4.0" in licences and not licences & {
        "cc-by-nc-4.0",
        "openrail",
        "llama3",
        "other",
        "",
    }


def test_a_search_that_fails_says_why(look, tiny):
    with serve({}, faults={"search": "403"}) as address:
        (broken,) = look(address, {"text": "bert", "modality": "text"})
    assert "The Hub answered 403" in broken["why"]
    (gone,) = look(address, {"text": "bert", "modality": "text"})
    assert "cannot be reached" in gone["what"]
