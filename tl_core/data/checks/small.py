"""Data of which too little is there, or too little on one side: what cannot be trained, and what a
score is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.dataset_version import Finding
from tl_core.data.label_sets import LabelSets
from tl_core.errors import DataError

if TYPE_CHECKING:
    from tl_core.data.checks.view import View
    from tl_core.data.versions.store import DatasetVersion

_GO_LABEL = (
    "Give items their class on the page Labelling (labels next, labels give), then make the next"
    " version."
)
FEW = 10  # test rows below which a score is hardly more than an anecdote
Ints = NDArray[np.int64]


def obstacle(
    labels: Ints,
    sets: LabelSets,
    splits: NDArray[np.str_],
    groups: Ints,
    *,
    judged: bool = True,
    learns: bool = True,
    here: bool = False,
) -> tuple[str, str, str]:
    """What stands in the way of a training, why, and what to do; empty words when nothing does.

    Args:
        labels: number of each row's label, -1 without.
        sets: what the numbers mean.
        splits: of each row.
        groups: equal numbers belong together.
        judged: False for work that leaves the test rows alone.
        learns: False for a recipe that reads no training row.
        here: whether the dataset began without any class, and people give them here.
    """
    known = (labels >= 0) & np.isin(splits, ("train", "validation", "test"))
    if here and not known.any():
        return (
            "Nothing can be learnt yet: no row has a class.",
            "Every row still waits for one.",
            f"{_GO_LABEL} Two classes are needed, and some items of each that were drawn at"
            " random, to judge by.",
        )
    if judged and not (known & (splits == "test")).any():
        if here:
            return (
                "There are no test rows yet.",
                f"{int(known.sum()):,} rows have a class, but only those that were drawn at random"
                " may judge, and these are too few.",
                f"{_GO_LABEL} That page says how many more are needed.",
            )
        return _no_test(
            int(known.sum()),
            len(np.unique(groups[known])),
            removed=bool((splits == "removed").any()),
        )
    learnt = labels[known & (splits != "test")]
    return _nothing_to_learn(learnt, sets, here=here) if learns else ("", "", "")


def _nothing_to_learn(learnt: Ints, sets: LabelSets, *, here: bool) -> tuple[str, str, str]:
    """Why rows with these labels teach nothing; empty words where they do."""
    counts = sets.counts(learnt)
    if (counts > 1).sum() < 2:
        return (
            "There are too few rows to learn from.",
            (
                f"Beside the test there are {len(learnt):,} rows in "
                f"{int((counts > 0).sum()):,} classes; at least two classes need two or more."
            ),
            _GO_LABEL if here else "Add examples (50 or more for each class is a good aim).",
        )
    if sets.several and not (np.minimum(counts, len(learnt) - counts) > 1).any():
        return (
            "There is nothing to tell apart yet.",
            f"Beside the test there are {len(learnt):,} rows, and hardly one lacks a label that the"
            " others have.",
            "Bring rows without each of the labels, too; none of them is an answer as well.",
        )
    return "", "", ""


def _no_test(rows: int, groups: int, *, removed: bool) -> tuple[str, str, str]:
    """Why no row is left for the test."""
    if rows and groups == 1:
        return (
            f"All {rows:,} rows belong to one group.",
            (
                "A group is never split, so no rows can be kept for the test, and the model could"
                " not be evaluated."
            ),
            "Choose another group column or none, or bring test rows of their own.",
        )
    why = (
        "None is left for the test."
        if removed
        else (
            f"Of {rows:,} rows none can be kept for the test: each class needs a row, or a whole"
            " group, that stays in training."
        )
    )
    return (
        "There are no test rows.",
        why,
        "Add examples (50 or more for each class is a good aim), or bring test rows of their own.",
    )


def check_trainable(version: DatasetVersion, *, judged: bool = True, learns: bool = True) -> None:
    """Refuse a training that could not be carried out or not be judged, before it begins.

    Args:
        version: to be trained on.
        judged: as in `obstacle`.
        learns: as in `obstacle`.

    Raises:
        DataError: in words.
    """
    what, why, mend = obstacle(
        version.labels,
        version.sets,
        version.splits,
        version.groups,
        judged=judged,
        learns=learns,
        here=version.info.labelled_here,
    )
    if what:
        raise DataError(what, why, mend)


def small_findings(view: View) -> list[Finding]:
    """What the numbers of rows in each split forbid or weaken."""
    what, why, mend = obstacle(
        view.rows.labels,
        view.rows.sets,
        view.splits,
        view.groups,
        here=view.draft.options.label_here,
    )
    obstacles = (
        [
            Finding(
                "too_small",
                "problem",
                f"{what} {why} A training is refused.",
                int(view.alive.sum()),
                mend,
            )
        ]
        if what
        else []
    )
    return obstacles + _one_sided(view) + _few(view) + ([] if what else _one_group(view))


def _one_group(view: View) -> list[Finding]:
    """Rows to learn from that cannot judge each other; a test of other groups may be there all the
    same.
    """
    groups = view.groups[view.alive & ((view.splits == "train") | (view.splits == "validation"))]
    if len(groups) and groups.min() != groups.max():
        return []
    return [
        Finding(
            "one_group",
            "warning",
            f"All {len(groups):,} rows to learn from belong to one group, which is never split: a"
            " strategy that compares settings on a part of them is refused.",
            len(groups),
            "Choose another group column or none, or bring rows of other groups.",
        )
    ]


def _one_sided(view: View) -> list[Finding]:
    """Rows that judge, but know one class only."""
    findings: list[Finding] = []
    classes = sum(count > 0 for count in view.counts().values())
    for split, meant in (
        ("test", "A model that always says it would be right every time"),
        ("validation", "Settings would be chosen by that class alone"),
    ):
        labels = view.rows.labels[view.alive & (view.splits == split)]
        if len(labels) and len(np.unique(labels)) == 1 and classes > 1:
            name = view.rows.sets.names[int(labels[0])]
            findings.append(
                Finding(
                    f"one_class_{split}",
                    "warning",
                    f"All {len(labels):,} {split} rows are of the class {name!r}. {meant}"
                    ", so their score says little.",
                    len(labels),
                    f"Bring {split} rows of the other classes too, or let the split be made here.",
                    [name],
                )
            )
    return findings


def _few(view: View) -> list[Finding]:
    count = int((view.alive & (view.splits == "test")).sum())
    if not 0 < count < FEW:
        return []
    return [
        Finding(
            "few_test",
            "warning",
            f"There {'is' if count == 1 else 'are'} only {count} test "
            f"{'row' if count == 1 else 'rows'}: a score on so few is very uncertain.",
            count,
            "Add examples, or set more rows aside for the test.",
        )
    ]
