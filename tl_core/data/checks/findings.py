"""What is wrong or worth knowing about the rows of a version, each with its rows and its fixes by
one click.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tl_core.data.checks.class_names import means_nothing
from tl_core.data.checks.label_pairs import label_findings
from tl_core.data.checks.small import small_findings
from tl_core.data.checks.view import NAMED, RowFinding, View, action
from tl_core.data.dataset_version import Finding
from tl_core.data.item_kind import kind_of


def all_findings(view: View) -> list[Finding]:
    """Every check, the serious ones first."""
    findings = [
        *small_findings(view),
        *_leaks(view),
        *_labels(view),
        *_copies(view),
        *_classes(view),
        *label_findings(view),
        *_placeholders(view),
        *kind_of(view.rows.modality).findings(view),
        *_left_out(view),
    ]
    order = ("problem", "warning", "info")
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _leaks(view: View) -> list[Finding]:
    findings: list[Finding] = []
    if len(rows := view.leaking()):
        findings.append(
            RowFinding(
                "leak",
                "problem",
                f"{len(rows):,} training {view.noun} are also in the validation or test rows"
                " (leakage), so the score would be too high.",
                len(rows),
                "The copies in validation and test stay; those in train are removed.",
                actions=[action("remove", "Remove them from train")],
                rows=rows,
            )
        )
    if len(rows := view.near_leaking()):
        findings.append(
            RowFinding(
                "near_leak",
                "warning",
                f"{len(rows):,} training {view.noun} are near-duplicates of one in the validation"
                " or test rows.",
                len(rows),
                "A copy that was saved again, scaled or slightly reworded counts as seen.",
                actions=[action("remove", "Remove them from train")],
                rows=rows,
            )
        )
    return findings


_LISTED = (
    " If they may have several classes, write these into one cell, such as red;round, and import"
    " again."
)


def _labels(view: View) -> list[Finding]:
    findings: list[Finding] = []
    rows, sets = view.conflicting()
    if len(rows):
        findings.append(
            RowFinding(
                "conflicting_labels",
                "warning",
                f"{len(np.unique(sets)):,} {view.noun} occur more than once with different"
                f" classes ({len(rows):,} rows), as they do when several people disagree about"
                " them.",
                len(rows),
                "No model can learn both. Keep the class that most of the copies have (where"
                " there is a tie, all are removed), or leave them all out."
                + ("" if view.rows.sets.several else _LISTED),
                actions=[
                    action("remove", "Leave them all out"),
                    action("majority", "Keep the commoner class"),
                ],
                rows=rows,
            )
        )
    if twins := view.alike_names():
        shown = "; ".join(" / ".join(same) for same in twins[:5])
        findings.append(
            Finding(
                "similar_names",
                "warning",
                "Some classes differ only in capitals, spaces, punctuation or the way a number"
                f" is written: {shown}.",
                len(twins),
                "They get the name that most rows have.",
                [name for same in twins for name in same],
                [action("merge", "Give them one name")],
            )
        )
    return findings


def _copies(view: View) -> list[Finding]:
    findings: list[Finding] = []
    if len(spare := view.spare_copies()):
        rows, _ = view.copies()
        findings.append(
            RowFinding(
                "duplicates",
                "info",
                f"{view.noun.capitalize()} that are exact copies of another one: {len(spare):,}."
                " Splits made here keep copies together.",
                len(spare),
                "They count twice without adding information.",
                actions=[action("keep_one", "Keep one of each")],
                rows=rows[~np.isin(rows, view.conflicting()[0])],
            )
        )
    sets = view.near_sets()
    if sets:
        spare_count = sum(map(len, sets.values()))
        how = kind_of(view.rows.modality).near_copy
        findings.append(
            RowFinding(
                "near_duplicates",
                "info",
                f"{view.noun.capitalize()} that are near-duplicates of another one ({how}):"
                f" {spare_count:,}.",
                spare_count,
                "Splits made here keep small sets of them together.",
                actions=[action("keep_one", "Keep one of each")],
                rows=np.array(
                    [row for kept, others in sets.items() for row in (kept, *others)],
                    dtype=np.int64,
                ),
            )
        )
    return findings


def _classes(view: View) -> list[Finding]:
    counts = {name: count for name, count in view.counts().items() if count}
    if not counts:
        return []
    return [
        *_numeric(counts),
        *_small_classes(counts),
        *_imbalance(counts),
        *_unseen_classes(view, counts),
    ]


def _numeric(counts: dict[str, int]) -> list[Finding]:
    if not all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", name) for name in counts):
        return []
    return [
        Finding(
            "numeric_labels",
            "info",
            "The classes are numbers. Each different number is treated "
            "as a class of its own; their order and size mean nothing.",
            len(counts),
        )
    ]


def _small_classes(counts: dict[str, int]) -> list[Finding]:
    small = sorted(name for name, count in counts.items() if count < 5)
    if not small:
        return []
    removable = (
        [action("remove_classes", "Leave these classes out")]
        if len(counts) - len(small) >= 2
        else []
    )
    return [
        Finding(
            "small_classes",
            "warning",
            f"{len(small)} class(es) have fewer than 5 examples: {', '.join(small[:6])}. Their"
            " scores will be guesses; a class with one example stays in train and is never"
            " tested.",
            len(small),
            "Add examples (50 or more for each class is a good aim).",
            small,
            removable,
        )
    ]


def _imbalance(counts: dict[str, int]) -> list[Finding]:
    rare, common = (
        min(counts, key=lambda name: counts[name]),
        max(counts, key=lambda name: counts[name]),
    )
    if counts[common] <= 2 * counts[rare]:
        return []
    ratio = counts[common] / counts[rare]
    return [
        Finding(
            "imbalance",
            "info" if ratio <= 10 else "warning",
            f"{common!r} has {ratio:.0f} times the "
            f"examples of {rare!r}; up to 2 times is harmless.",
            counts[common],
            "Add examples of the rare classes, or train with balanced class weights.",
        )
    ]


def _unseen_classes(view: View, counts: dict[str, int]) -> list[Finding]:
    trained = view.rows.sets.counts(view.rows.labels[view.alive & (view.splits == "train")])
    unseen = [
        name
        for name, learnt in zip(view.rows.classes, trained, strict=True)
        if counts.get(name) and not learnt
    ]
    if not unseen:
        return []
    return [
        Finding(
            "unseen_classes",
            "problem",
            f"{len(unseen)} class(es) have no training example: {', '.join(unseen[:6])}. The"
            " model can never predict them, so their test rows count as wrong.",
            len(unseen),
            "Add training examples, or leave the classes out.",
            unseen,
            [action("remove_classes", "Leave these classes out")],
        )
    ]


def _placeholders(view: View) -> list[Finding]:
    """Classes whose names are what tools and people write where there is no class."""
    counts = {name: count for name, count in view.counts().items() if count}
    names = sorted(name for name in counts if means_nothing(name))
    if not names or len(names) == len(counts):
        return []
    shown = ", ".join(map(repr, names[:6]))
    return [
        Finding(
            "placeholder_classes",
            "info",
            f"{shown} may stand for rows without a class ({sum(counts[name] for name in names):,}"
            " rows). It is treated as a class like any other.",
            len(names),
            "Keep it if it means something; else leave it out.",
            names,
            (
                [action("remove_classes", "Leave these rows out")]
                if len(counts) - len(names) >= 2
                else []
            ),
        )
    ]


def _left_out(view: View) -> list[Finding]:
    draft, findings = view.draft, list[Finding]()
    if draft.damaged:
        findings.append(
            Finding(
                "damaged",
                "warning",
                f"{len(draft.damaged):,} file(s) could not be opened. They are not in the dataset.",
                len(draft.damaged),
                "Repair them and add them again, or go on without.",
                draft.damaged[:NAMED],
                [action("accept", "Go on without them")],
            )
        )
    if draft.empty:
        findings.append(
            Finding(
                "empty_texts",
                "info",
                f"{draft.empty:,} row(s) have no text. They are not in the dataset.",
                draft.empty,
            )
        )
    if draft.skipped:
        findings.append(
            Finding(
                "skipped",
                "info",
                f"{len(draft.skipped):,} item(s) of the source were left out, each "
                "with its reason.",
                len(draft.skipped),
                "Look at the list; repair what you need and add it again.",
            )
        )
    unlabelled = np.flatnonzero(view.splits == "unlabelled")
    if len(unlabelled):
        findings.append(
            RowFinding(
                "unlabelled",
                "info",
                f"{len(unlabelled):,} row(s) have no class. They are set aside; "
                "label them, or predict them once a model is trained.",
                len(unlabelled),
                rows=unlabelled,
            )
        )
    return findings


def write_finding_rows(folder: Path, findings: Iterable[Finding]) -> None:
    """`findings.parquet`: one line for each row of each finding."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    own = [finding for finding in findings if isinstance(finding, RowFinding)]
    names = [finding.id for finding in own for _ in range(len(finding.rows))]
    rows = np.concatenate([finding.rows for finding in own]) if own else np.empty(0, dtype=np.int64)
    pq.write_table(
        pa.table({"finding": pa.array(names, pa.string()), "row": pa.array(rows, pa.int64())}),
        folder / "findings.parquet",
    )
