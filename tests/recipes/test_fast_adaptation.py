"""Recipe `fast_adaptation`: from earlier datasets to a saved model with a probe beside it."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.train.episodes.sampling import ClassSet
from tl_core.train.episodes.source_sets import EpisodeSource, write_sources
from tl_core.train.items.item_training import read_inputs

OPTIONS = {"steps": 8, "episodes": 20, "baseline": False, "shots": 3, "hidden": 8}
WORDS = "fish bird stone river money order film letter".split()


def write_topics(path, words, each=12):
    lines = [
        f"the {word} is about {word} {number},{word}" for word in words for number in range(each)
    ]
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def earlier(tmp_path):
    return build(write_topics(tmp_path / "e.csv", WORDS), tmp_path / "earlier")


@pytest.fixture
def notes(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")


def go(version, folder, backbone, sources, **options):
    folder.mkdir(parents=True, exist_ok=True)
    write_sources(folder, [EpisodeSource(name, one.folder) for name, one in sources.items()])
    config = RunConfig(
        "train", "local", "d@1", str(version.folder), backbone, "fast_adaptation",
        {**OPTIONS, **options},
    )  # fmt: skip
    return run_recipe(config, version, folder, folder.parent / "cache", Progress())


@pytest.mark.parametrize("method", ["auto", "prototypes", "anil"])
def test_an_ordinary_folder_with_a_probe_beside_it(tmp_path, tiny, notes, earlier, method):
    backbone, both = f"local:{tiny('bert')}", method == "auto"
    report = go(notes, tmp_path / "run", backbone, {"old@1": earlier}, method=method, maml=both)
    section = report["episodes"]
    names = ("probe", "prototypes", "ANIL", "first-order MAML", "MAML")
    assert [one["name"] for one in section["methods"]] == [*names[: 5 if both else 3]]
    assert section["sources"] == ["old@1"] and sum(section["classes"]) == len(WORDS)
    assert section["taken"] == {"prototypes": "prototypes", "anil": "ANIL"}.get(
        method, section["taken"]
    )
    assert section["episodes"] == 20 and section["ways"] == 2 and section["chance"] == 0.5
    assert report["parity"]["auto_classes"] < 1e-4
    [beside] = report["beside"].values()
    assert 0 <= beside["accuracy"]["value"] <= 1 and beside["against"]["n"] == report["test"]["n"]
    classifier = load_classifier(tmp_path / "run" / "model")
    rows = notes.rows_of("test")
    said = classifier.probabilities(read_inputs(notes, rows)).argmax(axis=1)
    truth = notes.labels[rows]
    assert (said == truth).mean() == pytest.approx(report["test"]["accuracy"]["value"])


def test_the_same_seed_gives_the_same_model_and_test_labels_are_never_read(
    tmp_path, tiny, notes, earlier, monkeypatch
):
    backbone = f"local:{tiny('bert')}"
    first = go(notes, tmp_path / "a", backbone, {"old@1": earlier}, maml=False)
    test = set(notes.rows_of("test").tolist())
    labels = DatasetVersion.labels.fget

    def poisoned(self):
        found = np.array(labels(self))
        if self.folder == notes.folder:
            found[list(test)] = 1 - found[list(test)]
        return found

    monkeypatch.setattr(DatasetVersion, "labels", property(poisoned))
    second = go(notes, tmp_path / "b", backbone, {"old@1": earlier}, maml=False)
    assert first["model"]["weights_sha256"] == second["model"]["weights_sha256"]
    assert first["validation"]["log_loss"] == second["validation"]["log_loss"]
    right = first["test"]["accuracy"]["value"]
    assert second["test"]["accuracy"]["value"] == pytest.approx(1 - right)


def test_copies_of_what_judges_are_not_learnt_from_in_another_dataset(
    tmp_path, tiny, notes, monkeypatch
):
    """Somebody added the same file before, with a line more."""
    lines = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "longer.csv").write_text("\n".join([*lines, "one line more,good"]) + "\n")
    copy = build(tmp_path / "longer.csv", tmp_path / "copy", seed=3)
    asked = notes.texts(notes.rows_of("validation", "test"))
    rows = np.flatnonzero(np.isin(copy.texts(np.arange(len(copy.labels))), asked))
    assert len({*rows} & {*copy.rows_of("train")}) > 3
    learnt, real = [], ClassSet.of

    def noted(name, features, labels, *rest):
        learnt.append(len(features))
        return real(name, features, labels, *rest)

    monkeypatch.setattr(ClassSet, "of", noted)
    go(notes, tmp_path / "a", f"local:{tiny('bert')}", {"copy@1": copy}, maml=False)
    trained_on = {*copy.rows_of("train").tolist()}
    assert learnt == [len(trained_on - {*rows.tolist()})]


def test_without_an_earlier_dataset_of_such_items_it_is_refused(tmp_path, tiny, notes, earlier):
    pictures = build(write_pictures(tmp_path / "p"), tmp_path / "pictures")
    backbone = f"local:{tiny('bert')}"
    for number, sources in enumerate(({}, {"photos@1": pictures}, {"itself@1": notes})):
        with pytest.raises(DataError, match="no earlier dataset to learn from"):
            go(notes, tmp_path / f"run{number}", backbone, sources)


def test_no_class_judges_that_was_learnt_from_in_a_copy(tmp_path, tiny, notes, earlier):
    """Two people added the same file, and somebody names two versions of one dataset."""
    again = build(write_topics(tmp_path / "more.csv", WORDS, each=13), tmp_path / "again")
    sources = {"old@2": earlier, "ben/copy@1": earlier, "old@3": again}
    report = go(notes, tmp_path / "run", f"local:{tiny('bert')}", sources, maml=False)
    assert report["episodes"]["sources"] == ["old@2"]
    assert sum(report["episodes"]["classes"]) == len(WORDS)


def test_a_source_of_two_classes_teaches_though_nothing_can_be_held_out(tmp_path, tiny, earlier):
    source = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    report = go(earlier, tmp_path / "run", f"local:{tiny('bert')}", {"two@1": source}, maml=False)
    assert report["episodes"]["classes"] == [2, 0, 0]
    assert "Too few classes for any to be held out" in report["episodes"]["sentence"]
    assert len(report["episodes"]["methods"]) == 3
