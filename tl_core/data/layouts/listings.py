"""Tables that list files beside what their folders say: which of them names the class, the
split, or both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.file_names import FileNames
from tl_core.data.layouts.folders import Folders
from tl_core.data.roles.columns import Columns, guess_file_columns
from tl_core.data.sources.file_kind import FILE_KINDS, FileKind
from tl_core.data.sources.names import readable
from tl_core.data.sources.types import ItemFile, Source, TableFile
from tl_core.errors import AmbiguousError

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"-?\d+(\.0+)?")


@dataclass(frozen=True)
class Listing:
    """A table whose rows name files: its first rows, the column that names them, and the roles its
    format gives.
    """

    table: TableFile
    head: pd.DataFrame
    file: str
    roles: dict[str, str]


def relative(one: ItemFile, source: Source) -> str:
    """The path of a file below the source."""
    return one.path.relative_to(source.root).as_posix()


def used_listings(
    source: Source, listings: list[Listing], folders: Folders, options: ImportOptions
) -> list[TableFile]:
    """The listings that add to what the folders say, with their columns; the others are set aside.

    Raises:
        AmbiguousError: when both name classes and these differ, or several columns could be the
        class.
    """
    several = len({one.table.split for one in listings}) > 1
    kind = FILE_KINDS[source.modality]
    used: list[TableFile] = []
    every = _all_columns(listings, options, kind, needed=not source.folders_hold)
    for one, columns in zip(listings, every, strict=True):
        if source.folders_hold and columns.label and not options.label_column:
            columns = _agreed(source, one, columns, folders)
        table = replace(one.table, columns=columns, split=one.table.split if several else "")
        if columns.label or columns.one_hot or columns.split or columns.fold or table.split:
            used.append(table)
        else:
            source.skipped.append(
                {
                    "item": readable(table.path.name),
                    "reason": (
                        f"a table that names {kind.many} and says nothing that the folders do not"
                        if source.folders_hold
                        else f"a table that names {kind.many} but no classes"
                    ),
                }
            )
    return used


def _all_columns(
    listings: list[Listing], options: ImportOptions, kind: FileKind, *, needed: bool
) -> list[Columns]:
    """The columns of each listing. Where one has a sure class, others have one only of the same
    name.

    Raises:
        AmbiguousError: when no listing has a sure class and several columns could be it.
    """
    guesses: list[Columns | AmbiguousError] = []
    for one in listings:
        try:
            guesses.append(_columns(one, options, kind, needed=needed))
        except AmbiguousError as error:
            guesses.append(error)
    known = [columns for columns in guesses if isinstance(columns, Columns) and columns.label]
    sure = {columns.label for columns in known if _is_sure(columns)}
    kept = sure or {columns.label for columns in known[:1]}
    result: list[Columns] = []
    for listing, columns in zip(listings, guesses, strict=True):
        if isinstance(columns, AmbiguousError):
            if not sure:
                raise columns
            columns = _columns(listing, options, kind, needed=False, blind=True)
        result.append(
            _without_class(columns) if columns.label and columns.label not in kept else columns
        )
    return result


def _is_sure(columns: Columns) -> bool:
    return any(one.role == "label" and one.certain for one in columns.taken)


def _without_class(columns: Columns) -> Columns:
    return replace(
        columns,
        label="",
        one_hot=(),
        taken=tuple(one for one in columns.taken if one.role != "label"),
    )


def _columns(
    one: Listing, options: ImportOptions, kind: FileKind, *, needed: bool, blind: bool = False
) -> Columns:
    """The columns of one listing; a list of paths alone, and one that is read `blind`, has no
    class.
    """
    if one.table.kind == "list" and not (one.head.drop(columns="file") != "").any(axis=None):
        column: dict[str, Any] = {kind.modality: "file"}
        return Columns(**column)
    head = one.head[[one.file]] if blind else one.head
    return guess_file_columns(head, options, one.file, one.roles, kind=kind, needed=needed)


def _agreed(source: Source, one: Listing, columns: Columns, folders: Folders) -> Columns:
    """The columns, without the class where the folders name it for all files of the table.

    What a class of the table is called by the folders is kept in `source.table_classes`, for
    files that only a table knows.

    Raises:
        AmbiguousError: when the table sorts the files differently from their folders.
    """
    places = {
        str(placed.name): placed.label
        for placed in folders.placed
        if placed.label and not placed.aside
    }
    names = FileNames(
        source.files,
        source.root,
        one.table.path.parent,
        one.table.split,
        FILE_KINDS[source.modality],
    )
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    lacking = False
    for path, label in zip(
        one.head[columns.file], map(clean_label, one.head[columns.label]), strict=True
    ):
        file = names.find(path)
        folder = places.get(relative(file, source), "") if file else ""
        if not folder or not label:
            lacking |= file is not None and bool(label)
            continue
        if there.setdefault(folder, label) != label or back.setdefault(label, folder) != folder:
            raise AmbiguousError(
                f"{readable(one.table.path.name)!r} and the folders give different classes.",
                f"{path[:120]!r} lies in {folder!r} and is {label!r} in the table.",
                "labels_from",
                {"folders": "the folders name the classes", "table": "the table does"},
            )
    source.table_classes.update(back)
    source.table_classes.update(
        {str(int(name)): name for name in {*places.values()} if name.isdecimal()}
    )
    if lacking:
        return columns
    if all(_NUMBER.fullmatch(label) for label in back) or len(there) < 2:
        return _without_class(columns)  # the folder says in words what the table says in numbers
    source.table_classes.clear()
    return columns
