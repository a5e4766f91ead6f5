"""Recordings on their way in: decoded and measured by threads, a few at a time."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.item_kind import extra_column
from tl_core.data.limits import LIMITS
from tl_core.data.sounds.decoding import RATE, open_recording
from tl_core.data.sounds.labelled_sounds import labelled_sounds
from tl_core.data.sounds.sound_facts import SoundFacts, sound_facts
from tl_core.data.sources.intake import Chunk, Intake
from tl_core.data.sources.types import ItemFile, Source
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "audio"
_AT_ONCE, _WORKERS = 8, 2  # of a minute each takes 15 MB while it is measured
_TYPES: dict[str, type[np.generic]] = {
    "seconds": np.float32,
    "rate": np.int32,
    "channels": np.int16,
    "loudness": np.float32,
    "peak": np.float32,
    "silence": np.float32,
    "clipped": np.float32,
    "bandwidth": np.float32,
    "look": np.uint64,
    "shape": np.uint8,
}


@dataclass(frozen=True)
class _Heard:
    """A recording with its bytes and its facts, or why it cannot be used."""

    file: ItemFile
    data: bytes
    facts: SoundFacts | str


def sound_chunks(
    sources: dict[str, Source], options: ImportOptions, intake: Intake
) -> Iterator[Chunk]:
    """The recordings of all sources, in order, stored as they were brought.

    Raises:
        DataError: when all together are more than a dataset of recordings may hold.
    """
    if not any(source.listings or source.tables for source in sources.values()):
        intake.columns[NAME] = "file"
        if not options.label_here:
            intake.columns["label"] = "folder"
    rates: Counter[int] = Counter()
    total = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        for split, source in sources.items():
            for heard in _ahead(labelled_sounds(source, options, intake), pool):
                total += sum(len(one.data) for one in heard)
                if total > LIMITS.sounds_bytes:
                    raise _too_much()
                good = _usable(heard, intake)
                rates.update(facts.rate for _, facts in good)
                if good:
                    yield _sound_chunk(good, split, options, intake)
    _note_rates(rates, intake)


def _ahead(files: Iterator[ItemFile], pool: ThreadPoolExecutor) -> Iterator[list[_Heard]]:
    """Some recordings at a time, the next ones on their way meanwhile."""
    waiting: deque[Future[list[_Heard]]] = deque()
    while batch := list(islice(files, _AT_ONCE)):
        waiting.append(pool.submit(_listen, batch))
        if len(waiting) > _WORKERS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _too_much() -> DataError:
    return DataError(
        f"The recordings are more than {LIMITS.sounds_bytes >> 30} GB together.",
        "That is the most for one dataset of recordings.",
        "Save them as FLAC or OGG, which takes a half to a tenth of WAV, or bring a part of them.",
    )


def _listen(files: list[ItemFile]) -> list[_Heard]:
    return [_listen_to(file) for file in files]


def _listen_to(file: ItemFile) -> _Heard:
    try:
        data = _bytes_of(file)
        return _Heard(file, data, sound_facts(open_recording(data)))
    except DataError as error:
        return _Heard(file, b"", f"{error.what} {error.why}".strip())


def _bytes_of(file: ItemFile) -> bytes:
    """The encoded recording.

    Raises:
        DataError: when the file is too large or cannot be read.
    """
    if file.data is not None:
        return file.data
    try:
        if file.path.stat().st_size > LIMITS.sound_bytes:
            raise DataError(f"The recording is a file of over {LIMITS.sound_bytes >> 20} MB.")
        return file.path.read_bytes()
    except OSError as error:
        raise DataError(f"The file cannot be read ({error.strerror}).") from error


def _usable(heard: list[_Heard], intake: Intake) -> list[tuple[_Heard, SoundFacts]]:
    """Those that can be used; the others are noted with their reasons."""
    good: list[tuple[_Heard, SoundFacts]] = []
    for one in heard:
        if isinstance(one.facts, str):
            intake.skipped.append({"item": one.file.name, "reason": one.facts})
            intake.damaged.append(one.file.name)
        else:
            good.append((one, one.facts))
    return good


def _sound_chunk(
    good: list[tuple[_Heard, SoundFacts]], split: str, options: ImportOptions, intake: Intake
) -> Chunk:
    import pyarrow as pa

    files = [one.file for one, _ in good]
    names = sorted({name for file in files for name in file.extra})
    extra = {extra_column(name): [file.extra.get(name, "") for file in files] for name in names}
    digests = [hashlib.sha256(one.data).digest() for one, _ in good]
    sounds = pa.array(
        [{"bytes": one.data, "path": None} for one, _ in good],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )

    def strings(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string())

    return Chunk(
        pa.table(
            {
                NAME: sounds,
                "name": strings([file.name for file in files]),
                **{name: strings(values) for name, values in extra.items()},
            }
        ),
        strings([file.label for file in files]),
        strings([split or intake.place(file.fold, options) or file.split for file in files]),
        strings([file.group for file in files]),
        strings([file.date for file in files]),
        _fact_columns([facts for _, facts in good], digests),
        b"".join(digests),
        b"",
    )


def _fact_columns(facts: list[SoundFacts], digests: list[bytes]) -> dict[str, NDArray[np.generic]]:
    keys = [int.from_bytes(digest[:8], "little") for digest in digests]
    columns: dict[str, NDArray[np.generic]] = {"key": np.array(keys, dtype=np.uint64)}
    for spec in fields(SoundFacts):
        values = [getattr(one, spec.name) for one in facts]
        columns[spec.name] = np.array(values, dtype=_TYPES[spec.name])
    return columns


def _note_rates(rates: Counter[int], intake: Intake) -> None:
    """Say at which rates the recordings came, and that a model hears them at one."""
    if not rates or {*rates} == {RATE}:
        return
    shown = ", ".join(f"{rate:,} ({count:,})" for rate, count in rates.most_common(4))
    intake.plan.note(
        f"Samples a second in the files: {shown}. A model hears all of them at {RATE:,}, as one"
        " channel; the files are kept as they came."
    )
