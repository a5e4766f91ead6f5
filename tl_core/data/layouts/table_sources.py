"""Tables as a source: which belong together, which is which split, which are no data at all."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.dataset_version import SPLITS, ImportOptions
from tl_core.data.item_kind import kinds
from tl_core.data.layouts.class_lists import ClassList, find_class_list
from tl_core.data.layouts.peek import Head, peek
from tl_core.data.layouts.table_set import TableSet
from tl_core.data.limits import Limits
from tl_core.data.readers.disguise import real_suffix
from tl_core.data.roles.columns import guess_columns
from tl_core.data.sources.names import is_generic, is_submission, readable, split_of, words_of
from tl_core.data.sources.types import LAYOUT_HELP, Contents, Source, TableFile
from tl_core.errors import AmbiguousError, DataError

_ORDER = ("", *SPLITS)
_FEW_MARKS = 10


def open_table(path: Path, limits: Limits, options: ImportOptions) -> Source:
    """A table whose rows hold items or their numbers, or one that lists files lying beside it."""
    sheets = [
        TableFile(path, split, sheet) for split, sheet in _split_sheets(path, options).items()
    ]
    return _recognised(
        TableSet(sheets or [TableFile(path)], path.parent, limits, options, alone=True)
    )


def _recognised(tables: TableSet) -> Source:
    """Tables as the first modality takes them that finds its items there."""
    opened = (kind.open_tables(tables) for kind in kinds().values())
    source = next((one for one in opened if one), None)
    if source is None:
        raise DataError("There is nothing to learn from in it.", "", LAYOUT_HELP)
    return source


def _split_sheets(path: Path, options: ImportOptions) -> dict[str, str]:
    from tl_core.data.readers.workbook import split_sheets

    if real_suffix(path) != ".xlsx" or options.sheet:
        return {}
    try:
        return split_sheets(path)
    except (ValueError, DataError):
        return {}  # the reader will say what is wrong with it


def open_tables(contents: Contents, limits: Limits, options: ImportOptions) -> Source:
    """The tables of a folder: one, pieces of one, tables named after splits, or a table for each
    class.

    Raises:
        DataError: when it is not clear how they belong together.
    """
    source = Source("", root=contents.root, skipped=list(contents.skipped))
    names = _data_tables(contents, source)
    source.tables = _named(contents.root, names, limits, options, source)
    tables = TableSet(source.tables, contents.root, limits, options)
    source.modality = _recognised(tables).modality
    return source


def _data_tables(contents: Contents, source: Source) -> list[PurePosixPath]:
    """The tables without lists of classes, empty answer sheets and notes."""
    names, lists = [], ClassList()
    several = len(contents.tables) + len(contents.texts) > 1
    for name in [*contents.tables, *contents.texts]:
        if several and (list_here := find_class_list(contents.root / name)).names:
            lists = list_here
            source.skipped.append({"item": readable(str(name)), "reason": "a list of class names"})
        elif several and is_submission(name.name):
            source.skipped.append(
                {
                    "item": readable(str(name)),
                    "reason": (
                        "an empty sample submission of a competition; its classes are placeholders"
                    ),
                }
            )
        else:
            names.append(name)
    source.class_list = lists
    real = [name for name in names if name in set(contents.tables)]
    if real and len(real) < len(names):
        source.skipped += [
            {"item": readable(str(name)), "reason": "a note beside tables"}
            for name in names
            if name not in real
        ]
    if not names:
        raise DataError(
            "There is no table to learn from in it.",
            "Only notes, lists of classes or empty sample submissions were found.",
            "Add the table with texts and classes.",
        )
    return real or names


def _named(
    root: Path, names: list[PurePosixPath], limits: Limits, options: ImportOptions, source: Source
) -> list[TableFile]:
    """Which table is which split, in the order of the splits."""
    if len(names) == 1:
        return open_table(root / names[0], limits, options).tables or [TableFile(root / names[0])]
    stems = [name.stem for name in names]
    if options.label_here:
        return _as_one(root, names, limits, options, source)
    splits = {name: split_of(name.stem, stems) or _split_of_folders(name) for name in names}
    if not any(splits.values()):
        return _unsplit(root, names, limits, options, source)
    lost = [name for name, split in splits.items() if not split]
    by_split: dict[str, list[PurePosixPath]] = defaultdict(list)
    for name, split in splits.items():
        by_split[split].append(name)
    alike = next((same for split, same in by_split.items() if split and not _are_pieces(same)), [])
    if lost or alike:
        wrong = (lost or alike)[0]
        raise DataError(
            f"It holds {len(names)} tables and it is not clear how they belong together.",
            f"{readable(wrong.name)!r} is not named after a split, or two are named alike.",
            "Bring one table, or name them train, validation and test.",
        )
    if "train" not in by_split:
        raise DataError(
            "None of the tables is named train.", "", "Name the one to learn from 'train'."
        )
    source.plan.take(
        "tables",
        "split",
        "tables are named " + ", ".join(readable(name.name) for name in names[:4]),
    )
    return sorted(
        (TableFile(root / name, split) for name, split in splits.items()),
        key=lambda one: (_ORDER.index(one.split), str(one.path)),
    )


def _as_one(
    root: Path, names: list[PurePosixPath], limits: Limits, options: ImportOptions, source: Source
) -> list[TableFile]:
    """Tables of the same columns, of which nothing has a class or a split yet.

    Raises:
        DataError: when their columns differ.
    """
    heads = [peek(root / name, options, limits) for name in names]
    if len({tuple(head.frame.columns) for head in heads if head}) > 1 or None in heads:
        raise _unclear(names, "their columns differ, or one of them cannot be read")
    source.plan.doubt(
        f"{len(names)} tables with the same columns are read as one, without any split:"
        f" {', '.join(readable(str(name)) for name in names[:4])}{', …' if len(names) > 4 else ''}."
    )
    return [TableFile(root / name) for name in names]


def _split_of_folders(name: PurePosixPath) -> str:
    return next((split for part in name.parts[:-1] if (split := split_of(part))), "")


def _are_pieces(names: list[PurePosixPath]) -> bool:
    """Whether tables differ in numbers alone, as the pieces of one table do:
    train-00000-of-00002.
    """
    return (
        len({tuple(word for word in words_of(name.stem) if not word.isdecimal()) for name in names})
        == 1
        and len({name.suffix for name in names}) == 1
        and (len(names) == 1 or len({n.stem for n in names}) == len(names))
    )


def _unsplit(
    root: Path, names: list[PurePosixPath], limits: Limits, options: ImportOptions, source: Source
) -> list[TableFile]:
    """Tables without a split in their names: one for each class, or parts of one table.

    Raises:
        AmbiguousError: when the class may stand in the names as well as in a column.
        DataError: when their columns differ, or two of them hold the same rows.
    """
    heads = [head for name in names if (head := peek(root / name, options, limits)) is not None]
    if len(heads) < len(names) or len({tuple(head.frame.columns) for head in heads}) > 1:
        raise _unclear(names, "their columns differ, or one of them cannot be read")
    where, labels = _labels_in_names(names, options)
    pieces = _are_pieces(names)
    column = "" if options.labels_from == where else _class_column(heads, options)
    if (
        labels
        and not column
        and not options.label_column
        and (where == "folders" or not pieces)
        and options.labels_from in ("", where)
        and all(_has_text(head, options) for head in heads)
    ):
        source.plan.take(
            "folders" if where == "folders" else "file names",
            "label",
            "none of the tables has a column of classes, so each is taken for one: "
            + ", ".join(dict.fromkeys(labels[:4])),
            certain=False,
        )
        return [
            TableFile(root / name, label=label) for name, label in zip(names, labels, strict=True)
        ]
    if pieces and (where != "folders" or column):
        source.plan.note(
            f"{len(names)} tables are pieces of one:"
            f" {', '.join(readable(n.name) for n in names[:4])}."
        )
        return [TableFile(root / name) for name in names]
    if not column:
        raise _unclear(names, f"{readable(names[0].name)!r} is not named after a split")
    if column.startswith("?") and labels and not options.labels_from:
        raise _names_or_column(names, where, labels, column[1:])
    if len({head.frame.to_csv() for head in heads}) < len(heads):
        raise _unclear(names, "two of them hold the same rows")
    source.plan.doubt(
        f"{len(names)} tables with the same columns are read as one: "
        f"{', '.join(readable(str(name)) for name in names[:4])}{', …' if len(names) > 4 else ''}."
    )
    return [TableFile(root / name) for name in names]


def _names_or_column(
    names: list[PurePosixPath], where: str, labels: list[str], column: str
) -> AmbiguousError:
    """The question whether the names of the tables are the classes, or a column that is likely."""
    one = "folder" if where == "folders" else "file"
    return AmbiguousError(
        f"The class may stand in the names of the {where} or in a column.",
        f"The {len(names)} tables have the same columns, and no column is surely the class.",
        "labels_from",
        {
            where: f"each {one} is a class: " + ", ".join(dict.fromkeys(labels[:6])),
            "table": f"{column} is the class",
        },
    )


def _unclear(names: list[PurePosixPath], why: str) -> DataError:
    shown = ", ".join(readable(name.name) for name in names[:4])
    return DataError(
        f"It holds {len(names)} tables and it is not clear how they belong together.",
        f"{why[:1].upper()}{why[1:]} ({shown}).",
        "Bring one table, or name them train, validation and test.",
    )


def _labels_in_names(names: list[PurePosixPath], options: ImportOptions) -> tuple[str, list[str]]:
    """Whether folders or files would name the classes, and the class of each table; none where
    their names do not.
    """
    depths = {len(name.parts) for name in names}
    if len(depths) == 1 and options.labels_from != "names":
        levels = [
            place
            for place in range(depths.pop() - 1)
            if len({name.parts[place] for name in names}) > 1
        ]
        if len(levels) == 1:
            labels = [clean_label(readable(name.parts[levels[0]])) for name in names]
            if options.labels_from == "folders" or not any(map(is_generic, labels)):
                return "folders", labels
    labels = [clean_label(readable(name.stem)) for name in names]
    return "names", labels if len(set(labels)) == len(labels) else []


def _class_column(heads: list[Head], options: ImportOptions) -> str:
    """What is the class in tables of the same columns: a column's name, with a ? before one that is
    only likely, or empty where there is none.
    """
    likely: list[str] = []
    for head in heads:
        try:
            taken = guess_columns(head.frame, options, head.roles).taken
        except AmbiguousError as error:
            likely.append(" or ".join(map(repr, list(error.choices)[:4])))
            continue
        except DataError:
            continue
        label = next(one for one in taken if one.role == "label")
        if label.certain:
            return label.name
        likely.append(f"the column {label.name!r}")
    if not likely:
        return ""
    return f"?{likely[0]}" if len({*likely}) > 1 or not _are_marks(heads, likely[0]) else likely[0]


def _are_marks(heads: list[Head], column: str) -> bool:
    """Whether a column holds the same few numbers in every table, so that the tables are no classes
    of their own.
    """
    name = column.removeprefix("the column ").strip("'")
    values = [
        {*head.frame[name].str.strip()} - {""} for head in heads if name in head.frame.columns
    ]
    return (
        len(values) == len(heads)
        and all(own == values[0] for own in values)
        and len(values[0]) <= _FEW_MARKS
        and all(value.lstrip("-").isdecimal() for value in values[0])
    )


def _has_text(head: Head, options: ImportOptions) -> bool:
    """Whether a table has texts."""
    try:
        return bool(guess_columns(head.frame, options, head.roles, label=False).text)
    except DataError:
        return False
