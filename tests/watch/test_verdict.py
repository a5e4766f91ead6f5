"""Sums of served items, and what they say against the training's: alarms rarely without drift, and
reliably with it.
"""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.errors import DataError, StateError
from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import FOLDER, Reference
from tl_core.watch.verdict import CLASSES, CONFIDENCE, FEATURES, verdict


def beyond(found):
    return {one.what for one in found.comparisons if one.beyond}


def test_tallies_add_up_and_survive_a_file(world, tally, tmp_path):
    reference = world.reference()
    parts = [world.items(count) for count in (40, 1, 300)]
    whole = tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
    added = Tally.empty(reference)
    for part in parts:
        added += tally(reference, part)
    added.write(tmp_path / "kept")
    for found in (added, Tally.read(tmp_path / "kept", reference)):
        wanted = tally(reference, whole)
        assert (found.items, found.unsure) == (341, int((whole[1] < 0.5).sum()))
        assert found.classes.tolist() == [int((whole[0] == k).sum()) for k in range(3)]
        np.testing.assert_array_equal(found.confidence, wanted.confidence)
        np.testing.assert_allclose(found.mapped, wanted.mapped)
    assert found.confidence.sum() == 341
    assert Tally.read(tmp_path / "none", reference).items == 0
    (tmp_path / "kept").write_bytes(b"damaged")
    assert Tally.read(tmp_path / "kept", reference).items == 0


def test_a_reference_survives_a_file_and_holds_no_item(world, tmp_path):
    made = world.reference()
    made.write(tmp_path)
    read = Reference.read(tmp_path)
    assert (read.labels, read.rows, read.source) == (made.labels, 600, "validation and test")
    for name in ("classes", "edges", "confidence", "mean", "covariance"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    features = world.items(3)[2]
    np.testing.assert_array_equal(read.mean_map(features), made.mean_map(features))
    size = sum(path.stat().st_size for path in (tmp_path / FOLDER).iterdir())
    world.reference(1000).write(tmp_path / "more")
    more = sum(path.stat().st_size for path in (tmp_path / "more" / FOLDER).iterdir())
    assert abs(more - size) < 100  # as large whatever it was made of: sums alone
    assert Reference.read(tmp_path / "nothing") is None
    (tmp_path / FOLDER / "arrays.safetensors").write_bytes(b"damaged")
    with pytest.raises(StateError, match="damaged"):
        Reference.read(tmp_path)
    with pytest.raises(DataError, match="too few"):
        world.reference(19)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"shares": (0.25, 0.3, 0.45)}, {CLASSES}),
        ({"sure": (5, 3)}, {CONFIDENCE}),
        ({"shift": 0.5}, {FEATURES}),
    ],
)
def test_each_kind_of_drift_is_found_by_its_own_measure(world, tally, change, found):
    reference = world.reference()
    said = verdict(reference, tally(reference, world.items(400, **change)))
    assert beyond(said) == found and said.drifted
    assert next(iter(found)) in said.sentence and "by more than chance" in said.sentence


def test_without_drift_alarms_are_rare(world, tally):
    alarms = 0
    for _ in range(25):
        reference = world.reference(300)
        alarms += verdict(reference, tally(reference, world.items(200)), level=0.1).drifted
    assert alarms <= 8  # 10 %; 9 or more of 25 have a chance below 1 in 1,000


def test_a_few_items_say_nothing(world, tally):
    reference = world.reference()
    said = verdict(reference, tally(reference, world.items(49)))
    assert not said.comparisons and not said.drifted and "too few" in said.sentence
    same = verdict(reference, tally(reference, world.items(300)))
    assert "nothing differs by more than chance" in same.sentence


def test_a_class_that_is_new_and_one_that_has_gone(world, tally):
    reference = world.reference()
    said = verdict(reference, tally(reference, world.items(200, shares=(0.0, 0.0, 1.0))))
    value = said.comparisons[0].value
    assert np.isfinite(value) and CLASSES in beyond(said)
