"""What judging adds to the report: slices, sets, looks at the test items, a temperature inside the
model.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.datasets import build, write_texts

from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.tasks import single_label_evaluation
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.shared.judging import slice_facts
from tl_core.settings import read_settings
from tl_core.surgery import heads


def with_columns(path, rows=120):
    lines = ["text,label,shop,price"]
    for number in range(rows):
        words, label = ("the film is good", "good") if number % 2 else ("the order is late", "bad")
        lines.append(
            f"{words} {number},{label},{'north' if number % 3 else 'south'},{number % 7 or ''}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def run(version, tmp_path, name, backbone, **options):
    folder = tmp_path / "runs" / name
    folder.mkdir(parents=True)
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, "probe", options)
    return run_recipe(config, version, folder, tmp_path / "cache", Progress())


def test_slices_come_from_facts_and_columns(tmp_path):
    version = build(with_columns(tmp_path / "t.csv"), tmp_path / "v")
    rows = version.rows_of("test")
    facts = slice_facts(version, rows)
    assert set(facts) == {"length in characters", "length in words", "script", "shop", "price"}
    assert set(facts["shop"]) == {"north", "south"}
    assert np.isnan(facts["price"]).any()
    assert np.nanmax(facts["price"]) <= 6
    assert facts["length in words"].tolist() == [len(text.split()) for text in version.texts(rows)]


def test_each_run_is_one_look_however_often_it_is_judged(tmp_path, tiny):
    version = build(with_columns(tmp_path / "t.csv"), tmp_path / "v")
    backbone = f"local:{tiny('bert')}"
    first = run(version, tmp_path, "one", backbone, pooling="mean", max_length=24, baseline=False)
    second = run(version, tmp_path, "two", backbone, pooling="mean", max_length=24, baseline=False)
    assert (first["test_looks"], second["test_looks"]) == (1, 2)
    json.dumps(second, allow_nan=False)
    test = second["test"]
    assert {part["promised"] for part in test["conformal"]} == {0.9, 0.95}
    assert sum(part["n"] for part in test["reliability"]) == test["n"]
    assert test["coverage"][-1]["coverage"] == 1.0
    assert test["coverage"][-1]["accuracy"] == pytest.approx(test["accuracy"]["value"])


def test_the_temperature_is_in_the_saved_model(tmp_path, tiny, monkeypatch):
    """A head made too sure is cooled, and the folder, checked against it, says the cooled
    probabilities.
    """
    version = build(write_texts(tmp_path / "t.csv", 80), tmp_path / "v")
    monkeypatch.setattr(
        single_label_evaluation, "choose_temperature", lambda *_: {"temperature": 2.5}
    )
    cooled = run(
        version,
        tmp_path,
        "cooled",
        f"local:{tiny('bert')}",
        pooling="mean",
        max_length=24,
        baseline=False,
    )
    monkeypatch.setattr(
        single_label_evaluation, "choose_temperature", lambda *_: {"temperature": 1.0}
    )
    plain = run(
        version,
        tmp_path,
        "plain",
        f"local:{tiny('bert')}",
        pooling="mean",
        max_length=24,
        baseline=False,
    )
    assert cooled["parity"]["auto_classes"] < 1e-4
    assert cooled["test"]["accuracy"]["value"] == plain["test"]["accuracy"]["value"]
    files = [
        (tmp_path / "runs" / name / "predictions.csv").read_text().splitlines()[1].split(",")
        for name in ("cooled", "plain")
    ]
    odds = [np.log(float(line[5]) / float(line[6])) for line in files]
    assert odds[1] / odds[0] == pytest.approx(2.5, rel=1e-3)


@pytest.mark.parametrize("family", ["deit", "bert", "mobilenet_v2", "gpt2"])
def test_cooling_divides_the_logits_of_every_kind_of_head(tiny, family):
    import torch
    from PIL import Image

    backbone = load_backbone(f"local:{tiny(family)}", ["a", "b", "c"], read_settings())
    inputs = backbone.encode(
        ["a few words", "more"]
        if backbone.modality == "text"
        else [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    )
    with torch.inference_mode():
        before = backbone.model(**inputs).logits
        heads.cool(backbone.model, backbone.port, 1.7)
        after = backbone.model(**inputs).logits
    torch.testing.assert_close(after, before / 1.7, rtol=1e-4, atol=1e-5)


def test_a_version_without_facts_is_still_judged(tmp_path):
    version = build(with_columns(tmp_path / "t.csv"), tmp_path / "v")
    (version.folder / "facts.parquet").unlink()
    assert set(slice_facts(DatasetVersion(version.folder), version.rows_of("test"))) == {
        "shop",
        "price",
    }
