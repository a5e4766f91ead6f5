"""Models that carry a preparation, and predictions by command."""

from __future__ import annotations

import csv
import json

import pytest

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.load import load_backbone
from tl_core.cli.main import main
from tl_core.data.preparation import Preparation
from tl_core.settings import Settings


@pytest.fixture
def model(tiny, tmp_path):
    """`model(family, preparation)`: the folder of a model that carries it."""

    def make(family="bert", **kept):
        folder = tmp_path / f"model-{family}"
        if not folder.exists():
            save_classifier(load_backbone(f"local:{tiny(family)}", ["a", "b"], Settings()), folder)
        Preparation(**kept).write(folder)
        return folder

    return make


@pytest.fixture
def call(capsys, tmp_path):
    """A prediction by command: what it gives as JSON with the lines of the file, and standard
    error.
    """

    def run(folder, source, *words, code=0):
        out = tmp_path / "out.csv"
        out.unlink(missing_ok=True)
        assert main(["predict", str(folder), str(source), "-o", str(out), "--json", *words]) == code
        said = capsys.readouterr()
        summary = json.loads(said.out)
        if code:
            assert not list(tmp_path.glob("out.csv*"))
            return " ".join(summary["error"].values()), said.err
        with out.open(encoding="utf-8", newline="") as handle:
            return summary | {"lines": list(csv.DictReader(handle))}, said.err

    return run
