"""A training on growing parts of the rows: nested, judged on the same rows, resumed, blind to test
labels.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.datasets import Poisoned, build, write_pictures, write_texts

from tl_core.config import RunConfig
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.recipes.analyses import training_curve


def go(version, folder, backbone, recipe="finetune", **options):
    folder.mkdir(exist_ok=True)
    options = (
        {"epochs": 1.0, "batch_size": 8, "patience": 0} if recipe == "finetune" else {}
    ) | options
    config = RunConfig("curve", "local", "d@1", str(version.folder), backbone, recipe, options)
    return training_curve.follow(config, version, folder, folder.parent / "cache", Progress())


@pytest.fixture
def version(tmp_path):
    return build(write_pictures(tmp_path / "p", each=40), tmp_path / "v")


def test_it_trains_on_nested_parts_and_judges_all_on_the_same_rows(
    tmp_path, tiny, version, monkeypatch
):
    seen = []
    plain = training_curve.Grown.__init__

    def spy(self, whole, kept):
        plain(self, whole, kept)
        seen.append(self)

    monkeypatch.setattr(training_curve.Grown, "__init__", spy)
    result = go(version, tmp_path / "run", f"local:{tiny('resnet')}")
    train = version.rows_of("train")
    assert [point["rows"] for point in result["points"]] == [
        len(train) // part for part in (8, 4, 2, 1)
    ]
    parts = [set(one.rows_of("train")) for one in seen]
    assert all(small < big for small, big in zip(parts, parts[1:], strict=False))
    assert parts[-1] == set(train)
    assert all((one.rows_of("validation") == version.rows_of("validation")).all() for one in seen)
    assert all((one.labels[version.rows_of("test")] == -1).all() for one in seen)
    counts = [np.bincount(version.labels[sorted(part)], minlength=3) for part in parts]
    assert all(count.max() - count.min() <= 2 for count in counts)
    assert json.loads((tmp_path / "run" / "curve.json").read_text()) == result
    assert not list((tmp_path / "run").glob("part-*/model"))
    seen.clear()
    (tmp_path / "run" / f"part-{len(train) // 2}" / "answers.npy").unlink()
    assert (
        go(version, tmp_path / "run", f"local:{tiny('resnet')}") == result
    )  # resumed: only what is missing
    assert [len(one.rows_of("train")) for one in seen] == [len(train) // 2]


def test_test_labels_take_no_part(tmp_path, tiny, version):
    both = [
        go(one, tmp_path / name, f"local:{tiny('resnet')}", "probe", selection="validation")
        for one, name in ((version, "a"), (Poisoned(version.folder), "b"))
    ]
    assert both[0] == both[1]


def test_a_cross_validated_probe_is_judged_on_the_validation_rows_alone(tmp_path, tiny, version):
    result = go(
        version, tmp_path / "run", f"local:{tiny('resnet')}", "probe", selection="cv", folds=3
    )
    assert result["validation_rows"] == len(version.rows_of("validation"))


def test_too_few_rows_are_a_sentence(tmp_path, tiny):
    few = build(write_texts(tmp_path / "t.csv", 8), tmp_path / "few")
    with pytest.raises(DataError, match="too few items for a learning curve"):
        go(few, tmp_path / "run", f"local:{tiny('bert')}")
