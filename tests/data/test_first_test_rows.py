"""Who judges in a dataset that began without any class: rows drawn at random, and no others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import LabelSets
from tl_core.data.labelling.first_test import FEW, lacking, lacking_in_words, placed
from tl_core.data.versions.split import Labelled


class Case:
    """Rows of which the first `known` have got a class, every `step`-th of them by lot."""

    def __init__(self, known=80, step=3, size=1, classes=3, seed=0):
        random = np.random.default_rng(seed)
        count = known + 20
        self.labels = np.where(np.arange(count) < known, random.integers(0, classes, count), -1)
        self.groups = np.arange(count) // size
        self.joining = np.arange(known)
        self.chance = self.joining[::step]
        self.splits = np.where(self.labels >= 0, "train", "unlabelled").astype("<U10")

    def known(self):
        sets = LabelSets.of_classes([str(n) for n in range(int(self.labels.max()) + 1)])
        return Labelled(self.labels, sets, self.groups)

    def place(self, joining=None, seed=0, **options):
        joining = self.joining if joining is None else joining
        options = ImportOptions(seed=seed, label_here=True, **options)
        return placed(self.splits, joining, self.chance, self.known(), options)


def judged_by_lot(case, splits):
    """Groups of drawn rows alone judge, and none is torn."""
    judges = np.flatnonzero(np.isin(splits, ("validation", "test")))
    assert {*case.groups[judges].tolist()} <= {*case.groups[case.chance].tolist()}
    known = case.labels >= 0
    for group in np.unique(case.groups[known]):
        assert len({*splits[(case.groups == group) & known].tolist()}) == 1


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_only_what_was_drawn_judges_and_groups_stay_whole(step, size, seed):
    case = Case(known=200, step=step, size=size, seed=seed)
    splits = case.place(seed=seed)
    judged_by_lot(case, splits)
    judges = np.flatnonzero(np.isin(splits, ("validation", "test")))
    if size == 1:
        assert {*judges.tolist()} <= {*case.chance.tolist()}
    known = case.labels >= 0
    assert (splits[~known] == "unlabelled").all()
    for label in range(3):
        own = Counter(splits[case.labels == label].tolist())
        assert own["test"] >= FEW and own["validation"] >= 1 and own["train"] >= 1
    # never more than a split by the import would take, but for the least that each class needs
    assert (splits == "test").sum() <= max(0.2 * known.sum(), 3 * FEW * size) + 3 * size


def test_a_class_is_judged_in_proportion():
    """Of drawn rows alone the shares are those of any split, class by class."""
    labels = np.repeat([0, 1], [300, 100])
    case = Case(known=380, step=1)
    case.labels = np.concatenate([labels[:380], np.full(20, -1)])
    splits = case.place()
    for label, count in ((0, 300), (1, 80)):
        own = Counter(splits[case.labels == label].tolist())
        assert abs(own["test"] - 0.2 * count) <= 1 and abs(own["validation"] - 0.2 * count) <= 1


def test_chosen_labels_have_no_say():
    """Poisoned labels of rows that a strategy chose move no drawn row, as long as each class keeps
    its rows.
    """
    case = Case(known=120, step=2, classes=2)
    before = case.place()
    chosen = np.setdiff1d(case.joining, case.chance)
    case.labels[chosen] = 1 - case.labels[chosen]
    assert (case.place() == before).all()


def test_too_few_drawn_rows_make_no_test():
    case = Case(known=20, step=4, classes=2)  # five by lot
    splits = case.place()
    assert (splits[case.joining] == "train").all()
    # nor do many copies of a few
    case = Case(known=40, step=1, size=8, classes=2)
    assert (case.place()[case.joining] == "train").all()


def test_drawn_rows_that_waited_for_others_judge_once_there_are_enough():
    case = Case(known=40, step=2, classes=2)
    splits = case.place(joining=np.arange(38, 40))
    judges = np.flatnonzero(np.isin(splits, ("validation", "test")))
    assert len(judges) and judges.min() < 38 and {*judges.tolist()} <= {*case.chance.tolist()}


def test_the_test_grows_and_never_moves():
    case = Case(known=400, step=2, classes=2)
    first = np.arange(60)
    later = np.arange(60, 400)
    all_labels = case.labels.copy()
    case.labels[later] = -1
    case.splits[later] = "unlabelled"
    case.joining, case.chance = first, first[::2]
    case.splits = case.place()
    before = case.splits.copy()
    case.labels = all_labels
    case.splits[later] = "train"
    case.joining, case.chance = later, np.arange(0, 400, 2)
    after = case.place()
    assert (after[first] == before[first]).all()
    judged = np.flatnonzero(np.isin(after, ("validation", "test")))
    assert {*judged.tolist()} <= {*case.chance.tolist()} and len(judged) > 60
    # a row whose group was learnt from stays in training
    case.groups[60::2] = case.groups[int(np.flatnonzero(before == "train")[0])]
    assert (case.place() == case.splits).all()


def test_the_last_row_of_a_class_is_learnt_from():
    case = Case(known=60, step=1, classes=2)
    case.labels[:60] = np.arange(60) % 2
    case.labels[0] = 2
    assert case.place()[0] == "train"


def test_shares_that_were_asked_for():
    splits = Case(known=400, step=1, classes=2).place(test_fraction=0.4, val_fraction=0.1)
    assert (
        abs((splits == "test").sum() - 160) <= 2 and abs((splits == "validation").sum() - 40) <= 2
    )


class SetCase(Case):
    """The same where an item may have several of `classes`, the later ones more rarely."""

    def __init__(self, known=80, step=3, size=1, classes=3, seed=0):
        super().__init__(known, step, size, classes, seed)
        random = np.random.default_rng(seed)
        has = random.random((known, classes)) < np.linspace(0.5, 0.2, classes)
        self.members, numbers = np.unique(has, axis=0, return_inverse=True)
        self.labels[:known] = numbers.ravel()

    def known(self):
        names = [str(number) for number in range(self.members.shape[1])]
        sets = LabelSets.of_places(names, [np.flatnonzero(row).tolist() for row in self.members])
        return Labelled(self.labels, sets, self.groups)

    def count(self, splits):
        """Rows of each class in each part (classes,)."""
        has = self.known().sets.targets(self.labels)
        return {
            part: has[(splits == part) & (self.labels >= 0)].sum(axis=0)
            for part in ("train", "validation", "test")
        }


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_several_classes_of_an_item_are_all_judged_by_what_was_drawn(step, size, seed):
    case = SetCase(known=200, step=step, size=size, seed=seed)
    splits = case.place(seed=seed)
    judged_by_lot(case, splits)
    counts = case.count(splits)
    assert (counts["test"] >= FEW).all() and (counts["validation"] >= 1).all()
    assert (counts["train"] >= 1).all()
    if step == 1:
        whole = sum(counts.values())
        assert (abs(counts["test"] - 0.2 * whole) <= 2 * size + 2).all()


def first_counts(case, splits):
    """Groups of one row with and without each class, in test and validation (classes,)."""
    has = case.known().sets.targets(case.labels) > 0
    return [
        (has[splits == part].sum(axis=0), (~has[splits == part]).sum(axis=0))
        for part in ("test", "validation")
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_first_test_of_few_drawn_rows_holds_two_classes_with_and_without(seed):
    """Four of each of two classes and four without are enough to judge, whatever else they are."""
    case = SetCase(known=24, step=2, classes=4, seed=seed)
    names = case.known().sets.named
    drawn = Counter(name for row in case.chance for name in names[case.labels[row]])
    splits = case.place(seed=seed)
    (have, lack), (validated, unlike) = first_counts(case, splits)
    if lacking(drawn, len(case.chance)):
        assert not have.any() and not lack.any()
        return
    assert ((have >= FEW) & (lack >= FEW)).sum() >= 2
    assert validated.any() and unlike.any()
    counts = case.count(splits)
    assert (counts["train"] >= 1)[counts["test"] + counts["validation"] > 0].all()


@pytest.mark.parametrize(("fraction", "most"), [(0.0, 20), (0.1, 12)])
def test_rare_classes_among_many_rows_without_any_make_no_large_test(fraction, most):
    """Of forty drawn rows four have each of two classes; what judges never goes back."""
    case = SetCase(known=80, step=2, classes=2)
    case.members = np.array([[False, False], [True, False], [False, True]])
    case.labels[:80] = 0
    case.labels[[0, 2, 4, 6, 1]], case.labels[[8, 10, 12, 14, 3]] = 1, 2
    shares = {"test_fraction": fraction, "val_fraction": fraction} if fraction else {}
    for seed in range(10):
        splits = case.place(seed=seed, **shares)
        (have, _), (validated, _) = first_counts(case, splits)
        assert (have >= FEW).all() and validated.all()
        assert (splits == "test").sum() <= most and (splits == "validation").sum() <= most
        assert (splits[case.chance] == "train").any()


def test_rows_that_are_all_alike_make_no_test():
    case = SetCase(known=40, step=1, classes=2)
    case.members, case.labels[:40] = np.ones((1, 2), dtype=bool), 0
    assert (case.place()[:40] == "train").all()
    assert lacking({"a": 40, "b": 40}, 40) == 4 == lacking({"a": 4, "b": 4}, 4)
    assert lacking({}, 0) == 8 and lacking({"a": 4, "b": 5}, 8) == 1
    assert lacking({"a": 9}, 20) == 4 and lacking({"a": 4, "b": 4, "c": 1}, 8) == 0
    said = lacking_in_words({"a": 4, "b": 5}, "photos", 8)
    assert "of each of two classes and as many without it" in said
    assert "b 5, a 4 (of 8 with an answer)" in said and "at least 1 more is needed" in said


def test_a_class_keeps_a_row_to_be_learnt_from_among_several():
    """Drawn rows alone have the second class, in few of many groups."""
    case = SetCase(known=60, step=1, classes=2)
    case.members = np.array([[False, False], [True, False], [True, True]])
    case.labels[:60] = np.arange(60) % 2
    case.labels[1:10:2] = 2
    for seed in range(20):
        counts = case.count(case.place(seed=seed, test_fraction=0.45, val_fraction=0.45))
        assert counts["train"][1] >= 1, seed


def test_what_is_lacking_in_words():
    assert (
        lacking({}),
        lacking({"a": 9}),
        lacking({"a": 3, "b": 1}),
        lacking({"a": 4, "b": 4}),
    ) == (
        8,
        4,
        4,
        0,
    )
    said = lacking_in_words({"cat": 3, "dog": 1}, "photos")
    assert "cat 3, dog 1" in said and "at least 4 more are needed" in said
    assert "none; at least 8 more" in lacking_in_words({}, "photos")
    assert lacking_in_words({"a": 4, "b": 5}, "photos") == ""
