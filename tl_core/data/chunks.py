"""Rows on their way in, a few thousand at a time: what the model sees, its class, and facts about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.columns import Columns, guess_columns
from tl_core.data.image_facts import PictureFacts, picture_facts
from tl_core.data.schema import SPLITS, ImportOptions
from tl_core.data.sources import ImageFile, Source
from tl_core.data.tables import Reading, Rows, read_table
from tl_core.data.text_facts import text_facts
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_IMAGES_AT_ONCE = 64
_DECODERS = 2
_RESERVED = ("text", "image", "name")


@dataclass
class Chunk:
    """Some rows. `items` are the columns to store (text or image, name, then extra ones), all strings but the image;
    `labels`, `splits`, `groups` and `dates` hold what the source says, "" where it says nothing."""

    items: pa.Table
    labels: pa.Array
    splits: pa.Array
    groups: pa.Array
    dates: pa.Array
    facts: dict[str, NDArray[Any]]
    digest: bytes  # of the inputs alone, the same however rows are cut into chunks


@dataclass
class Intake:
    """What is learnt while the rows stream by."""

    skipped: list[dict[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    empty: int = 0
    damaged: list[str] = field(default_factory=list)


def text_chunks(sources: dict[str, Source], options: ImportOptions, intake: Intake) -> Iterator[Chunk]:
    """The rows of all tables, split by split."""
    roles: Columns | None = None
    for outer, source in sources.items():
        for inner, path in sorted(source.tables.items(), key=lambda item: ("", *SPLITS).index(item[0])):
            reading = Reading(options.encoding, options.sheet, source.limits)
            for rows in read_table(path, reading):
                if roles is None:
                    roles = guess_columns(rows.cells.slice(0, 1000).to_pandas(), options)
                    intake.columns.update({k: v for k, v in vars(roles).items() if v})
                if roles.text not in rows.cells.column_names:
                    raise DataError(f"{path.name!r} has no column {roles.text!r}.",
                                    f"It has: {', '.join(rows.cells.column_names[:12])}.",
                                    "Give the tables the same column names.")
                chunk = _text_chunk(rows, roles, path.name, outer or inner, reading, intake)
                if chunk:
                    yield chunk
            intake.skipped += [{"item": f"{path.name} row {number}", "reason": reason}
                               for number, reason in reading.bad]


def _text_chunk(rows: Rows, roles: Columns, file: str, split: str, reading: Reading, intake: Intake) -> Chunk | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    cells, numbers = rows.cells.combine_chunks(), rows.numbers
    texts = _column(cells, roles.text)
    if roles.title:
        texts = pc.binary_join_element_wise(_column(cells, roles.title), texts, "\n")
    texts = pc.utf8_trim_whitespace(texts)
    lengths = pc.utf8_length(texts).to_numpy()
    good = (lengths > 0) & (lengths <= reading.limits.cell_chars)
    for number, length in zip(numbers[~good].tolist(), lengths[~good].tolist(), strict=True):
        intake.empty += not length
        intake.skipped.append({"item": f"{file} row {number}", "reason": "no text" if not length else
                               f"over {reading.limits.cell_chars:,} characters"})
    if not good.all():
        keep = pa.array(np.flatnonzero(good))
        cells, texts, numbers = cells.take(keep), texts.take(keep), numbers[good]
    if not len(numbers):
        return None
    names = pc.binary_join_element_wise(f"{file.rpartition('.')[0] or file} row ",
                                        pa.array(numbers).cast(pa.string()), "")
    extra = {f"input_{name}" if name in _RESERVED else name: _column(cells, name) for name in cells.column_names
             if name not in (roles.text, roles.label)}
    empty = _same("", len(numbers))
    own = _column(cells, roles.split) if roles.split else empty
    return Chunk(pa.table({"text": texts, "name": names, **extra}), _column(cells, roles.label) if roles.label else
                 empty, _same(split, len(numbers)) if split else own,
                 _column(cells, roles.group) if roles.group else empty,
                 _column(cells, roles.date) if roles.date else empty, text_facts(texts), _text_digest(texts))


def _column(cells: pa.Table, name: str) -> pa.Array:
    import pyarrow as pa

    if name not in cells.column_names:
        return _same("", cells.num_rows)
    found = cells.column(name).combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _same(value: str, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(value, pa.string()), count)


def _text_digest(texts: pa.Array) -> bytes:
    """Each text's own digest, one after the other; hashing text by text keeps it free of chunk borders."""
    return b"".join(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts.to_pylist())


def image_chunks(sources: dict[str, Source], options: ImportOptions, intake: Intake) -> Iterator[Chunk]:
    """The pictures of all sources, decoded and measured by two threads, in order."""
    from tl_core.data.image_tables import labelled_files

    intake.columns.update({"image": "file", "label": "folder"})
    with ThreadPoolExecutor(_DECODERS) as pool:
        for split, source in sources.items():
            files = labelled_files(source, options, intake)
            waiting: list[Future[Any]] = []
            while batch := list(islice(files, _IMAGES_AT_ONCE)):
                waiting.append(pool.submit(_examine, batch[:len(batch) // 2]))
                waiting.append(pool.submit(_examine, batch[len(batch) // 2:]))
                found = [one for future in waiting for one in future.result()]
                waiting.clear()
                chunk = _image_chunk(found, split, intake)
                if chunk:
                    yield chunk


def _examine(files: list[ImageFile]) -> list[tuple[ImageFile, bytes, PictureFacts | str]]:
    return [_examine_one(file) for file in files]


def _examine_one(file: ImageFile) -> tuple[ImageFile, bytes, PictureFacts | str]:
    """The file's bytes and facts, or the reason why it cannot be used."""
    from tl_core.data.limits import LIMITS

    try:
        if file.data is None:
            size = file.path.stat().st_size
            if not size or size > LIMITS.image_bytes:
                return file, b"", "The file is empty." if not size else "The image file is over 100 MB."
        data = file.path.read_bytes() if file.data is None else file.data
        return file, data, picture_facts(data)
    except DataError as error:
        return file, b"", f"{error.what} {error.why}".strip()
    except OSError as error:
        return file, b"", f"The file cannot be read ({error.strerror})."


def _image_chunk(found: list[tuple[ImageFile, bytes, PictureFacts | str]], split: str,
                 intake: Intake) -> Chunk | None:
    import pyarrow as pa

    good = []
    for file, data, facts in found:
        if isinstance(facts, str):
            intake.skipped.append({"item": file.name, "reason": facts})
            intake.damaged.append(file.name)
        else:
            good.append((file, data, facts))
    if not good:
        return None
    files = [file for file, _, _ in good]
    digests = [hashlib.sha256(data).digest() for _, data, _ in good]
    names = sorted({name for file in files for name in file.extra})
    extra = {f"input_{name}" if name in _RESERVED else name: [file.extra.get(name, "") for file in files]
             for name in names}
    pictures = pa.array([{"bytes": data, "path": None} for _, data, _ in good],
                        pa.struct([("bytes", pa.binary()), ("path", pa.string())]))

    def strings(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string())

    return Chunk(pa.table({"image": pictures, "name": strings([file.name for file in files]),
                           **{name: strings(values) for name, values in extra.items()}}),
                 strings([file.label for file in files]), strings([split or file.split for file in files]),
                 strings([file.group for file in files]), strings([file.date for file in files]),
                 _picture_columns([facts for _, _, facts in good], digests), b"".join(digests))


def _picture_columns(facts: list[PictureFacts], digests: list[bytes]) -> dict[str, NDArray[Any]]:
    return {"key": np.array([int.from_bytes(digest[:8], "little") for digest in digests], dtype=np.uint64),
            "width": np.array([f.width for f in facts], dtype=np.int32),
            "height": np.array([f.height for f in facts], dtype=np.int32),
            "light": np.array([f.light for f in facts], dtype=np.float32),
            "contrast": np.array([f.contrast for f in facts], dtype=np.float32),
            "sharpness": np.array([f.sharpness for f in facts], dtype=np.float32),
            "look": np.array([f.look for f in facts], dtype=np.uint64),
            "colours": np.frombuffer(b"".join(f.colours for f in facts), dtype=np.uint8).reshape(len(facts), -1)}
