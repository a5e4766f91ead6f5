"""Another dataset as the target: its items behind those of the source, its labels closed."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.waves import write_recordings

from tl_core.data.domains import TARGET, TARGET_TEST, judging_rows, with_target
from tl_core.errors import DataError
from tl_core.recipes.shared.common import SealedVersion
from tl_core.train.items.item_training import read_inputs


def other_texts(path, rows=60):
    """Texts with the classes good, and mixed, which the source does not know."""
    lines = ["text,label,shop"]
    lines += [f"my words are {n} good,{('good', 'mixed', '')[n % 3]},x" for n in range(rows)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def pair(tmp_path):
    return (
        build(write_texts(tmp_path / "a.csv", 60), tmp_path / "a"),
        build(other_texts(tmp_path / "b.csv"), tmp_path / "b"),
    )


def test_rows_of_the_source_keep_their_numbers(pair):
    source, other = pair
    seen = with_target(source, other)
    count = len(source.labels)
    everything = np.arange(count + len(other.labels))
    assert seen.texts(everything) == [
        *source.texts(np.arange(count)),
        *other.texts(np.arange(len(other.labels))),
    ]
    for split in ("train", "validation", "test"):
        assert (seen.rows_of(split) == source.rows_of(split)).all()
    assert (seen.labels[:count] == source.labels).all()
    assert (seen.folds[count:] == -1).all()
    assert len(seen.table) == len(everything)


def test_labels_of_the_target_are_there_only_where_they_judge(pair):
    source, other = pair
    seen = with_target(source, other)
    count = len(source.labels)
    read = seen.rows_of(TARGET)
    assert set(read - count) == set(other.rows_of("train", "unlabelled"))
    assert (seen.labels[read] == -1).all()
    judges = seen.rows_of(TARGET_TEST)
    good = [other.info.labels[label] == "good" for label in other.labels[judges - count]]
    assert len(judges) and all(good)  # mixed is no class of the source
    assert (seen.labels[judges] == source.info.labels.index("good")).all()
    assert (judging_rows(seen) == judges).all()
    sealed = SealedVersion(seen)
    assert (sealed.labels[judges] == -1).all()
    assert sealed.texts(read[:3]) == seen.texts(read[:3])


def test_groups_of_two_datasets_without_copies_are_never_one(pair):
    source, other = pair
    groups = with_target(source, other).groups
    count = len(source.labels)
    assert not set(groups[:count]) & set(groups[count:])
    assert len(np.unique(groups[count:])) == len(np.unique(other.groups))


def test_copies_that_would_give_away_what_is_asked_neither_judge_nor_are_read(tmp_path):
    lines = [f"text number {n},{('good', 'bad')[n % 2]}" for n in range(80)]
    own = [f"only here {n},{('good', 'bad')[n % 2]}" for n in range(40)]
    # a copy of what judges in the target, without a class, as its group would go on the same side
    own += [line.partition(",")[0] + "," for line in own]
    paths = tmp_path / "a.csv", tmp_path / "b.csv"
    for path, written in zip(paths, (lines, [*reversed(lines), *own]), strict=True):
        path.write_text("\n".join(["text,label", *written]) + "\n")
    source, other = (build(path, tmp_path / path.stem) for path in paths)
    seen = with_target(source, other)
    texts = np.array(seen.texts(np.arange(len(seen.labels))))

    def of(*splits):
        return {*texts[seen.rows_of(*splits)].tolist()}

    judges = of(TARGET_TEST)
    assert judges and not judges & of("train", "validation", TARGET)
    assert not of("test") & of(TARGET)
    count = len(source.labels)
    could = other.rows_of("validation", "test")
    could = could[other.labels[could] >= 0]
    assert seen.left_out == len(could) - len(seen.rows_of(TARGET_TEST)) > 0
    # what is a copy of nothing that is asked is still read
    learnt = {*source.texts(source.rows_of("train", "validation"))}
    assert of(TARGET) >= {*other.texts(other.rows_of("train"))} & learnt
    assert (seen.splits[:count] == source.splits).all()


def test_copies_of_items_without_a_class_judge_nothing_either(tmp_path):
    """They are read, too, and none shall have been read that judges."""
    lines = [f"text number {n},{('good', 'bad')[n % 2]}" for n in range(60)]
    theirs = [f"other number {n},{('good', 'bad')[n % 2]}" for n in range(60)]
    waiting = [line.partition(",")[0] + "," for line in theirs[:30]]
    for name, written in (("a", [*lines, *waiting]), ("b", theirs)):
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *written]) + "\n")
    source, other = (build(tmp_path / f"{name}.csv", tmp_path / name) for name in "ab")
    seen = with_target(source, other)
    judges = seen.texts(seen.rows_of(TARGET_TEST))
    assert judges and not {*judges} & {*source.texts(source.rows_of("unlabelled"))}
    assert seen.left_out


def test_a_target_of_nothing_but_test_items_is_refused(tmp_path):
    source = build(write_texts(tmp_path / "a.csv", 60), tmp_path / "a")
    tests = source.texts(source.rows_of("test"))
    lines = [f'"{text}",' for text in tests]
    (tmp_path / "b.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    other = build(tmp_path / "b.csv", tmp_path / "b", label_here=True)
    with pytest.raises(DataError, match="no items to adapt to"):
        with_target(source, other)


def test_what_was_learnt_from_tells_two_targets_apart(pair, tmp_path):
    source, other = pair
    third = build(write_texts(tmp_path / "c.csv", 40), tmp_path / "c")
    prints = {with_target(source, one).info.fingerprint for one in (other, third)}
    inputs = {with_target(source, one).info.inputs_fingerprint for one in (other, third)}
    assert len(prints) == len(inputs) == 2
    assert source.info.fingerprint not in prints


def test_another_kind_of_items_is_refused(pair, tmp_path):
    photos = build(write_pictures(tmp_path / "p"), tmp_path / "v")
    with pytest.raises(DataError, match="items of one kind"):
        with_target(pair[0], photos)


@pytest.mark.parametrize(
    ("write", "suffix"), [(write_pictures, "p"), (write_recordings, "s")], ids=["photos", "sounds"]
)
def test_files_of_both_are_read(tmp_path, write, suffix):
    source, other = (
        build(write(tmp_path / f"{name}{suffix}", each=12), tmp_path / f"v{name}") for name in "ab"
    )
    seen = with_target(source, other)
    row = int(seen.rows_of(TARGET)[0])
    assert seen.file_bytes(row) == other.file_bytes(row - len(source.labels))
    assert len(read_inputs(seen, seen.rows_of(TARGET)[:2])) == 2
    assert all(len(values) == len(seen.labels) for values in seen.facts().values())
