"""The learning curve and the map on a tiny network: nested growth, no test labels, files that pages
read.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests_support.datasets import Poisoned, build, write_pictures, write_texts

from tl_core.config import RunConfig
from tl_core.evaluate.learning_curve import nested
from tl_core.progress import Progress
from tl_core.recipes.analyses.exploration import explore


def go(version, folder, backbone, **options):
    folder.mkdir()
    config = RunConfig("explore", "local", "d@1", str(version.folder), backbone, "probe", options)
    return explore(config, version, folder, folder.parent / "cache", Progress())


def test_a_growing_curve_and_a_map(tmp_path, tiny):
    version = build(write_pictures(tmp_path / "d", each=40), tmp_path / "v")
    result = go(version, tmp_path / "run", f"local:{tiny('convnext')}")
    assert json.loads((tmp_path / "run" / "explore.json").read_text()) == result
    rows = [point["rows"] for point in result["points"]]
    assert rows == sorted(rows)
    assert len(rows) >= 5
    assert result["points"][-1]["value"] >= result["points"][0]["value"]
    assert {part["label"] for part in result["classes"]} == {"red", "green", "blue"}
    assert result["advice"]
    table = pd.read_parquet(tmp_path / "run" / "map.parquet")
    expected = version.rows_of("train", "validation")
    assert sorted(table["row"]) == expected.tolist()
    names = np.array(version.info.labels)
    assert (names[version.labels[table["row"]]] == table["class"]).all()
    right = (table["class"] == table["said"]).mean()
    assert right == pytest.approx(result["points"][-1]["value"], abs=0.02)
    assert np.isfinite(table[["x", "y", "near_x", "near_y"]].to_numpy()).all()


def test_every_beginning_holds_each_class_in_its_share():
    labels = np.repeat([0, 1, 2], [60, 30, 6])
    order = nested(labels, 0)
    assert sorted(order) == list(range(96))
    assert set(labels[order[:3]]) == {0, 1, 2}
    for count in (16, 48):
        shares = np.bincount(labels[order[:count]], minlength=3) / count
        assert shares == pytest.approx([60 / 96, 30 / 96, 6 / 96], abs=0.09)


def test_test_labels_take_no_part(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    both = [
        go(one, tmp_path / name, f"local:{tiny('bert')}", pooling="mean", max_length=24)
        for one, name in ((version, "a"), (Poisoned(version.folder), "b"))
    ]
    assert both[0] == both[1]
