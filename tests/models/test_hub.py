"""The unmodified Hub client against a Hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support.fake_hub import COMMIT, serve

ROOT = Path(__file__).parents[2]
CODE = """
import json, sys
from tl_core.errors import BackboneError
from tl_core.models.references import parse_reference, resolve_folder
from tl_core.settings import read_settings
for reference in sys.argv[1:]:
    try:
        folder = resolve_folder(parse_reference(reference), read_settings())
        from tl_core.models.describe import describe_backbone
        print(json.dumps({"folder": str(folder), "files": sorted(p.name for p in folder.iterdir()),
                          "pinned": describe_backbone(reference, read_settings())["pinned"]}))
    except BackboneError as error:
        print(json.dumps(error.as_dict()))
"""


@pytest.fixture
def resolve(tmp_path):
    """Resolve references in a process of its own: the client reads its settings when it is imported."""
    def run(address, *references):
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hub"),
                       "HF_HUB_DISABLE_XET": "1"}
        environment.pop("HF_HUB_OFFLINE")
        found = subprocess.run([sys.executable, "-c", CODE, *references], cwd=ROOT, env=environment, text=True,
                               capture_output=True, timeout=120)
        assert found.returncode == 0, found.stderr
        return [json.loads(line) for line in found.stdout.splitlines()]

    return run


def test_a_hub_model_is_downloaded_pinned_and_kept(resolve, tiny, tmp_path):
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    with serve({"me/bert": tiny("bert"), "me/pickled": pickled}, {"me/gated"}) as address:
        good, old, missing, gated, revision = resolve(address, "hub:me/bert", "hub:me/pickled", "hub:me/nothing",
                                                      "hub:me/gated", "hub:me/bert@nope")
    assert COMMIT in good["folder"]
    assert good["pinned"] == f"hub:me/bert@{COMMIT}"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(good["files"])
    assert "no safetensors" in old["what"]
    assert "There is no model" in missing["what"]
    assert "gated" in gated["what"]
    assert "There is no model" in revision["what"]
    again, = resolve(address, "hub:me/bert")  # the Hub is gone; the copy is not
    assert again == good
