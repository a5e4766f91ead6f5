"""Pictures whose classes stand in a table: a column of file names beside them, or a Parquet file that holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tl_core.data.columns import Columns, guess_image_columns, image_column
from tl_core.data.images import SUFFIXES
from tl_core.data.schema import ImportOptions
from tl_core.data.sources import ImageFile, Source
from tl_core.data.tables import Reading, cell, read_table
from tl_core.data.text_facts import clean_label
from tl_core.errors import DataError

if TYPE_CHECKING:
    from tl_core.data.chunks import Intake

_PARQUET_ROWS = 64


def holds_pictures(path: Path) -> bool:
    """Whether a Parquet file has a column of encoded pictures, as Hugging Face datasets write them."""
    return bool(_picture_column(path))


def _picture_column(path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return ""  # the reader of tables will say what is wrong with it
    for entry in schema:
        if pa.types.is_struct(entry.type) and "bytes" in {inner.name for inner in entry.type}:
            return str(entry.name)
        if pa.types.is_binary(entry.type) and entry.name.lower() in ("image", "img", "picture", "bytes"):
            return str(entry.name)
    return ""


def lists_files_beside(path: Path) -> bool:
    """Whether a table lies in a folder with the pictures that one of its columns names."""
    try:
        head = next(read_table(path)).cells.slice(0, 50).to_pandas()
    except DataError:
        return False
    column = image_column(head)
    return bool(column) and any((path.parent / _tidy(value)).is_file() for value in head[column])


def labelled_files(source: Source, options: ImportOptions, intake: Intake) -> Iterator[ImageFile]:
    """The pictures of `source` with class, split, group and extra columns, wherever these stand."""
    if source.tables:
        for split, path in source.tables.items():
            yield from _held_pictures(path, split, options, intake)
    elif source.image_tables:
        yield from _listed_pictures(source, options, intake)
    else:
        yield from source.images


def _listed_pictures(source: Source, options: ImportOptions, intake: Intake) -> Iterator[ImageFile]:
    used: set[Path] = set()
    for path in source.image_tables:
        names = _Names(source, path.parent)
        reading, roles = Reading(options.encoding, options.sheet, source.limits), None
        for rows in read_table(path, reading):
            if roles is None:
                roles = guess_image_columns(rows.cells.slice(0, 1000).to_pandas(), options)
                intake.columns.update({k: v for k, v in vars(roles).items() if v})
            for number, record in zip(rows.numbers.tolist(), rows.cells.to_pylist(), strict=True):
                found = names.find(record[roles.image])
                if found is None:
                    intake.skipped.append({"item": f"{path.name} row {number}",
                                           "reason": f"there is no picture {record[roles.image][:120]!r}"})
                elif found.path in used:
                    intake.skipped.append({"item": f"{path.name} row {number}",
                                           "reason": f"{found.name!r} is listed twice"})
                else:
                    used.add(found.path)
                    yield _with_columns(found, record, roles)
        intake.skipped += [{"item": f"{path.name} row {number}", "reason": reason} for number, reason in reading.bad]
    intake.skipped += [{"item": file.name, "reason": "not named in the table"} for file in source.images
                       if file.path not in used]


def _with_columns(file: ImageFile, record: dict[str, str], roles: Columns) -> ImageFile:
    extra = {key: value for key, value in record.items() if key not in (roles.image, roles.label)}
    split = record.get(roles.split, "") or file.split
    return replace(file, label=clean_label(record.get(roles.label, "")), split=split,
                   group=record.get(roles.group, ""), date=record.get(roles.date, ""), extra=extra)


class _Names:
    """Finds pictures by what tables call them: a path from the table or the root, a bare name, one without ending.

    Only pictures that were found below the source can be named, so that no table reads other people's files.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._folder, self._root = folder, source.root
        self._known = {file.name.lower(): file for file in source.images}
        bare = Counter(PurePosixPath(name).name for name in self._known)
        stems = Counter(PurePosixPath(name).stem for name in self._known)
        self._bare = {PurePosixPath(n).name: f for n, f in self._known.items() if bare[PurePosixPath(n).name] == 1}
        self._stems = {PurePosixPath(n).stem: f for n, f in self._known.items() if stems[PurePosixPath(n).stem] == 1}

    def find(self, told: str) -> ImageFile | None:
        name = _tidy(told).lower()
        if not name:
            return None
        below = ""
        if self._folder != self._root and self._folder.is_relative_to(self._root):
            below = self._folder.relative_to(self._root).as_posix().lower()
        places = (f"{below}/{name}" if below else name, name)
        found = next((self._known[place] for place in places if place in self._known), None)
        bare = PurePosixPath(name).name
        found = found or self._bare.get(bare) or self._stems.get(bare)
        return found or (None if self._known else self._beside(_tidy(told)))

    def _beside(self, name: str) -> ImageFile | None:
        """A file beside a table that was brought alone; never one outside its folder."""
        path = self._folder / name
        inside = path.resolve().is_relative_to(self._folder.resolve())
        if inside and path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
            return ImageFile(path, name, "", "")
        return None


def _tidy(told: str) -> str:
    """A path as tables write it: back slashes, a leading ./ and drive letters are the writer's machine, not ours."""
    name = told.strip().replace("\\", "/").removeprefix("./").lstrip("/")
    return "/".join(part for part in name.split("/") if part not in ("", ".", "..") and not part.endswith(":"))


def _held_pictures(path: Path, split: str, options: ImportOptions, intake: Intake) -> Iterator[ImageFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    column, number = _picture_column(path), 0
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            others = [name for name in file.schema_arrow.names if name != column]
            names = _class_names(file.schema_arrow)
            roles: Columns | None = None
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                records = batch.to_pylist()
                plain = [{name: names.get(name, {}).get(record[name], cell(record[name])) for name in others}
                         for record in records]
                if roles is None:
                    import pandas as pd

                    head = pd.DataFrame(plain, dtype=str).assign(**{column: ""})
                    roles = guess_image_columns(head, replace(options, image_column=column))
                    intake.columns.update({k: v for k, v in vars(roles).items() if v})
                for record, cells in zip(records, plain, strict=True):
                    number += 1
                    held = record[column]
                    data = held.get("bytes") if isinstance(held, dict) else held
                    name = (held.get("path") if isinstance(held, dict) else "") or f"{path.stem} row {number}"
                    yield _with_columns(ImageFile(path, str(name), "", split, data=data or b""), cells, roles)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name!r} cannot be read as a Parquet file.", f"{str(error)[:200]}.",
                        "Bring the pictures as a zip of class folders.") from error


def _class_names(schema: object) -> dict[str, dict[int, str]]:
    """Numbers to class names, by column, where the file carries Hugging Face's features."""
    import json

    metadata = getattr(schema, "metadata", None) or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: dict(enumerate(spec["names"])) for name, spec in features.items()
            if isinstance(spec, dict) and spec.get("_type") == "ClassLabel" and isinstance(spec.get("names"), list)}
