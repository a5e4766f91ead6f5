"""The recipes from end to end on tiny networks, and on real ones where they are there."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe


def train(version, folder, recipe="probe", backbone="", progress=None, **options):
    folder.mkdir(exist_ok=True)
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe, options)
    return run_recipe(config, version, folder, folder.parent / "cache", progress or Progress())


def check_report(report, labels):
    json.dumps(report, allow_nan=False)
    assert report["labels"] == labels
    for split in ("validation", "test"):
        section = report[split]
        assert np.sum(section["confusion"]["counts"]) == section["n"]
        assert [row["label"] for row in section["per_class"]] == labels
    assert set(report["timing"]) >= {"load", "features", "fit", "evaluate", "baseline"}
    assert report["baselines"]["majority"]["test"]["accuracy"]["value"] > 0


def test_a_text_probe_end_to_end(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 80), tmp_path / "v")
    report = train(
        version, tmp_path / "run", backbone=f"local:{tiny('bert')}", pooling="mean", max_length=24
    )
    check_report(report, ["bad", "good"])
    assert report["test"]["accuracy"]["value"] > 0.8
    assert report["baselines"]["tfidf"]["test"]["accuracy"]["value"] > 0.8
    assert report["parity"]["pipeline"] < 1e-4
    assert report["settings"]["c"] in report["settings"]["c_values"]


def test_an_image_probe_end_to_end_and_its_predictions_are_those_of_the_folder(tmp_path, tiny):
    version = build(write_pictures(tmp_path / "d", each=20), tmp_path / "v")
    report = train(version, tmp_path / "run", backbone=f"local:{tiny('convnext')}")
    check_report(report, ["blue", "green", "red"])
    from tl_core.data.pictures.images import open_image

    classifier = load_classifier(tmp_path / "run" / "model")
    rows = version.rows_of("test")
    again = classifier.probabilities([open_image(version.image_bytes(int(r))) for r in rows])
    with (tmp_path / "run" / "predictions.csv").open() as handle:
        written = list(csv.DictReader(handle))
    assert [int(line["index"]) for line in written] == rows.tolist()
    probabilities = np.array(
        [[float(line[f"p:{name}"]) for name in report["labels"]] for line in written]
    )
    np.testing.assert_allclose(probabilities, again, atol=1e-4)
    assert (
        np.mean([line["label"] == line["true"] for line in written])
        == report["test"]["accuracy"]["value"]
    )


def test_trap_10_a_dataset_of_raw_images_trains_and_keeps_its_image_column(tmp_path, tiny):
    """No column is dropped on the way to the model, with or without a transform set on the rows."""
    version = build(write_pictures(tmp_path / "d", each=8), tmp_path / "v")
    version.items.set_transform(
        lambda batch: {"size": [len(item["bytes"]) for item in batch["image"]]}
    )
    assert version.items[0]["size"] > 0
    report = train(version, tmp_path / "run", backbone=f"local:{tiny('resnet')}", baseline=False)
    assert version.items.column_names == ["image", "name"]
    assert sum(version.info.splits.values()) == 24
    assert report["test"]["n"] == version.info.splits["test"]


def test_trap_17_every_test_row_counts_once(tmp_path, tiny):
    """The last batch is ragged here; nothing is padded, dropped or counted twice."""
    version = build(write_texts(tmp_path / "t.csv", 67), tmp_path / "v")
    report = train(version, tmp_path / "run", backbone=f"local:{tiny('roberta')}", batch_size=4)
    with (tmp_path / "run" / "predictions.csv").open() as handle:
        lines = list(csv.DictReader(handle))
    assert len(lines) == len(version.rows_of("test")) == report["test"]["n"]
    hits = sum(line["label"] == line["true"] for line in lines)
    assert report["test"]["accuracy"]["value"] == hits / len(lines)


def test_trap_20_choices_never_see_the_test_rows(tmp_path, tiny):
    """Other test labels change the test scores and nothing else: not C, not the weights, not
    validation.
    """
    rows = [
        f"{'good film' if i % 2 else 'bad order'}"
        f" {i},{'ab'[i % 2]},{'test' if i % 4 == 0 else 'train'}"
        for i in range(80)
    ]
    outcomes = []
    for name, swap in (("one", False), ("two", True)):
        lines = [
            (
                r.replace(",a,test", ",X,test")
                .replace(",b,test", ",a,test")
                .replace(",X,test", ",b,test")
                if swap
                else r
            )
            for r in rows
        ]
        (tmp_path / f"{name}.csv").write_text("text,label,split\n" + "\n".join(lines))
        version = build(tmp_path / f"{name}.csv", tmp_path / f"v{name}")
        progress, log = Progress(), []
        progress.log = log.append
        report = train(
            version, tmp_path / name, backbone=f"local:{tiny('bert')}", progress=progress
        )
        outcomes.append(
            (
                report["settings"]["c"],
                report["sweep"],
                report["validation"]["accuracy"],
                (tmp_path / name / "model" / "model.safetensors").read_bytes(),
            )
        )
        assert sum("evaluated on the test rows now, once" in text for text in log) == 1
    assert outcomes[0] == outcomes[1]


def test_trap_22_the_same_seed_gives_the_same_model(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    for name in ("a", "b"):
        train(version, tmp_path / name, backbone=f"local:{tiny('bert')}", baseline=False)
    first, second = (
        (tmp_path / name / "model" / "model.safetensors").read_bytes() for name in "ab"
    )
    assert first == second


def test_a_class_without_training_rows_is_named_and_counts_as_wrong(tmp_path, tiny):
    rows = [f"good film {i},a,train\nbad order {i},b,train" for i in range(20)]
    rows += [f"late money {i},c,test\ngood {i},a,test" for i in range(5)]
    (tmp_path / "t.csv").write_text("text,label,split\n" + "\n".join(rows))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    report = train(version, tmp_path / "run", backbone=f"local:{tiny('bert')}")
    assert report["classes_without_training_rows"] == ["c"]
    assert load_classifier(tmp_path / "run" / "model").labels == ["a", "b"]
    assert report["test"]["per_class"][2]["recall"]["value"] == 0
    assert report["test"]["accuracy"]["value"] <= 0.5
    assert report["test"]["log_loss"]["value"] > 7


def test_the_wrong_modality_is_a_sentence(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(DataError, match="starter:text"):
        train(version, tmp_path / "run", backbone=f"local:{tiny('vit')}")


def test_texts_in_another_script_are_noticed_before_training(tmp_path):
    rows = "\n".join(f"这个订单{i}还没有送到我非常生气请退款谢谢,{'ab'[i % 2]}" for i in range(30))
    (tmp_path / "t.csv").write_text("text,label\n" + rows)
    version = build(tmp_path / "t.csv", tmp_path / "v")
    progress, findings = Progress(), []
    progress.warn = findings.append
    train(version, tmp_path / "run", backbone="starter:text", progress=progress, baseline=False)
    assert findings[0]["id"] == "unknown_tokens"
    assert "multilingual" in findings[0]["fix"]


@pytest.mark.parametrize("kind", ["text", "image"])
def test_the_baseline_recipe(tmp_path, kind):
    source = (
        write_texts(tmp_path / "t.csv", 60)
        if kind == "text"
        else write_pictures(tmp_path / "d", each=20)
    )
    version = build(source, tmp_path / "v")
    report = train(version, tmp_path / "run", recipe="baseline")
    check_report(report, version.info.labels)
    assert report["test"]["accuracy"]["value"] > 0.9
    assert "no-transfer baseline" in report["headline"]


def test_the_starter_beats_words_on_the_messages(tmp_path):
    from tl_core.data.sources.samples import sample_source

    version = build(sample_source("messages", tmp_path), tmp_path / "v")
    report = train(version, tmp_path / "run", backbone="starter:text")
    assert (
        report["test"]["accuracy"]["value"]
        > report["baselines"]["tfidf"]["test"]["accuracy"]["value"]
    )
    assert report["parity"]["pipeline"] < 1e-4


def test_the_image_starter_folds_and_reloads(tmp_path):
    version = build(write_pictures(tmp_path / "d", each=20), tmp_path / "v")
    report = train(version, tmp_path / "run", backbone="starter:image", baseline=False)
    assert report["parity"]["items"] == report["test"]["n"]
    assert max(report["parity"]["pipeline"], report["parity"]["auto_classes"]) < 1e-4
    assert report["test"]["accuracy"]["value"] > 0.9


def test_ants_and_bees_with_real_weights(tmp_path, shared):
    (tmp_path / "v").mkdir()
    source = open_source(shared / "data" / "hymenoptera", tmp_path / "s", Limits(1 << 30, 10**6))
    build_version({"": source}, ImportOptions(), tmp_path / "v", "hymenoptera")
    version = DatasetVersion(tmp_path / "v")
    report = train(
        version, tmp_path / "run", backbone=f"local:{shared / 'models' / 'mobilenet_v2_0.35_224'}"
    )
    assert report["test"]["n"] == 153
    assert report["test"]["accuracy"]["value"] >= 0.90
