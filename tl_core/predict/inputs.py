"""What is to be predicted, in windows of bounded size: tables, folders, zips, single images, a
dataset's own rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path

from PIL import Image

from tl_core.data.limits import Limits
from tl_core.data.pictures.images import open_image
from tl_core.data.preparation import Preparation
from tl_core.data.sources.archive import is_stray, unpack
from tl_core.data.sources.names import readable
from tl_core.data.sources.plan import Plan
from tl_core.data.tables.reading import SUFFIXES
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.predict import documents, table_rows
from tl_core.predict.items import Item, ModelInput, opened
from tl_core.predict.picture_files import NOTES, Picture, find_pictures, read_picture
from tl_core.predict.table_rows import IMAGE_WINDOW, ColumnChoice
from tl_core.settings import Settings

_SHOWN, _LONGEST = 3, 1000  # rows of the plan's sample, and letters of each


@dataclass(frozen=True)
class Inputs:
    """Items of a source in their order, the same windows each time; `total` counts all of them.

    `key` names what `Item.name` is. `preparation` is what is done to each row; `skipped` are
    records that get no line, with their reasons.
    """

    key: str
    total: int
    windows: Callable[[], Iterator[list[Item]]]
    preparation: Preparation
    skipped: list[dict[str, str]] = field(default_factory=list)

    def sample(self) -> list[dict[str, str]]:
        """A few rows as the model reads them."""
        rows: list[dict[str, str]] = []
        for item in islice(chain.from_iterable(islice(self.windows(), 1)), 100):
            if not item.error and len(rows) < _SHOWN:
                with suppress(DataError):
                    rows.append({self.key: str(item.name), **_shown(opened(item.value))})
        return rows


def _shown(value: ModelInput) -> dict[str, str]:
    """A text, or the size of a picture."""
    if isinstance(value, str):
        return {"text": value[:_LONGEST]}
    return {"picture": f"{value.width} x {value.height}"}


def fingerprint(source: Path) -> str:
    """Which files a source has, of what size and time: a changed one must not be gone on with."""
    there = (
        [source]
        if source.is_file()
        else sorted(path for path in source.rglob("*") if path.is_file())
    )
    facts = ((path.relative_to(source.parent).as_posix(), path.stat()) for path in there)
    listing = "\n".join(f"{name}\t{stat.st_size}\t{stat.st_mtime_ns}" for name, stat in facts)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def open_inputs(
    source: Path,
    modality: str,
    staging: Path,
    settings: Settings,
    kept: Preparation | None,
    choice: ColumnChoice,
    plan: Plan,
) -> Inputs:
    """Find what a model of `modality` reads in `source`; a zip is unpacked into `staging`.

    Args:
        source: table, picture, folder, zip, or the folder of a dataset version whose own rows are
        meant.
        modality: image or text.
        staging: a folder for what is unpacked.
        settings: bounds.
        kept: what the model carries; None where nobody knows.
        choice: what a person says about columns.
        plan: told what is read as what.

    Raises:
        DataError: when there is nothing for it, more than one table, a column that it needs is
            missing, or a table cannot be read to its end.
    """
    if choice.prepared and source.is_dir():
        return _own_pictures(DatasetVersion(source), kept or Preparation(), plan)
    name, limits = (
        source.name,
        Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items")),
    )
    if source.is_file() and source.suffix.lower() == ".zip":
        target = staging / "unpacked"
        unpack(source, target, limits)
        source = target
    files = (
        [source]
        if source.is_file()
        else sorted(
            path
            for path in source.rglob("*")
            if path.is_file() and not is_stray(path.relative_to(source))
        )
    )
    if modality == "text":
        return _texts(files, source, readable(name), kept, choice, plan)
    notes = [path for path in files if path.suffix.lower() in NOTES]
    if pictures := [path for path in files if path.suffix.lower() not in NOTES]:
        return _pictures(pictures, source, kept or Preparation(), choice, plan, limits, notes)
    of_pixels = (
        [path for path in notes if path.suffix.lower() in SUFFIXES] if kept and kept.pixels else []
    )
    return _table(_only(of_pixels, readable(name), "images"), modality, kept, choice, plan)


def _only(candidates: list[Path], name: str, what: str) -> Path:
    """The one table of a source.

    Raises:
        DataError: when there is none, or more than one.
    """
    if not candidates:
        raise DataError(
            f"There is nothing in {name!r} that this model reads.",
            f"It reads {what}.",
            "Bring that kind of file.",
        )
    if len(candidates) > 1:
        raise DataError(f"It holds {len(candidates)} tables.", "", "Bring one table at a time.")
    return candidates[0]


def _texts(
    files: list[Path],
    source: Path,
    name: str,
    kept: Preparation | None,
    choice: ColumnChoice,
    plan: Plan,
) -> Inputs:
    """A table of texts, or a folder of files that are one text each."""
    whole = kept is not None and not kept.columns  # it was trained on files
    candidates = [
        path for path in files if path.suffix.lower() in SUFFIXES and not path.is_symlink()
    ]
    if source.is_dir():
        candidates = [path for path in candidates if not documents.is_note(path)] or candidates
        texts = [
            path
            for path in files
            if path.suffix.lower() in documents.SUFFIXES and not documents.is_note(path)
        ]
        if not [path for path in candidates if path not in texts] and (
            len(texts) > 1 or (texts and whole)
        ):
            return _documents(texts, source, kept or Preparation(), choice, plan)
    table = _only(candidates, name, "a table of texts (CSV, XLSX, JSONL or Parquet)")
    if whole and table.suffix.lower() == ".txt":
        plan.doubt(
            f"Each line of {readable(table.name)!r} is read as a text, although the model was"
            " trained on whole files; a folder of files is read file by file."
        )
    return _table(table, "text", kept, choice, plan)


def _documents(
    files: list[Path], root: Path, kept: Preparation, choice: ColumnChoice, plan: Plan
) -> Inputs:
    if kept.joined or choice.text_column or choice.title_column:
        raise DataError(
            "Files of text have no columns.",
            "The model was trained on "
            + (" and ".join(map(repr, kept.columns)) or "whole files")
            + ".",
            (
                "Bring a table with these columns."
                if kept.joined
                else "Leave --text-column and --title-column out."
            ),
        )
    plan.take("files", "text", "each file is one text")
    return Inputs(
        "file",
        len(files),
        lambda: documents.document_windows(files, root, kept),
        kept,
    )


def _table(
    path: Path, modality: str, kept: Preparation | None, choice: ColumnChoice, plan: Plan
) -> Inputs:
    table = table_rows.survey(path)
    plan.format = table.reading.format
    plan.note(*table.reading.notes)
    plan.doubt(*table.reading.doubts)
    skipped = [
        {"item": f"row {number}", "reason": f"the row is damaged: {reason}"}
        for number, reason in table.reading.bad
    ]
    skipped += [
        {"item": "", "reason": reason, "count": str(count)}
        for reason, count in table.reading.set_aside.items()
    ]
    if modality == "text":
        chosen = table_rows.choose_text(table, kept, choice, plan)
        return Inputs(
            "row",
            table.total,
            lambda: table_rows.text_windows(path, chosen),
            chosen,
            skipped,
        )
    chosen = table_rows.choose_pixels(table, kept or Preparation(), choice, plan)
    return Inputs(
        "row",
        table.total,
        lambda: table_rows.pixel_windows(path, chosen),
        chosen,
        skipped,
    )


def _pictures(
    files: list[Path],
    source: Path,
    kept: Preparation,
    choice: ColumnChoice,
    plan: Plan,
    limits: Limits,
    notes: list[Path],
) -> Inputs:
    if choice.text_column or choice.title_column:
        raise DataError(
            "This model reads pictures.",
            "They have no columns.",
            "Leave --text-column and --title-column out.",
        )
    root = source.parent if source.is_file() else source
    pictures: list[Picture] = list(
        islice(find_pictures(files, root, kept, follow=source.is_file()), limits.items + 1)
    )
    if len(pictures) > limits.items:
        raise DataError(
            f"There are more than {limits.items:,} pictures.",
            "That is this server's limit.",
            "Predict a part of them, or raise TL_MAX_ITEMS.",
        )
    plan.take("files", "image", "every file that is no table or note")
    _tell_pictures(kept, plan)
    skipped = [
        {
            "item": readable(path.relative_to(root).as_posix()),
            "reason": "a table or note beside the pictures",
        }
        for path in notes
    ]
    return Inputs(
        "file",
        len(pictures),
        lambda: _windows(
            [Item(one.name, {}, partial(read_picture, one, kept), one.reason) for one in pictures]
        ),
        kept,
        skipped,
    )


def _own_pictures(version: DatasetVersion, kept: Preparation, plan: Plan) -> Inputs:
    """The pictures of a dataset version that have no class."""
    rows = version.rows_of("unlabelled")
    plan.take("image", "image", "the dataset has prepared it")
    _tell_pictures(kept, plan)

    def read(row: int) -> Image.Image:
        return open_image(version.image_bytes(row), kept.scale)

    items = [
        Item(readable(name), {}, partial(read, int(row)))
        for name, row in zip(version.names(rows), rows, strict=True)
    ]
    return Inputs(
        "file",
        len(items),
        lambda: _windows(items),
        kept,
    )


def _tell_pictures(kept: Preparation, plan: Plan) -> None:
    if kept.scale:
        plan.note(
            f"Pictures of more than 8 bits: {kept.scale[0]:g} becomes black and {kept.scale[1]:g}"
            " white, as in training."
        )
    if kept.page == "all":
        plan.note("Each page of a file is a picture of its own, as in training.")


def _windows(items: list[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), IMAGE_WINDOW):
        yield items[start : start + IMAGE_WINDOW]
