"""Pictures as a source: their classes stand in a table beside them, in their folders, or in their names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tl_core.data.class_lists import is_class_list, read_class_list
from tl_core.data.columns import Columns, guess_image_columns, image_column
from tl_core.data.folders import Folders, read_folders
from tl_core.data.limits import LIMITS, Limits
from tl_core.data.list_files import is_cub, list_head, read_cub
from tl_core.data.names import is_submission, readable, split_of
from tl_core.data.peek import peek
from tl_core.data.picture_names import PictureNames
from tl_core.data.schema import SPLITS, ImportOptions
from tl_core.data.sources import Contents, ItemFile, Source, TableFile
from tl_core.data.tables import Reading
from tl_core.data.text_facts import clean_label
from tl_core.errors import AmbiguousError, DataError

if TYPE_CHECKING:
    import pandas as pd

_LEAST_NAMED = 0.5  # of a column's cells must name pictures before it is believed to list them
_LOOKED = 200


@dataclass(frozen=True)
class _Listing:
    """A table whose rows name pictures: its first rows, the roles its format gives, and the column that names them."""

    table: TableFile
    head: pd.DataFrame
    image: str
    roles: dict[str, str]


def open_pictures(found: Contents, limits: Limits, options: ImportOptions) -> Source:
    """The pictures of a folder with their classes.

    Raises:
        AmbiguousError: when table and folders, or two levels of folders, give different classes.
        DataError: when there are no classes at all.
    """
    source = Source("image", root=found.root, skipped=list(found.skipped))
    if options.labels_from in ("folders", "names"):
        reason = f"a file beside the pictures; the classes are taken from {options.labels_from}"
        source.skipped += [{"item": readable(str(name)), "reason": reason} for name in (*found.tables, *found.texts)]
        listings = []
    else:
        listings = _listings(found, source, limits, options)
    folders = _read_folders(found, options, tabled=any(len(one.head.columns) > 1 for one in listings))
    source.images = [ItemFile(found.root / one.name, readable(str(one.name)), "" if one.aside else one.label,
                              "" if one.split == "unlabelled" else one.split, fold=one.fold) for one in folders.placed]
    source.image_tables = _used(source, listings, folders, options)
    tabled = any(table.columns and (table.columns.label or table.columns.one_hot) for table in source.image_tables)
    if not tabled and not folders.classes:
        raise _no_classes(found, folders)
    if tabled:
        folders.plan.taken = [one for one in folders.plan.taken if one.role in ("split", "fold")]
    source.plan.merge(folders.plan)
    if not source.image_tables:
        aside = {str(one.name): one.aside for one in folders.placed if one.aside}
        source.images = [one for one in source.images if _relative(one, source) not in aside]
        source.skipped += [{"item": readable(name), "reason": reason} for name, reason in aside.items()]
    return source


def _relative(one: ItemFile, source: Source) -> str:
    return one.path.relative_to(source.root).as_posix()


def _listings(found: Contents, source: Source, limits: Limits, options: ImportOptions) -> list[_Listing]:
    """Tables and lists whose rows name the pictures; other files are set aside with the reason."""
    plain = [ItemFile(found.root / name, readable(str(name)), "", "") for name in found.pictures]
    folders: dict[PurePosixPath, set[str]] = defaultdict(set)
    for name in found.texts:
        folders[name.parent].add(name.name)
    listings: list[_Listing] = []
    for name in sorted([*found.tables, *found.texts]):
        path, aside = found.root / name, ""
        names = PictureNames(plain, found.root, path.parent)
        if name in found.texts and is_cub(folders[name.parent]):
            if name.name == "images.txt":
                cells = next(read_cub(path.parent, Reading(), _LOOKED)).cells.to_pandas()
                listings.append(_Listing(TableFile(path, kind="cub"), cells, "file", {"split": "split"}))
        elif is_submission(name.name):
            aside = "an empty answer sheet of a competition; its classes are placeholders"
        elif name in found.texts and (lines := list_head(path, names)) is not None:
            listings.append(_Listing(TableFile(path, split_of(name.stem), kind="list"), lines, "file", {}))
        elif is_class_list(name.name) and (known := read_class_list(path)).names:
            source.class_list, aside = known, "a list of class names"
        else:
            aside = _listed(found, name, names, listings, limits, options)
        if aside:
            source.skipped.append({"item": readable(str(name)), "reason": aside})
    order = ("train", "", *SPLITS)
    return sorted(listings, key=lambda one: (order.index(one.table.split), str(one.table.path)))


def _listed(found: Contents, name: PurePosixPath, names: PictureNames, listings: list[_Listing], limits: Limits,
            options: ImportOptions) -> str:
    """Add a table to the listings when a column of it names pictures; else the reason why it is set aside."""
    head = peek(found.root / name, options, limits)
    if head is None or name in found.texts:
        return "a note beside the pictures"
    frame = head.frame.iloc[:_LOOKED]
    wanted = options.image_column if options.image_column in frame.columns else head.roles.get("image", "")
    shares = {str(column): names.share(frame[column].tolist()) for column in ([wanted] if wanted else frame.columns)
              if frame[column].nunique() > 1 or len(frame) < 3}
    best = max(shares, key=lambda column: (shares[column], frame[column].nunique()), default="")
    if best and (shares[best] >= _LEAST_NAMED or best == options.image_column):
        listings.append(_Listing(TableFile(found.root / name, split_of(name.stem)), head.frame, best, head.roles))
        return ""
    if column := image_column(frame):
        first = next((cell for cell in frame[column] if cell.strip()), "")
        return f"a table that names none of the pictures; its first one is {first[:120]!r}"
    return "a table beside the pictures that names none of them"


def _read_folders(found: Contents, options: ImportOptions, *, tabled: bool) -> Folders:
    """What folders say; where a table may name the classes, an unclear level is no question yet."""
    try:
        return read_folders(found.pictures, options.class_level, options.labels_from)
    except AmbiguousError:
        if not tabled:
            raise
        return read_folders(found.pictures, 1, "folders")


def _used(source: Source, listings: list[_Listing], folders: Folders, options: ImportOptions) -> list[TableFile]:
    """The listings that add to what the folders say, with their columns.

    Raises:
        AmbiguousError: when both name classes and these differ.
    """
    by_folders = folders.by == "folders" and len(folders.classes) > 1 and options.labels_from != "table"
    several = len({one.table.split for one in listings}) > 1
    used: list[TableFile] = []
    for one in listings:
        columns = _columns(one, used, options, needed=not by_folders)
        if by_folders and columns.label and not options.label_column:
            columns = _agreed(source, one, columns, folders)
        table = replace(one.table, columns=columns, split=one.table.split if several else "")
        if columns.label or columns.one_hot or columns.split or columns.fold or table.split:
            used.append(table)
        else:
            source.skipped.append({"item": readable(table.path.name),
                                   "reason": "a table that names pictures but no classes"})
    return used


def _columns(one: _Listing, used: list[TableFile], options: ImportOptions, *, needed: bool) -> Columns:
    """The columns of a listing: as in the one before where it has the same, without a class where it lacks that."""
    if one.table.kind == "list" and not (one.head["label"] != "").any():
        return Columns(image="file")
    before = next((table.columns for table in used if table.columns and table.columns.label), None)
    if before and before.image in one.head.columns and before.label not in one.head.columns:
        return Columns(image=before.image, split=before.split if before.split in one.head.columns else "")
    return guess_image_columns(one.head, options, one.image, one.roles, needed=needed)


def _agreed(source: Source, one: _Listing, columns: Columns, folders: Folders) -> Columns:
    """The columns, without the class where the folders name it better.

    Raises:
        AmbiguousError: when the table sorts the pictures differently from their folders.
    """
    places = {str(placed.name): placed.label for placed in folders.placed if placed.label}
    names = PictureNames(source.images, source.root, one.table.path.parent)
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for told, label in zip(one.head[columns.image], map(clean_label, one.head[columns.label]), strict=True):
        picture = names.find(told)
        folder = places.get(_relative(picture, source), "") if picture else ""
        if not folder or not label:
            continue
        if there.setdefault(folder, label) != label or back.setdefault(label, folder) != folder:
            raise AmbiguousError(f"{readable(one.table.path.name)!r} and the folders give different classes.",
                                 f"{told[:120]!r} lies in {folder!r} and is {label!r} in the table.", "labels_from",
                                 {"folders": "the folders name the classes", "table": "the table does"})
    number = all(label.replace(".", "").lstrip("-").isdecimal() for label in back)
    if number or len(there) < 2:  # the folder says in words what the table says in numbers
        return replace(columns, label="", taken=tuple(t for t in columns.taken if t.role != "label"))
    return columns


def _no_classes(found: Contents, folders: Folders) -> DataError:
    """Why there are no classes, with the first name that a table gives and that is not there."""
    if found.tables:
        return DataError("No table names the pictures, and no folder names their classes.", _first_unmatched(found),
                         "Write each picture's file name and class into a table, in columns file_name and label.")
    return DataError(f"It holds {len(found.pictures):,} images but no folders, so there are no class names.",
                     "Folders that are named after splits or numbered parts name no class."
                     if any(one.name.parts[:-1] for one in folders.placed) else "",
                     "Put the images of each class into a folder of their own, named like the class, or add a "
                     "table with the columns file_name and label.")


def _first_unmatched(found: Contents) -> str:
    for name in found.tables:
        head = peek(found.root / name, ImportOptions(), LIMITS)
        column = image_column(head.frame) if head else ""
        if head and column:
            first = next((cell for cell in head.frame[column] if cell.strip()), "")
            return (f"{readable(str(name))!r} names {first[:120]!r} first, and there is no such picture; the first one "
                    f"here is {readable(str(found.pictures[0]))!r}.")
    return f"The tables are {', '.join(readable(str(name)) for name in found.tables[:4])}."
