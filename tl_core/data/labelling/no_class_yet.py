"""Data of which nothing has a class yet: what may be asked of its import, and how a dataset
remembers that it began so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tl_core.data.checks.class_names import named_classes
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.roles.split_columns import NONE
from tl_core.errors import DataError

NO_CLASS_YET = (
    "Brought without classes: no class and no split was read, and every row begins by waiting to be"
    " labelled on the page Labelling (labels next, labels give)."
)


def check_asked(options: ImportOptions, *, tested: bool) -> None:
    """Refuse settings that contradict each other.

    Args:
        options: of the import.
        tested: whether a second source is to become the test rows.

    Raises:
        DataError: names the one that does not go with it.
    """
    if not options.label_here:
        if options.classes.strip():
            raise DataError(
                "Classes can only be named beforehand where nothing has a class yet.",
                "Otherwise they are read from the data.",
                "Leave them out, or say that nothing has a class yet (--label-here).",
            )
        return
    named_classes(options.classes)
    named_split = options.split_column if options.split_column != NONE else ""
    others = {
        "a column of classes": options.label_column,
        "a column of splits": named_split,
        "a date to split by": options.date_column,
        "a fold for the test": options.test_fold,
        "a second source as the test": tested,
    }
    if wrong := next((words for words, asked in others.items() if asked), ""):
        raise DataError(
            f"Nothing has a class yet, and {wrong}: these do not go together.",
            "No class and no split is read; items drawn at random become the test once they have"
            " a class.",
            "Leave one of the two out.",
        )


def remembered(options: ImportOptions, before: Mapping[str, object] | None) -> ImportOptions:
    """The options as a version keeps them: how the dataset began, however rows are added later.

    Args:
        options: by which the rows of this import were read.
        before: options of the version that they are added to, None for a new dataset.
    """
    if before is None:
        return options
    began, known = bool(before.get("label_here")), str(before.get("classes", ""))
    names = list(dict.fromkeys([*named_classes(known), *named_classes(options.classes)]))
    return replace(options, label_here=began, classes=", ".join(names) if began else "")
