"""Pictures on their way in: decoded and measured by threads, a few dozen at a time, those of many
bits on one scale.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.image_facts import PictureFacts, picture_facts
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.item_kind import extra_column
from tl_core.data.limits import LIMITS
from tl_core.data.pictures.deep_pictures import deep_kind
from tl_core.data.pictures.images import eight_bits, page_bytes, pages
from tl_core.data.pictures.labelled_images import labelled_files
from tl_core.data.pictures.picture_range import RangeReader
from tl_core.data.sources.intake import Chunk, Intake
from tl_core.data.sources.types import ItemFile, Source
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE, _WORKERS, _HEAD = 32, 2, 1024
_SHALLOW = {".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".heic", ".heif", ".avif"}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class _Examined:
    """A picture with its bytes, the digest of what was brought, and its facts or why it cannot be
    used; `pages` of the file that it is from.
    """

    file: ItemFile
    data: bytes
    digest: bytes
    facts: PictureFacts | str
    pages: int = 1


def image_chunks(
    sources: dict[str, Source], options: ImportOptions, intake: Intake
) -> Iterator[Chunk]:
    """The pictures of all sources, in order."""
    if not any(source.listings or source.tables for source in sources.values()):
        intake.columns["image"] = "file"
        if not options.label_here:
            intake.columns["label"] = "folder"
    scale = intake.preparation.scale or _common_scale(sources, options, intake)
    intake.prepare(scale=scale, page=options.pages or "first")
    with ThreadPoolExecutor(_WORKERS) as pool:
        for split, source in sources.items():
            files = labelled_files(source, options, intake)
            ahead: deque[Future[list[_Examined]]] = deque()
            while batch := list(islice(files, _AT_ONCE)):
                ahead.append(pool.submit(_examine, batch, scale, options.pages))
                if len(ahead) > _WORKERS:
                    yield from _image_chunk(ahead.popleft().result(), split, options, intake)
            while ahead:
                yield from _image_chunk(ahead.popleft().result(), split, options, intake)
    if intake.several_pages and not options.pages:
        intake.plan.doubt(
            f"{intake.several_pages:,} file(s) have several pages; the first of each is taken. "
            "--pages all takes each page as an item."
        )


def _common_scale(
    sources: dict[str, Source], options: ImportOptions, intake: Intake
) -> tuple[float, ...]:
    """The darkest and brightest value of all pictures with more than 8 bits, () where there are
    none.
    """
    reader, any_deep = RangeReader(), False
    for source in sources.values():
        for file in source.files or labelled_files(source, options, Intake()):
            head = _head(file)
            if not (head.startswith(_TIFF) or deep_kind(head)):
                continue
            data = _bytes_of(file)
            any_deep |= isinstance(data, bytes) and reader.add(
                data, file.name, every_page=options.pages == "all"
            )
    if not any_deep:
        return ()
    intake.plan.note(f"{reader.sentence()} They are kept with 8 bits.")
    return reader.scale()


def _head(file: ItemFile) -> bytes:
    """The first bytes of a file that may hold more than 8 bits, enough to tell its kind."""
    if file.data is not None:
        return file.data[:_HEAD]
    if file.path.suffix.lower() in _SHALLOW:
        return b""
    try:
        with file.path.open("rb") as handle:
            return handle.read(_HEAD)
    except OSError:
        return b""


def _bytes_of(file: ItemFile) -> bytes | str:
    """The encoded picture, or why it cannot be read."""
    if file.data is not None:
        return file.data
    try:
        size = file.path.stat().st_size
        if not size or size > LIMITS.image_bytes:
            return "The file is empty." if not size else "The image file is over 100 MB."
        return file.path.read_bytes()
    except OSError as error:
        return f"The file cannot be read ({error.strerror})."


def _examine(files: list[ItemFile], scale: tuple[float, ...], wanted: str) -> list[_Examined]:
    return [one for file in files for one in _pages_of(file, scale, wanted)]


def _pages_of(file: ItemFile, scale: tuple[float, ...], wanted: str) -> Iterator[_Examined]:
    """The picture of a file, or each page of a file with several."""
    data = _bytes_of(file)
    if isinstance(data, str):
        yield _Examined(file, b"", b"", data)
        return
    count = 1
    if data[:4] in _TIFF:
        try:
            count = pages(data)
        except DataError:
            count = 1  # its decoding will say what is wrong
    if count == 1 or wanted != "all":
        yield replace(_examine_one(file, data, scale, hashlib.sha256(data).digest()), pages=count)
        return
    for number in range(count):
        page = replace(
            file, name=f"{file.name}#{number + 1}", extra={**file.extra, "page": str(number + 1)}
        )
        digest = hashlib.sha256(data + f"#{number}".encode()).digest()
        try:
            yield _examine_one(page, page_bytes(data, number), scale, digest)
        except DataError as error:
            yield _Examined(page, b"", b"", f"{error.what} {error.why}".strip())


def _examine_one(file: ItemFile, data: bytes, scale: tuple[float, ...], digest: bytes) -> _Examined:
    """The facts of a picture, one with more than 8 bits brought to 8 first."""
    try:
        if scale and deep_kind(data):
            data = eight_bits(data, scale)
        return _Examined(file, data, digest, picture_facts(data))
    except DataError as error:
        return _Examined(file, b"", b"", f"{error.what} {error.why}".strip())


def _image_chunk(
    examined: list[_Examined], split: str, options: ImportOptions, intake: Intake
) -> Iterator[Chunk]:
    import pyarrow as pa

    good: list[tuple[_Examined, PictureFacts]] = []
    for one in examined:
        intake.several_pages += one.pages > 1
        if isinstance(one.facts, str):
            intake.skipped.append({"item": one.file.name, "reason": one.facts})
            intake.damaged.append(one.file.name)
        else:
            good.append((one, one.facts))
    if not good:
        return
    files = [one.file for one, _ in good]
    names = sorted({name for file in files for name in file.extra})
    extra = {extra_column(name): [file.extra.get(name, "") for file in files] for name in names}
    pictures = pa.array(
        [{"bytes": one.data, "path": None} for one, _ in good],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )

    def strings(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string())

    yield Chunk(
        pa.table(
            {
                "image": pictures,
                "name": strings([file.name for file in files]),
                **{name: strings(values) for name, values in extra.items()},
            }
        ),
        strings([file.label for file in files]),
        strings([split or intake.place(file.fold, options) or file.split for file in files]),
        strings([file.group for file in files]),
        strings([file.date for file in files]),
        _picture_columns([facts for _, facts in good], [one.digest for one, _ in good]),
        b"".join(one.digest for one, _ in good),
        b"",
    )


def _picture_columns(
    facts: list[PictureFacts], digests: list[bytes]
) -> dict[str, NDArray[np.generic]]:
    return {
        "key": np.array(
            [int.from_bytes(digest[:8], "little") for digest in digests], dtype=np.uint64
        ),
        "width": np.array([f.width for f in facts], dtype=np.int32),
        "height": np.array([f.height for f in facts], dtype=np.int32),
        "light": np.array([f.light for f in facts], dtype=np.float32),
        "contrast": np.array([f.contrast for f in facts], dtype=np.float32),
        "sharpness": np.array([f.sharpness for f in facts], dtype=np.float32),
        "look": np.array([f.look for f in facts], dtype=np.uint64),
        "colours": (
            np.frombuffer(b"".join(f.colours for f in facts), dtype=np.uint8).reshape(
                len(facts), -1
            )
        ),
    }
