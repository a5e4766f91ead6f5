"""What a dataset version is, and which columns of a table hold what."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tl_core.config import Checked, setting
from tl_core.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

MODALITIES = ("image", "text")
TASKS = ("single_label", "multi_label")
SPLITS = ("train", "validation", "test", "unlabelled")
MAX_CLASSES = 500

_TEXT_NAMES = ("text", "message", "sentence", "content", "question", "review", "body", "comment", "description",
               "title", "subject", "input", "prompt", "ticket", "utterance", "query")
_LABEL_NAMES = ("label", "class", "category", "target", "intent", "topic", "sentiment", "tag", "type", "labels",
                "coarse_label", "y", "output")
_SPLIT_COLUMN_NAMES = ("split", "set", "fold", "partition", "subset")


@dataclass(frozen=True)
class ImportOptions(Checked):
    """How a source becomes a dataset version."""

    text_column: str = setting("", "Column that holds the text. Empty: guessed from names and content.")
    label_column: str = setting("", "Column that holds the class. Empty: guessed from names and content.")
    group_column: str = setting("", "Column that says which rows belong together (customer, patient, video); they "
                                "never end up on both sides of a split.")
    split_column: str = setting("", "Column that already says train, validation or test.")
    val_is: str = setting("test", "What a lone validation split becomes: the test set (validation is then carved "
                          "from train), or validation as it is.", choices=("test", "validation"))
    val_fraction: float = setting(0.0, "Share of the rows set aside for validation; 0 picks it by size.", low=0.0,
                                  high=0.5)
    test_fraction: float = setting(0.0, "Share of the rows set aside for the test; 0 picks it by size.", low=0.0,
                                   high=0.5)
    remove_leaks: bool = setting(False, "Leave out training rows that also stand in the validation or test rows.")
    seed: int = setting(0, "Number that the split is drawn with; the same seed gives the same split.", low=0,
                        high=2**31 - 1)


@dataclass(frozen=True)
class Finding:
    """One thing to know about the data: what, how serious, which items, and what to do."""

    id: str
    severity: str  # info | warning | problem
    text: str
    count: int = 0
    fix: str = ""
    items: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Columns:
    """The columns of a table by role; empty where there is none."""

    text: str
    label: str
    group: str = ""
    split: str = ""


def guess_columns(head: pd.DataFrame, options: ImportOptions) -> Columns:
    """Columns as named in `options`, the rest guessed by name and content from the first rows.

    Raises:
        DataError: when a named column does not exist, or text or label cannot be guessed.
    """
    names = [str(name) for name in head.columns]
    for wanted in (options.text_column, options.label_column, options.group_column, options.split_column):
        if wanted and wanted not in names:
            raise DataError(f"There is no column {wanted!r}.", f"The table has: {', '.join(names[:12])}.",
                            nearest(wanted, names))
    split = options.split_column or _split_column(head)
    taken = {split, options.group_column, options.label_column, options.text_column} - {""}
    label = options.label_column or _by_name(names, _LABEL_NAMES, taken) or _by_content(head, taken)
    text = options.text_column or _text_column(head, names, taken | {label})
    if not text or not label:
        missing = "the text" if not text else "the class"
        raise DataError(f"It is not clear which column holds {missing}.",
                        f"The table has {len(names)} column(s): {', '.join(names[:12])}.",
                        "Name the columns yourself; a table needs one with the text and one with the class.")
    if text == label:
        raise DataError(f"The column {text!r} is named as text and as class.", "", "Name two different columns.")
    return Columns(text, label, options.group_column, split)


def guess_text_column(head: pd.DataFrame) -> str:
    """The column that most likely holds the text, for tables without classes.

    Raises:
        DataError: when all columns are empty.
    """
    found = _text_column(head, [str(name) for name in head.columns], set())
    if not found:
        raise DataError("No column holds any text.", "", "Check that the table's first row names its columns.")
    return found


def _by_name(names: list[str], known: tuple[str, ...], taken: set[str]) -> str:
    free = {name.lower().strip(): name for name in names if name not in taken}
    return next((free[word] for word in known if word in free), "")


def _text_column(head: pd.DataFrame, names: list[str], taken: set[str]) -> str:
    named = _by_name(names, _TEXT_NAMES, taken)
    lengths = {name: head[name].str.len().mean() for name in names if name not in taken}
    if named and lengths[named] > 0:
        return named
    longest = max(lengths, key=lambda name: lengths[name], default="")
    return longest if longest and lengths[longest] > 0 else ""


def _by_content(head: pd.DataFrame, taken: set[str]) -> str:
    """The column with the fewest different short values, if they repeat."""
    counts = {name: head[name].nunique() for name in head.columns if name not in taken
              and head[name].str.len().mean() < 40 and 2 <= head[name].nunique() <= max(2, len(head) // 3)}
    return str(min(counts, key=lambda name: counts[name])) if counts else ""


def _split_column(head: pd.DataFrame) -> str:
    from tl_core.data.sources import SPLIT_NAMES

    for name in head.columns:
        if str(name).lower() in _SPLIT_COLUMN_NAMES and {v.lower() for v in head[name]} <= set(SPLIT_NAMES) | {""}:
            return str(name)
    return ""


def check_labels(counts: Counter[str]) -> list[Finding]:
    """Findings about the class names; classes by name with their number of rows.

    Raises:
        DataError: fewer than two classes, over 500, or several classes in one cell.
    """
    names = [name for name in counts if name]
    if _looks_multi_label(counts):
        raise DataError("Rows seem to have several classes at once.",
                        "Cells like " + " and ".join(repr(n) for n in sorted(names, key=len)[-2:]) +
                        " list more than one.", "Keep one class for each row; several are not supported yet.")
    if len(names) < 2:
        raise DataError(f"There is only one class: {names[0]!r}." if names else "No row has a class.",
                        "A classifier needs at least two to tell apart.",
                        "Check the class folders or the label column.")
    if len(names) > MAX_CLASSES:
        raise DataError(f"There are {len(names):,} different classes.",
                        f"Up to {MAX_CLASSES} are supported; more usually means a number or an id, not a class.",
                        "Choose another column, or group the values first.")
    findings = []
    if all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", name) for name in names):
        findings.append(Finding("numeric_labels", "info", "The classes are numbers. Each different number is treated "
                                "as a class of its own; their order and size mean nothing.", len(names)))
    return findings + _name_findings(names) + _size_findings(counts)


def _looks_multi_label(counts: Counter[str]) -> bool:
    """A JSON list in the cell, or joined names whose parts are classes by themselves."""
    if any(name.startswith("[") and name.endswith("]") for name in counts):
        return True
    for separator in (";", "|", ","):
        joined = [name for name in counts if separator in name]
        parts = [part.strip() for name in joined for part in name.split(separator)]
        if len(joined) >= 2 and sum(part in counts for part in parts) >= 0.8 * len(parts):
            return True
    return False


def _name_findings(names: list[str]) -> list[Finding]:
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(" ".join(name.casefold().split()), []).append(name)
    twins = [same for same in alike.values() if len(same) > 1]
    return [Finding("similar_names", "warning", "Some classes differ only in capitals or spaces: "
                    + "; ".join(" / ".join(same) for same in twins[:5]) + ".", len(twins),
                    "Give them one name in the source and bring it again.",
                    [name for same in twins for name in same])] if twins else []


def _size_findings(counts: Counter[str]) -> list[Finding]:
    sized = [(n, name) for name, n in counts.items() if name]
    findings, (low, rare), (high, common) = [], min(sized), max(sized)
    small = sorted(name for n, name in sized if n < 5)
    if small:
        findings.append(Finding("small_classes", "warning", f"{len(small)} class(es) have fewer than 5 examples: "
                                f"{', '.join(small[:6])}. Their scores will be guesses.", len(small),
                                "Add examples (50 or more for each class is a good aim).", small))
    if high > 2 * low:
        findings.append(Finding("imbalance", "info" if high <= 10 * low else "warning",
                                f"{common!r} has {high / low:.0f} times the examples of {rare!r}.", high,
                                "Add examples of the rare classes, or train with balanced class weights."))
    return findings
