"""Files that are items as a source: their classes stand in a table beside them, in their folders,
or in their names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tl_core.data.checks.class_names import LABEL_HERE
from tl_core.data.dataset_version import SPLITS, ImportOptions
from tl_core.data.layouts.class_lists import find_class_list
from tl_core.data.layouts.file_names import FileNames
from tl_core.data.layouts.folders import Folders, read_folders, split_folders
from tl_core.data.layouts.list_files import is_cub, list_head, read_cub
from tl_core.data.layouts.listings import Listing, relative, used_listings
from tl_core.data.layouts.peek import Head, peek
from tl_core.data.limits import LIMITS, Limits
from tl_core.data.roles import column_names
from tl_core.data.roles.columns import file_column
from tl_core.data.sources.file_kind import FileKind
from tl_core.data.sources.names import is_submission, readable, split_of
from tl_core.data.sources.types import Contents, ItemFile, Source, TableFile
from tl_core.data.tables.reading import Reading
from tl_core.errors import AmbiguousError, DataError

if TYPE_CHECKING:
    import pandas as pd

_LEAST_NAMED = 0.5  # of a column's cells must name files before it is believed to list them
_LOOKED = 200


def open_item_files(
    contents: Contents, limits: Limits, options: ImportOptions, kind: FileKind
) -> Source:
    """The files of one kind in a folder, with their classes.

    Raises:
        AmbiguousError: when table and folders, or two levels of folders, give different classes.
        DataError: when there are no classes at all.
    """
    source = Source(kind.modality, root=contents.root, skipped=list(contents.skipped))
    if options.label_here:
        _all_without_class(source, contents, kind)
        return source
    if options.labels_from in ("folders", "names"):
        reason = f"a file beside the {kind.many}; the classes are taken from {options.labels_from}"
        source.skipped += [
            {"item": readable(str(name)), "reason": reason}
            for name in (*contents.tables, *contents.texts)
        ]
        listings: list[Listing] = []
    else:
        listings = _listings(contents, source, limits, options, kind)
    folders = _read_folders(
        contents.items[kind.modality],
        options,
        tabled=any(len(one.head.columns) > 1 for one in listings),
    )
    source.files = [
        ItemFile(
            contents.root / one.name,
            readable(str(one.name)),
            "" if one.aside else one.label,
            "" if one.split == "unlabelled" else one.split,
            extra=one.extra,
            fold=one.fold,
        )
        for one in folders.placed
    ]
    source.folders_hold = (
        folders.by == "folders" and len(folders.classes) > 1 and options.labels_from != "table"
    )
    source.listings = used_listings(source, listings, folders, options)
    tabled = any(
        table.columns and (table.columns.label or table.columns.one_hot)
        for table in source.listings
    )
    if not tabled and not folders.classes:
        raise _no_classes(contents, folders, kind)
    if tabled and not source.folders_hold:
        folders.plan.taken = [one for one in folders.plan.taken if one.role in ("split", "fold")]
    source.plan.merge(folders.plan)
    _leave_out(source, folders, tabled=tabled)
    return source


def _all_without_class(source: Source, contents: Contents, kind: FileKind) -> None:
    """Take every file, wherever it lies: nothing has a class yet. What folders or tables may say
    of classes is told, and not read.
    """
    names = contents.items[kind.modality]
    source.files = [ItemFile(contents.root / name, readable(str(name)), "", "") for name in names]
    reason = f"a file beside the {kind.many}; nothing is read of classes that are given here"
    source.skipped += [
        {"item": readable(str(name)), "reason": reason}
        for name in (*contents.tables, *contents.texts)
    ]
    folders = sorted({name.parent.name for name in names} - {""})
    if len(folders) > 1:
        source.plan.doubt(
            f"The {kind.many} lie in {len(folders):,} folders"
            f" ({', '.join(map(readable, folders[:4]))}{', …' if len(folders) > 4 else ''}). If"
            " these are classes or splits, do not say that nothing has a class yet: they are not"
            " read here."
        )


def lists_files_beside(table: TableFile, head: Head, kind: FileKind) -> bool:
    """Whether a table lies in a folder with the files that one of its columns names."""
    column = head.roles.get(kind.modality, "") or file_column(head.frame, kind)
    if not column:
        return False
    folder = table.path.parent
    names = FileNames([], folder, folder, kind=kind)
    return any(names.find(cell) is not None for cell in head.frame[column].iloc[:50])


def _leave_out(source: Source, folders: Folders, *, tabled: bool) -> None:
    """Take the files out that their folders say are no examples; those without a class may stand in
    a table.
    """
    aside = {
        str(one.name): one.aside
        for one in folders.placed
        if one.aside and not (tabled and one.aside.startswith("in no class folder"))
    }
    source.files = [one for one in source.files if relative(one, source) not in aside]
    source.skipped += [{"item": readable(name), "reason": reason} for name, reason in aside.items()]


def _listings(
    contents: Contents, source: Source, limits: Limits, options: ImportOptions, kind: FileKind
) -> list[Listing]:
    """Tables and lists whose rows name the files; other files are set aside with the reason."""
    if not contents.tables and not contents.texts:
        return []
    plain = [
        ItemFile(contents.root / one.name, readable(str(one.name)), "", one.split)
        for one in split_folders(contents.items[kind.modality]).placed
    ]
    index, stems = (
        FileNames(plain, contents.root, contents.root, kind=kind),
        {name.with_suffix("") for name in contents.items[kind.modality]},
    )
    texts = {*contents.texts}
    siblings: dict[PurePosixPath, list[str]] = defaultdict(list)
    for name in (*contents.tables, *contents.texts):
        siblings[name.parent].append(name.name)
    listings: list[Listing] = []
    for name in sorted([*contents.tables, *contents.texts]):
        path, aside = contents.root / name, ""
        split = split_of(name.stem, [PurePosixPath(other).stem for other in siblings[name.parent]])
        names = index.at(path.parent, split)
        if name in texts and name.with_suffix("") in stems:
            aside = f"a note beside a {kind.one}"
        elif name in texts and is_cub({*siblings[name.parent]}):
            if name.name == "images.txt":
                cells = next(read_cub(path.parent, Reading(), _LOOKED)).cells.to_pandas()
                listings.append(
                    Listing(TableFile(path, kind="cub"), cells, "file", {"split": "split"})
                )
        elif is_submission(name.name):
            aside = "an empty sample submission of a competition; its classes are placeholders"
        elif name in texts and (lines := list_head(path, names)) is not None:
            listings.append(Listing(TableFile(path, split, kind="list"), lines, "file", {}))
        else:
            aside = _listed(
                TableFile(path, split), names, listings, limits, options, text=name in texts
            )
            if aside and (known := find_class_list(path)).names:
                source.class_list, aside = known, "a list of class names"
        if aside:
            source.skipped.append({"item": readable(str(name)), "reason": aside})
    order = ("train", "", *SPLITS)
    return sorted(listings, key=lambda one: (order.index(one.table.split), str(one.table.path)))


def _listed(
    table: TableFile,
    names: FileNames,
    listings: list[Listing],
    limits: Limits,
    options: ImportOptions,
    *,
    text: bool,
) -> str:
    """Add a table to the listings when a column of it names files; else the reason why it is set
    aside.
    """
    head = None if text else peek(table.path, options, limits)
    if head is None:
        return f"a note beside the {names.kind.many}"
    frame = head.frame.iloc[:_LOOKED]
    role = names.kind.modality
    named = str(getattr(options, f"{role}_column"))
    wanted = named if named in frame.columns else head.roles.get(role, "")
    best = _naming_column(frame, names, wanted)
    if best or (named and named == wanted):
        listings.append(Listing(table, head.frame, best or wanted, head.roles))
        return ""
    if column := file_column(frame, names.kind):
        first = next((cell for cell in frame[column] if cell.strip()), "")
        return f"a table that names none of the {names.kind.many}; its first one is {first[:120]!r}"
    return f"a table beside the {names.kind.many} that names none of them"


def _naming_column(frame: pd.DataFrame, names: FileNames, wanted: str) -> str:
    """The column whose cells name files: one of file names with their endings before one of ids,
    a usual name before another.

    Raises:
        AmbiguousError: when two columns name different files and nothing speaks for one of them.
    """

    def rank(column: str) -> tuple[bool, float]:
        cells = frame[column].tolist()
        endings = sum(
            PurePosixPath(cell).suffix.lower() in names.kind.suffixes for cell in cells
        ) >= 0.5 * len(cells)
        plain = column_names.joined(column)
        usual = names.kind.columns
        known = usual.index(plain) if plain in usual else 99
        return endings, -200 if re.fullmatch(r"(unnamed.*|column\d+|index|)", plain) else -known

    fitting = [
        str(column)
        for column in ([wanted] if wanted else frame.columns)
        if (frame[column].nunique() > 1 or len(frame) < 3)
        and names.share(frame[column].tolist()) >= _LEAST_NAMED
    ]
    if not fitting:
        return ""
    ranked = sorted(fitting, key=rank, reverse=True)
    best = ranked[0]
    rivals = [
        column
        for column in ranked[1:]
        if rank(column)[0] == rank(best)[0] and rank(column)[1] > -200
    ]
    if (
        not rank(best)[0]
        and rivals
        and not names.same(frame[best].tolist(), frame[rivals[0]].tolist())
    ):
        raise AmbiguousError(
            f"It is not clear which column names the {names.kind.many}.",
            f"{best!r} and {rivals[0]!r} both name {names.kind.many}, and not the same ones.",
            f"{names.kind.modality}_column",
            dict.fromkeys([best, *rivals], "this column"),
        )
    return best


def _read_folders(names: list[PurePosixPath], options: ImportOptions, *, tabled: bool) -> Folders:
    """What folders say; where a table may name the classes, an unclear level is no question yet."""
    try:
        return read_folders(names, options.class_level, options.labels_from)
    except AmbiguousError:
        if not tabled:
            raise
        return read_folders(names, 1, "folders")


def _no_classes(contents: Contents, folders: Folders, kind: FileKind) -> DataError:
    """Why there are no classes, with the first name that a table gives and that is not there."""
    if contents.tables:
        return DataError(
            f"No table names the {kind.many}, and no folder names their classes.",
            _first_unmatched(contents, kind),
            f"Write each {kind.one}'s file name and class into a table, in columns file_name and"
            f" label.{LABEL_HERE}",
        )
    return DataError(
        f"It holds {len(contents.items[kind.modality]):,} {kind.many} but no folders, so there are"
        " no class names.",
        (
            "Folders that are named after splits or numbered parts name no class."
            if any(one.name.parts[:-1] for one in folders.placed)
            else ""
        ),
        f"Put the {kind.many} of each class into a folder of their own, named like the class, or"
        f" add a table with the columns file_name and label.{LABEL_HERE}",
    )


def _first_unmatched(contents: Contents, kind: FileKind) -> str:
    for name in contents.tables:
        head = peek(contents.root / name, ImportOptions(), LIMITS)
        column = file_column(head.frame, kind) if head else ""
        if head and column:
            first = next((cell for cell in head.frame[column] if cell.strip()), "")
            here = readable(str(contents.items[kind.modality][0]))
            return (
                f"{readable(str(name))!r} names {first[:120]!r} first, and there is no such"
                f" {kind.one}; the first one here is {here!r}."
            )
    return f"The tables are {', '.join(readable(str(name)) for name in contents.tables[:4])}."
