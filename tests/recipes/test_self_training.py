"""Recipe `self_training` end to end: rows without a class, the plain probe beside it, and what it
refuses.
"""

from __future__ import annotations

import csv

import pytest
from tests_support.datasets import build, write_texts
from tests_support.finetuning import Ear

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, DataError
from tl_core.evaluate.report import load_report, taught_itself
from tl_core.progress import Curve
from tl_core.recipes import run_recipe
from tl_core.test_score import seal
from tl_core.train.unlabelled.open_rows import open_rows


def write_some_without_class(path, rows=160, every=4):
    """A table of which only two rows of each four have a class."""
    head, *lines = csv.reader(write_texts(path, rows).read_text().splitlines())
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(
            [
                head,
                *(
                    [text, label if number % every < 2 else ""]
                    for number, (text, label) in enumerate(lines)
                ),
            ]
        )
    return path


@pytest.fixture
def version(tmp_path):
    return build(write_some_without_class(tmp_path / "t.csv"), tmp_path / "v")


def trained(version, tmp_path, backbone, name="run", progress=None, **options):
    (tmp_path / name).mkdir()
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{backbone}",
        "self_training",
        {"max_length": 16, "baseline": False, "threshold": 0.4, **options},
    )
    return run_recipe(config, version, tmp_path / name, tmp_path / "cache", progress or Ear())


def test_a_report_shows_the_rounds_and_the_plain_probe_beside_it(version, tiny, tmp_path):
    ear = Ear()
    report = trained(version, tmp_path, tiny("bert"), progress=ear)
    facts = report["self_training"]
    assert facts["rows"] == len(version.rows_of("unlabelled")) > 50
    assert [one["round"] for one in facts["rounds"]] == list(range(len(facts["rounds"])))
    assert len(ear.curves[Curve.VALIDATION]) == len(facts["rounds"]) > 1
    kept = facts["rounds"][facts["kept_round"]]
    assert kept["accuracy"] >= facts["rounds"][0]["accuracy"]
    assert sum(facts["pseudo_labels"].values()) == kept["taken"]
    [said] = taught_itself(report)
    assert f"{facts['rows']} texts without a class" in said
    assert (f"about {kept['taken']:,} (pseudo" if facts["kept_round"] else "plain probe") in said
    [none] = taught_itself({**report, "self_training": {**facts, "kept_round": 0}})
    assert none.endswith("so this is the plain probe.")
    assert taught_itself({**report, "self_training": None}) == []
    beside, held = (report[key]["the plain probe"] for key in ("beside", "beside_validation"))
    assert beside["against"]["n"] == report["test"]["n"]
    gap = report["test"]["accuracy"]["value"] - beside["accuracy"]["value"]
    assert beside["against"]["difference"]["value"] == pytest.approx(gap)
    assert held["accuracy"]["value"] == pytest.approx(facts["rounds"][0]["accuracy"])
    assert load_classifier(tmp_path / "run" / "model").labels == report["labels"]


def test_a_closed_test_score_keeps_the_comparison_on_validation_rows(version, tiny, tmp_path):
    report = trained(version, tmp_path, tiny("bert"))
    closed = seal(tmp_path / "run", report)
    assert closed["beside"] == {} and closed["beside_validation"]["the plain probe"]
    assert load_report(tmp_path / "run" / "sealed")["beside"]["the plain probe"]


def test_the_same_seed_gives_the_same_model(version, tiny, tmp_path):
    first, again = (trained(version, tmp_path, tiny("bert"), name) for name in "ab")
    assert first["test"]["log_loss"] == again["test"]["log_loss"]
    assert first["self_training"] == again["self_training"]


def test_copies_of_held_out_rows_are_left_out(version, tmp_path):
    """Rows without a class that say word for word what a test row says."""
    held = version.texts(version.rows_of("test"))[:5]
    rows = list(csv.reader((tmp_path / "t.csv").read_text().splitlines()))
    path = tmp_path / "copied.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerows(rows)
        writer.writerows([text, ""] for text in held)
    copied = build(path, tmp_path / "copied")
    tests = set(copied.texts(copied.rows_of("validation", "test")))
    rows = open_rows(copied)
    assert not tests & set(copied.texts(rows.all))
    assert rows.left_out == sum(
        text in tests for text in copied.texts(copied.rows_of("unlabelled"))
    )


def test_test_labels_take_no_part(version, tiny, tmp_path):
    from tests_support.datasets import Poisoned

    first = trained(version, tmp_path, tiny("bert"), "a")
    poisoned = trained(Poisoned(version.folder), tmp_path, tiny("bert"), "b")
    assert first["self_training"] == poisoned["self_training"]
    models = [load_classifier(tmp_path / name / "model").model.state_dict() for name in "ab"]
    assert all((models[0][name] == value).all() for name, value in models[1].items())


def test_what_cannot_teach_itself_is_refused_in_words(tiny, tmp_path):
    every = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    assert isinstance(every, DatasetVersion)
    with pytest.raises(DataError, match="rows without a class"):
        trained(every, tmp_path, tiny("bert"))


def test_several_labels_are_refused_in_words(tiny, tmp_path):
    lines = ["text,labels"] + [
        f'"the film is good {number}","{("a;b", "a", "b", "")[number % 4]}"' for number in range(80)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    several = build(tmp_path / "t.csv", tmp_path / "v", task="multi_label", label_separator=";")
    with pytest.raises(ConfigError, match="one class each"):
        trained(several, tmp_path, tiny("bert"))
