"""Pictures and recordings with several labels: trained, saved, asked elsewhere, taken away."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build
from tests_support.waves import made, wav

from tl_core.config import RunConfig
from tl_core.evaluate.report import load_report, write_report
from tl_core.export.bundle import export
from tl_core.export.verify import verify
from tl_core.export.wishes import Wishes
from tl_core.predict.batch import predict_source
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.exploration import explore
from tl_core.recipes.analyses.label_errors import look
from tl_core.recipes.analyses.robustness import stress
from tl_core.settings import read_settings

COLOURS = ("red", "green", "blue")
KINDS = ("tone", "noise", "clicks")


def picture(own, random, path):
    """A light square for each colour that it has, on grey noise."""
    values = random.uniform(60, 110, (32, 32, 3))
    for name in own:
        left, top = random.integers(0, 20, 2)
        values[top : top + 12, left : left + 12, COLOURS.index(name)] += 120
    Image.fromarray(values.astype(np.uint8)).save(path)


def recording(own, random, path):
    """All that it has, at once."""
    number = int(random.integers(1000))
    parts = [made(kind, number) for kind in own] or [np.zeros(8000, np.float32)]
    wav(np.sum(parts, axis=0) / len(parts), path)


KINDS_OF = {
    "pictures": (COLOURS, "png", picture, ("resnet", "vit")),
    "recordings": (KINDS, "wav", recording, ("sound_picture", "wav2vec2")),
}


@pytest.fixture(scope="module", params=list(KINDS_OF))
def media(request, tmp_path_factory):
    """A version of 90 items of no, one or two labels, its labels, and families of backbones."""
    names, ending, write, families = KINDS_OF[request.param]
    root = tmp_path_factory.mktemp(request.param)
    (root / "items").mkdir()
    random, lines = np.random.default_rng(0), []
    for number in range(90):
        own = [name for name in names if random.random() < 0.4]
        file = f"{number}.{ending}"
        write(own, random, root / "items" / file)
        lines.append((file, json.dumps(own)))
    with (root / "items" / "metadata.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([("file_name", "label"), *lines])
    return build(root / "items", root / "v"), names, families


def trained(version, folder, backbone, recipe, **options):
    folder.mkdir()
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe, options)
    config.write(folder)
    report = run_recipe(config, version, folder, version.folder.parent / "cache", Progress())
    write_report(folder, report)
    return load_report(folder)


@pytest.mark.parametrize("recipe", ("probe", "finetune"))
def test_they_are_saved_as_plain_transformers_answers(media, tiny, tmp_path, recipe):
    version, names, families = media
    options = {"epochs": 1.0, "strategy": "lpft"} if recipe == "finetune" else {}
    for family in families:
        report = trained(version, tmp_path / family, f"local:{tiny(family)}", recipe, **options)
        assert report["parity"]["pipeline"] < 1e-4, family
        assert [row["label"] for row in report["test"]["per_class"]] == sorted(names)


def test_they_are_looked_through_and_taken_away(media, tiny, tmp_path):
    version, names, families = media
    run, backbone, cache = tmp_path / "3f9a0c12de", f"local:{tiny(families[0])}", tmp_path / "cache"
    report = trained(version, run, backbone, "probe", repeats=0)
    tried = stress(run / "model", version, tmp_path, Progress())
    assert tried["clean"]["value"] == pytest.approx(report["test"]["exact_match"]["value"])
    own = RunConfig("suspect", "local", "d@1", str(version.folder), backbone, "probe", {})
    suspects = look(own, version, tmp_path, cache, Progress())
    assert all(json.loads(one["suggested"]) != json.loads(one["given"]) for one in suspects["rows"])
    growth = explore(own, version, tmp_path, cache, Progress())
    assert {row["label"] for row in growth["classes"]} == set(names)

    bundle = tmp_path / "bundle"
    export(run, bundle, Wishes(onnx=True), version, Progress())
    assert verify(bundle)["ok"]
    row = int(version.rows_of("test")[0])
    file = tmp_path / version.titles(np.array([row]))[0].replace("/", "-")
    file.write_bytes(version.file_bytes(row))
    said = subprocess.run(
        [sys.executable, "predict.py", str(file)],
        cwd=bundle,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    [row] = csv.DictReader(said.splitlines())
    predict_source(run / "model", file, tmp_path / "out.csv", read_settings())
    with (tmp_path / "out.csv").open() as handle:
        [ours] = csv.DictReader(handle)
    assert json.loads(row["labels"]) == json.loads(ours["labels"])
    for name in names:
        assert float(row[f"p:{name}"]) == pytest.approx(float(ours[f"p:{name}"]), abs=1e-5)
