"""A new version from an old one: fixes of findings, restoring an older state. Nothing is ever
changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.item_kind import kind_of
from tl_core.data.label_sets import LabelSets, Named, gathered
from tl_core.data.labelling import first_test, rounds
from tl_core.data.preparation import Preparation
from tl_core.data.versions.draft import Draft
from tl_core.data.versions.edits import (
    Decision,
    NewNames,
    carry_over,
    classes_of,
    decisions,
)
from tl_core.data.versions.items import link_items, open_items
from tl_core.data.versions.repair import Mended, mend_names, mend_texts
from tl_core.data.versions.rows import RowFacts
from tl_core.data.versions.split import Labelled
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.data.versions.write import write_version
from tl_core.errors import DataError, nearest

_NOTHING = np.empty(0, dtype=np.int64)


@dataclass
class Edit:
    """What changes: rows to leave out, new classes for rows, new names for classes; classes that
    rows are to lose which may have others. `chance` are rows that were drawn at random, `keys` the
    classes in the order in which they had keys.
    """

    change: str
    remove: NDArray[np.int64] = field(default_factory=lambda: _NOTHING)
    relabel: dict[int, Named] = field(default_factory=dict)
    rename: dict[str, str] = field(default_factory=dict)
    forget: tuple[str, ...] = ()
    chance: NDArray[np.int64] = field(default_factory=lambda: _NOTHING)
    settle: list[str] = field(default_factory=list)
    keys: Sequence[str] = ()


def fix_finding(
    version: DatasetVersion, finding: str, chosen: str, folder: Path, parent: str
) -> VersionInfo:
    """Write `version` with the fix `chosen` of `finding` applied into `folder`.

    Rows of the other findings stay as they are; no row changes its split, so scores stay
    comparable.

    Raises:
        DataError: when the version has no such finding or the finding no such fix, or too little is
        left.
    """
    known = {f["id"]: f for f in version.info.findings}
    if finding not in known:
        raise DataError(
            f"There is no finding {finding!r} in this version.", "", nearest(finding, known)
        )
    fixes = {a["id"]: a["label"] for a in known[finding]["actions"]}
    if chosen not in fixes:
        raise DataError(
            (
                f"{finding!r} has no fix {chosen!r}."
                if fixes
                else f"{finding!r} has no automatic fix."
            ),
            known[finding]["fix"],
            nearest(chosen, fixes) if fixes else "",
        )
    rows = version.row_facts()
    view = View.of(rows, version.splits, version.groups, _draft(version, rows, version.splits))
    if chosen == "repair":
        info = _repair(version, view, folder, parent)
    else:
        info = _apply(version, view, _edit(version, view, finding, chosen), folder, parent)
    rounds.carry_over(version.folder, folder, [])
    return info


def names_after(version: DatasetVersion, finding: str, chosen: str) -> NewNames:
    """What the fix `chosen` of a finding that `version` has makes of the names of classes."""
    rows = version.row_facts()
    if chosen == "repair":
        return NewNames(mend_names(rows.classes))
    if chosen == "merge":
        view = View.of(rows, version.splits, version.groups, _draft(version, rows, version.splits))
        return NewNames(_edit(version, view, finding, chosen).rename)
    if chosen == "remove_classes":
        return NewNames(gone=_left_out(version, finding))
    return NewNames()


def _left_out(version: DatasetVersion, finding: str) -> list[str]:
    """The classes that a finding is about."""
    return next(f["items"] for f in version.info.findings if f["id"] == finding)


def apply_decisions(
    version: DatasetVersion,
    folder: Path,
    parent: str,
    chance: NDArray[np.int64] = _NOTHING,
    keys: Sequence[str] = (),
    made: Mapping[int, Decision] | None = None,
) -> VersionInfo:
    """Write `version` with what was decided about single labels into `folder`: what is `made`, else
    all that there is. No row changes its
    split but those that had no class: they are trained on from now on.

    In a dataset that began without any class some of the rows of `chance`, which were drawn at
    random, become test and validation rows: see `first_test`. `keys` are its classes in the order
    in which they had keys, which they keep.

    Raises:
        DataError: when nothing was changed, or too little is left.
    """
    made = decisions(version.folder) if made is None else made
    relabel = {
        row: classes_of(version, one.label, new=True)
        for row, one in made.items()
        if one.action == "relabel"
    }
    drop = np.array([row for row, one in made.items() if one.action == "drop"], dtype=np.int64)
    if not relabel and not len(drop):
        raise DataError("No label of this version was changed.", "", "Change or drop some first.")
    rows = version.row_facts()
    view = View.of(rows, version.splits, version.groups, _draft(version, rows, version.splits))
    first = [row for row in relabel if version.labels[row] < 0]
    change = _in_words(len(first), len(relabel) - len(first), len(drop))
    edit = Edit(change, drop, relabel, chance=chance, keys=keys)
    info = _apply(version, view, edit, folder, parent)
    carry_over(version.folder, folder)
    rounds.carry_over(version.folder, folder, first)
    return info


def _in_words(first: int, changed: int, dropped: int) -> str:
    """What a review did to how many items; nothing is said of what it did to none."""
    counted = {
        "gave {:,} a class that had none": first,
        "changed the class of {:,}": changed,
        "left out {:,}": dropped,
    }
    done = [words.format(count) for words, count in counted.items() if count]
    said = " and ".join([part for part in (", ".join(done[:-1]), done[-1]) if part])
    return f"{said[0].upper()}{said[1:]} after a review."


def _edit(version: DatasetVersion, view: View, finding: str, chosen: str) -> Edit:
    if chosen == "merge":
        names = {name: same[0] for same in view.alike_names() for name in same[1:]}
        return Edit(
            f"Merged {len(names)} class name(s): "
            + ", ".join(f"{old} into {new}" for old, new in list(names.items())[:6])
            + ".",
            rename=names,
        )
    if chosen == "majority":
        return _commoner(view)
    if chosen == "accept":
        return Edit("Went on without the files that could not be opened.", settle=[finding])
    if chosen == "remove_classes":
        names_left = _left_out(version, finding)
        change = f"Left out {len(names_left)} class(es): {', '.join(names_left[:6])}."
        if view.rows.sets.several:
            return Edit(change, forget=tuple(names_left))
        numbers = view.rows.sets.having(names_left)
        return Edit(change, np.flatnonzero(np.isin(view.rows.labels, numbers) & view.alive))
    if chosen == "keep_one":
        rows = (
            view.spare_copies()
            if finding == "duplicates"
            else np.array(
                [row for others in view.near_sets().values() for row in others], dtype=np.int64
            )
        )
        return Edit(
            f"Kept one of each set of {'' if finding == 'duplicates' else 'near-'}duplicates:"
            f" {len(rows):,} left out.",
            rows,
        )
    rows = version.finding_rows(finding)
    what = {
        "leak": "training copies of validation or test rows",
        "near_leak": "training near-duplicates of validation or test rows",
        "conflicting_labels": "rows with conflicting classes",
    }.get(finding, f"rows ({finding.replace('_', ' ')})")
    return Edit(f"Left out {len(rows):,} {what}.", rows)


def _commoner(view: View) -> Edit:
    """Each set of copies gets its commonest class; where two are equally common the set goes."""
    rows, sets = view.conflicting()
    relabel: dict[int, Named] = {}
    remove: list[int] = []
    for number in np.unique(sets):
        members = rows[sets == number]
        names, counts = np.unique(view.rows.labels[members], return_counts=True)
        top = names[counts == counts.max()]
        if len(top) > 1:
            remove += members.tolist()
        else:
            relabel.update(
                {
                    int(row): view.rows.sets.named[int(top[0])]
                    for row in members
                    if view.rows.labels[row] != top[0]
                }
            )
    return Edit(
        f"Gave {len(relabel):,} rows the class that most of their copies have; left out"
        f" {len(remove):,} where no class was commoner.",
        np.array(remove, dtype=np.int64),
        relabel,
    )


def _repair(version: DatasetVersion, view: View, folder: Path, parent: str) -> VersionInfo:
    """All texts repaired, not only those of one finding: predicting does the same to every text."""
    mended = mend_texts(version, view.rows.facts, folder)
    lost = (
        f"; left out {len(mended.empty):,} of which nothing was left" if len(mended.empty) else ""
    )
    edit = Edit(
        f"Repaired {len(mended.rows):,} texts{lost}.",
        mended.empty,
        rename=mend_names(view.rows.classes),
    )
    return _apply(version, view, edit, folder, parent, mended)


def _apply(
    version: DatasetVersion,
    view: View,
    edit: Edit,
    folder: Path,
    parent: str,
    mended: Mended | None = None,
) -> VersionInfo:
    """Close the version that `edit` makes; `mended` where its items lie in `folder` already."""
    rows = view.rows
    splits = version.splits.copy()
    joining = np.array([row for row in edit.relabel if splits[row] == "unlabelled"], np.int64)
    splits[joining] = _places(joining, splits, version.groups)
    splits[edit.remove] = "removed"
    sets, labels = _labels(rows, edit, splits)
    if len(joining) and version.info.labelled_here:
        known = Labelled(labels, sets, version.groups)
        options = ImportOptions.from_dict(version.info.options)
        splits = first_test.placed(splits, joining, edit.chance, known, options)
    if len(sets.classes) < 2 and not version.info.labelled_here:
        raise DataError(
            "Fewer than two classes would be left.",
            "A classifier needs at least two to tell apart.",
            "Add examples, or choose another fix.",
        )
    changed = RowFacts(
        rows.modality, sets, labels, rows.given, rows.named, rows.dates, rows.facts, rows.pairs
    )
    if mended:
        changed.facts = mended.facts
        changed.pairs = kind_of(rows.modality).near_pairs(mended.facts, open_items(folder))
    else:
        link_items(version.folder, folder)
    draft = _draft(version, changed, splits)
    if mended:
        draft.inputs, draft.preparation = (
            mended.fingerprint,
            replace(draft.preparation, repair=True),
        )
    draft.parent, draft.change = parent, edit.change
    keys = edit.keys or draft.keys
    draft.keys = list(dict.fromkeys(edit.rename.get(name, name) for name in keys))
    if len(joining):
        draft.folds = None  # those that got a class are held out in their turn, too
    draft.settled = sorted({*version.info.settled, *edit.settle})
    return write_version(draft, folder)


def _places(
    joining: NDArray[np.int64], splits: NDArray[np.str_], groups: NDArray[np.int64]
) -> NDArray[np.str_]:
    """The splits of rows that have got their first class: train, but beside copies that judge,
    from which it would be learnt what they are asked.
    """
    places = np.full(len(joining), "train", dtype=splits.dtype)
    for name in ("validation", "test"):
        places[np.isin(groups[joining], groups[splits == name])] = name
    return places


def _labels(
    rows: RowFacts, edit: Edit, splits: NDArray[np.str_]
) -> tuple[LabelSets, NDArray[np.int64]]:
    """The labels after an edit; a removed row keeps its label as far as living rows have it."""
    named: list[Named | None] = [
        tuple(
            dict.fromkeys(edit.rename.get(name, name) for name in some if name not in edit.forget)
        )
        for some in rows.sets.named
    ]
    labels = rows.labels.copy()
    for row, some in edit.relabel.items():
        labels[row] = len(named)
        named.append(some)
    living = np.unique(labels[(splits != "removed") & (labels >= 0)])
    classes = {name for number in living.tolist() for name in named[number] or ()}
    left = [some if some is not None and {*some} <= classes else None for some in named]
    return gathered(left, labels, several=rows.sets.several)


def _draft(version: DatasetVersion, rows: RowFacts, splits: NDArray[np.str_]) -> Draft:
    """What a new version takes over from `version`."""
    info = version.info
    findings = {f["id"]: f for f in info.findings}
    kept = [
        Finding(**findings[name])
        for name in ("validation_as_test", "undated", "blank_splits", "disagreement")
        if name in findings
    ]
    damaged, empty = findings.get("damaged"), findings.get("empty_texts")
    options = replace(ImportOptions.from_dict(info.options), remove_leaks=False)
    return Draft(
        rows,
        splits,
        version.groups,
        options,
        info.inputs_fingerprint,
        info.extras_fingerprint,
        info.source,
        info.columns,
        info.skipped,
        empty["count"] if empty else 0,
        damaged["items"] if damaged else [],
        kept,
        skipped_before=info.skipped_count - len(info.skipped),
        keys=info.keys,
        folds=version.folds if (version.folds >= 0).any() else None,
        kept_plan=info.plan,
        preparation=Preparation.from_dict(info.preparation),
    )


def restore(version: DatasetVersion, folder: Path, parent: str, reference: str) -> VersionInfo:
    """The state of `version` (called `reference`) once more, as the newest version after
    `parent`.
    """
    rows = version.row_facts()
    draft = _draft(version, rows, version.splits)
    draft.parent, draft.change, draft.settled = (
        parent,
        f"Restored {reference}.",
        list(version.info.settled),
    )
    link_items(version.folder, folder)
    info = write_version(draft, folder)
    rounds.carry_over(version.folder, folder, [])
    return info
