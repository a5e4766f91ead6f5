"""Rows on their way in, a few thousand at a time: what the model sees, its class, and facts about it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.columns import Columns, guess_columns
from tl_core.data.image_facts import PictureFacts, picture_facts
from tl_core.data.limits import LIMITS
from tl_core.data.schema import SPLITS, ImportOptions
from tl_core.data.sources import ImageFile, Source
from tl_core.data.tables import Reading, Rows, read_table
from tl_core.data.text_facts import text_facts
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_IMAGES_AT_ONCE = 32
_WORKERS = 2  # the decoders and Arrow release the interpreter's lock
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
    content: bytes  # the inputs one after the other, or their digests
    lengths: bytes  # where each of them ends; with `content` the same however rows are cut into chunks


@dataclass
class Intake:
    """What is learnt while the rows stream by."""

    skipped: list[dict[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    empty: int = 0
    damaged: list[str] = field(default_factory=list)

    def take(self, read: _Read) -> Iterator[Chunk]:
        """Note what was left out of a chunk and hand on the rest."""
        chunk, skipped, empty = read
        self.skipped += skipped
        self.empty += empty
        if chunk is not None:
            yield chunk


_Read = tuple[Chunk | None, list[dict[str, str]], int]


def text_chunks(sources: dict[str, Source], options: ImportOptions, intake: Intake) -> Iterator[Chunk]:
    """The rows of all tables, split by split."""
    roles: Columns | None = None
    with ThreadPoolExecutor(_WORKERS) as pool:
        for outer, source in sources.items():
            for inner, path in sorted(source.tables.items(), key=lambda item: ("", *SPLITS).index(item[0])):
                reading = Reading(options.encoding, options.sheet, source.limits)
                ahead: deque[Future[_Read]] = deque()
                for rows in read_table(path, reading):
                    if roles is None:
                        roles = guess_columns(rows.cells.slice(0, 1000).to_pandas(), options)
                        intake.columns.update({k: v for k, v in vars(roles).items() if v})
                    if roles.text not in rows.cells.column_names:
                        raise DataError(f"{path.name!r} has no column {roles.text!r}.",
                                        f"It has: {', '.join(rows.cells.column_names[:12])}.",
                                        "Give the tables the same column names.")
                    ahead.append(pool.submit(_text_chunk, rows, roles, path.name, outer or inner, reading))
                    if len(ahead) > _WORKERS:
                        yield from intake.take(ahead.popleft().result())
                while ahead:
                    yield from intake.take(ahead.popleft().result())
                intake.skipped += [{"item": f"{path.name} row {number}", "reason": reason}
                                   for number, reason in reading.bad]


def _text_chunk(rows: Rows, roles: Columns, file: str, split: str, reading: Reading) -> _Read:
    """The chunk, what was left out of it, and how many of these had no text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells, numbers = rows.cells.combine_chunks(), rows.numbers
    texts = _column(cells, roles.text)
    if roles.title:
        texts = pc.binary_join_element_wise(_column(cells, roles.title), texts, "\n")
    texts = pc.utf8_trim_whitespace(texts)
    lengths = pc.utf8_length(texts).to_numpy()
    good = (lengths > 0) & (lengths <= reading.limits.cell_chars)
    skipped = [{"item": f"{file} row {number}",
                "reason": f"over {reading.limits.cell_chars:,} characters" if length else "no text"}
               for number, length in zip(numbers[~good].tolist(), lengths[~good].tolist(), strict=True)]
    empty_texts = int((lengths == 0).sum())
    if not good.all():
        keep = pa.array(np.flatnonzero(good))
        cells, texts, numbers = cells.take(keep), texts.take(keep), numbers[good]
    if not len(numbers):
        return None, skipped, empty_texts
    names = pc.binary_join_element_wise(f"{file.rpartition('.')[0] or file} row ",
                                        pa.array(numbers).cast(pa.string()), "")
    extra = {f"input_{name}" if name in _RESERVED else name: _column(cells, name) for name in cells.column_names
             if name not in (roles.text, roles.label)}
    empty = _same("", len(numbers))
    own = _column(cells, roles.split) if roles.split else empty
    chunk = Chunk(pa.table({"text": texts, "name": names, **extra}), _column(cells, roles.label) if roles.label else
                  empty, _same(split, len(numbers)) if split else own,
                  _column(cells, roles.group) if roles.group else empty,
                  _column(cells, roles.date) if roles.date else empty, text_facts(texts), *_text_bytes(texts))
    return chunk, skipped, empty_texts


def _column(cells: pa.Table, name: str) -> pa.Array:
    import pyarrow as pa

    if name not in cells.column_names:
        return _same("", cells.num_rows)
    found = cells.column(name).combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _same(value: str, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(value, pa.string()), count)


def _text_bytes(texts: pa.Array) -> tuple[bytes, bytes]:
    """All texts as they lie in memory, and their lengths."""
    import pyarrow.compute as pc

    _, offsets, values = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset:texts.offset + len(texts) + 1]
    return (values.slice(int(ends[0]), int(ends[-1] - ends[0])) if values else b"",
            pc.binary_length(texts).to_numpy().tobytes())


def image_chunks(sources: dict[str, Source], options: ImportOptions, intake: Intake) -> Iterator[Chunk]:
    """The pictures of all sources, decoded and measured by two threads, in order."""
    from tl_core.data.image_tables import labelled_files

    intake.columns.update({"image": "file", "label": "folder"})
    with ThreadPoolExecutor(_WORKERS) as pool:
        for split, source in sources.items():
            files = labelled_files(source, options, intake)
            ahead: deque[Future[list[_Examined]]] = deque()
            while batch := list(islice(files, _IMAGES_AT_ONCE)):
                ahead.append(pool.submit(_examine, batch))
                if len(ahead) > _WORKERS:
                    yield from _image_chunk(ahead.popleft().result(), split, intake)
            while ahead:
                yield from _image_chunk(ahead.popleft().result(), split, intake)


_Examined = tuple[ImageFile, bytes, PictureFacts | str]


def _examine(files: list[ImageFile]) -> list[_Examined]:
    return [_examine_one(file) for file in files]


def _examine_one(file: ImageFile) -> _Examined:
    """The file's bytes and facts, or the reason why it cannot be used."""
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


def _image_chunk(found: list[_Examined], split: str, intake: Intake) -> Iterator[Chunk]:
    import pyarrow as pa

    good = []
    for file, data, facts in found:
        if isinstance(facts, str):
            intake.skipped.append({"item": file.name, "reason": facts})
            intake.damaged.append(file.name)
        else:
            good.append((file, data, facts))
    if not good:
        return
    files = [file for file, _, _ in good]
    digests = [hashlib.sha256(data).digest() for _, data, _ in good]
    names = sorted({name for file in files for name in file.extra})
    extra = {f"input_{name}" if name in _RESERVED else name: [file.extra.get(name, "") for file in files]
             for name in names}
    pictures = pa.array([{"bytes": data, "path": None} for _, data, _ in good],
                        pa.struct([("bytes", pa.binary()), ("path", pa.string())]))

    def strings(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string())

    yield Chunk(pa.table({"image": pictures, "name": strings([file.name for file in files]),
                          **{name: strings(values) for name, values in extra.items()}}),
                strings([file.label for file in files]), strings([split or file.split for file in files]),
                strings([file.group for file in files]), strings([file.date for file in files]),
                _picture_columns([facts for _, _, facts in good], digests), b"".join(digests), b"")


def _picture_columns(facts: list[PictureFacts], digests: list[bytes]) -> dict[str, NDArray[Any]]:
    return {"key": np.array([int.from_bytes(digest[:8], "little") for digest in digests], dtype=np.uint64),
            "width": np.array([f.width for f in facts], dtype=np.int32),
            "height": np.array([f.height for f in facts], dtype=np.int32),
            "light": np.array([f.light for f in facts], dtype=np.float32),
            "contrast": np.array([f.contrast for f in facts], dtype=np.float32),
            "sharpness": np.array([f.sharpness for f in facts], dtype=np.float32),
            "look": np.array([f.look for f in facts], dtype=np.uint64),
            "colours": np.frombuffer(b"".join(f.colours for f in facts), dtype=np.uint8).reshape(len(facts), -1)}
