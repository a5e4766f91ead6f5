"""Pictures that are to be predicted: files, rows of pixels in a table, those of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

from PIL import Image

from tl_core.data.pictures.images import open_image
from tl_core.data.preparation import Preparation
from tl_core.data.sources.names import readable
from tl_core.data.sources.plan import Plan
from tl_core.data.tables.reading import SUFFIXES
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.predict import table_rows
from tl_core.predict.one_item import Inputs, Item, ModelInput
from tl_core.predict.picture_files import NOTES, Picture, find_pictures, read_picture
from tl_core.predict.sources import Source, records_left_out
from tl_core.predict.table_rows import IMAGE_WINDOW


def photo_inputs(source: Source, kept: Preparation | None) -> Inputs:
    """Every file that is no table or note; without any, the pixels in a table of a model that was
    trained on such.

    Raises:
        DataError: when there is nothing for the model, more than one table, a column that it needs
            is missing, or a table cannot be read to its end.
    """
    prepared = kept or Preparation()
    if source.choice.prepared and source.root.is_dir():
        return _of_dataset(DatasetVersion(source.root), prepared, source.plan)
    files = source.files()
    notes = [path for path in files if path.suffix.lower() in NOTES]
    if pictures := [path for path in files if path.suffix.lower() not in NOTES]:
        return _of_files(pictures, notes, source, prepared)
    of_pixels = [path for path in notes if path.suffix.lower() in SUFFIXES]
    table = source.only_table(of_pixels if prepared.pixels else [], "images")
    chosen = table_rows.choose_pixels(table, prepared, source.choice, source.plan)
    return Inputs(
        "row",
        table.total,
        lambda: table_rows.pixel_windows(table.path, chosen),
        chosen,
        _shown,
        records_left_out(table),
    )


def _of_files(files: list[Path], notes: list[Path], source: Source, kept: Preparation) -> Inputs:
    if source.choice.text_column or source.choice.title_column:
        raise DataError(
            "This model reads pictures.",
            "They have no columns.",
            "Leave --text-column and --title-column out.",
        )
    alone, most = source.root.is_file(), source.limits.items
    root = source.root.parent if alone else source.root
    pictures: list[Picture] = list(islice(find_pictures(files, root, kept, follow=alone), most + 1))
    if len(pictures) > most:
        raise DataError(
            f"There are more than {most:,} pictures.",
            "That is this server's limit.",
            "Predict a part of them, or raise TL_MAX_ITEMS.",
        )
    source.plan.take("files", "image", "every file that is no table or note")
    _tell(kept, source.plan)
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
        _shown,
        skipped,
    )


def _of_dataset(version: DatasetVersion, kept: Preparation, plan: Plan) -> Inputs:
    """The pictures of a dataset version that have no class."""
    rows = version.rows_of("unlabelled")
    plan.take("image", "image", "the dataset has prepared it")
    _tell(kept, plan)

    def read(row: int) -> Image.Image:
        return open_image(version.image_bytes(row), kept.scale)

    items = [
        Item(readable(name), {}, partial(read, int(row)))
        for name, row in zip(version.names(rows), rows, strict=True)
    ]
    return Inputs("file", len(items), lambda: _windows(items), kept, _shown)


def _tell(kept: Preparation, plan: Plan) -> None:
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


def _shown(picture: ModelInput) -> dict[str, str]:
    size = cast("Image.Image", picture)
    return {"picture": f"{size.width} x {size.height}"}
