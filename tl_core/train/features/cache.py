"""Features of a frozen backbone: computed once, streamed to disk, resumed batch by batch.

The cache is addressed by content: inputs, weights, preprocessing, pooling, number format and
library version. Each finished batch is logged with the checksum of its values, so after a kill or
power cut only missing or damaged batches are computed again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from tl_core.backbones.backbone import Backbone, Extractor
from tl_core.backbones.encoding import Inputs
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError
from tl_core.json_files import write_json
from tl_core.progress import Progress
from tl_core.settings import spread_by
from tl_core.spread.pieces import Arrays, Pieces
from tl_core.train.arrays import Features, Ints
from tl_core.train.features.examples import Batch
from tl_core.train.items.item_training import read_inputs, training_of

_AHEAD = 3  # batches decoded while the backbone computes
Found = tuple[int, Features]  # the number of a batch and its features (items, width)
Values = np.memmap[tuple[int, ...], np.dtype[np.float32]]


def cache_key(version: DatasetVersion, rows: Ints, backbone: Backbone, bf16: bool) -> str:
    """Content address of the features of `rows`."""
    content = {
        "inputs": version.info.inputs_fingerprint,
        "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
        "backbone": backbone.identity,
        "dtype": "bf16" if bf16 else "float32",
        "transformers": importlib.metadata.version("transformers"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[
        :32
    ]


def extract_features(
    version: DatasetVersion,
    rows: Ints,
    backbone: Backbone,
    extractor: Extractor,
    cache: Path,
    *,
    bf16: bool,
    batch_size: int,
    progress: Progress,
    processes: int = 1,
) -> Features:
    """Features of `rows`, float32 (rows, width), read from `cache` as far as they are there; else
    by `processes` at the same time where a cluster does the work.

    Raises:
        ConfigError: when the preprocessing is random, since a cache would freeze one draw of it.
        Cancelled: when the progress object says so; finished batches stay.
    """
    if not len(rows):
        return np.zeros((0, backbone.port.width), dtype=np.float32)
    folder = cache / cache_key(version, rows, backbone, bf16)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, progress):
        values_path, manifest = folder / "values.npy", folder / "manifest.json"
        if manifest.exists():
            os.utime(manifest)
            progress.batch(len(rows), len(rows))
        else:
            equal = backbone.kind.needs_equal_sizes(backbone.processor)
            batches = plan_batches(version, rows, batch_size, equal=equal)
            _refuse_random(backbone, read_inputs(version, rows[batches[0][:2]]))

            def read(missing: list[int], tick: Callable[[], None]) -> Iterator[Found]:
                if processes > 1 and spread_by():
                    about = {"batch_size": batch_size, "bf16": bf16}
                    pieces = _elsewhere(version, rows, backbone, about, processes, folder)
                    return _features_of(pieces.done(missing, tick))
                return _here(version, rows, batches, missing, backbone, extractor, bf16)

            _fill(batches, (len(rows), backbone.port.width), folder, read, progress)
            facts = {"width": backbone.port.width, "backbone": backbone.reference}
            inputs = version.info.inputs_fingerprint
            write_json(manifest, {"rows": len(rows), "inputs": inputs, **facts})
    values: Features = np.load(values_path, mmap_mode="r")
    return values


def _locked(folder: Path, progress: Progress) -> FileLock:
    """Hold the folder's lock; while another run fills it, wait and stay cancellable."""
    lock = FileLock(folder / "lock", timeout=0)
    while True:
        try:
            lock.acquire()
            return lock
        except Timeout:
            progress.log("Waiting for another run that computes the same features.")
            progress.batch(0, 0)
            lock = FileLock(folder / "lock", timeout=5)


def _fill(
    batches: list[Ints],
    shape: tuple[int, int],
    folder: Path,
    read: Callable[[list[int], Callable[[], None]], Iterator[Found]],
    progress: Progress,
) -> None:
    """Read the batches that are missing, by their numbers, and write each down."""
    values, done = _open_values(folder, shape, batches)
    finished = sum(len(batches[number]) for number in done)
    missing = [number for number in range(len(batches)) if number not in done]

    def tell() -> None:
        progress.batch(finished, shape[0])

    with (folder / "batches.jsonl").open("a") as log:
        for number, features in read(missing, tell):
            values[batches[number]] = features
            log.write(json.dumps([number, zlib.crc32(features.tobytes())]) + "\n")
            log.flush()
            finished += len(features)
            tell()
    values.flush()


def _here(
    version: DatasetVersion,
    rows: Ints,
    batches: list[Ints],
    missing: list[int],
    backbone: Backbone,
    extractor: Extractor,
    bf16: bool,
) -> Iterator[Found]:
    """Number and features (items, width) of each batch, by this process."""

    def load(number: int) -> Batch:
        return backbone.encode(read_inputs(version, rows[batches[number]]))

    for number, batch in _ahead(missing, load):
        yield number, extractor(batch, bf16=bf16)


def _elsewhere(
    version: DatasetVersion,
    rows: Ints,
    backbone: Backbone,
    about: Mapping[str, object],
    processes: int,
    folder: Path,
) -> Pieces:
    """The same batches, by processes of the cluster, which open the backbone each."""
    np.save(folder / "rows.npy", rows)
    made_of = {
        **about,
        "version": str(version.folder),
        "rows": str(folder / "rows.npy"),
        "backbone": backbone.reference,
        "pooling": backbone.pooling,
        "max_length": backbone.max_length,
        "identity": backbone.identity,
    }
    worker = "tl_core.train.features.batch_reading:BatchReading"
    return Pieces(worker, made_of, processes, folder / "cluster")


def _features_of(found: Iterator[tuple[int, Arrays]]) -> Iterator[Found]:
    for number, arrays in found:
        yield number, np.asarray(arrays["features"], np.float32)


def plan_batches(
    version: DatasetVersion, rows: Ints, batch_size: int, *, equal: bool = False
) -> list[Ints]:
    """Positions in `rows`, in batches; items of like size together, the largest first (memory
    fails early), with `equal` of one size alone.
    """
    order = np.arange(len(rows))
    parts = [order]
    sizes = training_of(version.info.modality).sizes(version, rows)
    if sizes is not None:
        order = np.argsort(-sizes, kind="stable")
        changes = np.flatnonzero(np.diff(sizes[order])) + 1
        parts = np.split(order, changes) if equal else [order]
    return [
        part[start : start + batch_size]
        for part in parts
        for start in range(0, len(part), batch_size)
    ]


def _refuse_random(backbone: Backbone, inputs: Inputs) -> None:
    once, again = backbone.encode(inputs), backbone.encode(inputs)
    if any(not bool((once[name] == again[name]).all()) for name in once):
        raise ConfigError(
            "The backbone's preprocessing is random.",
            "A cache would freeze one draw of it.",
            "Use its evaluation preprocessing.",
        )


def _open_values(
    folder: Path, shape: tuple[int, int], batches: list[Ints]
) -> tuple[Values, set[int]]:
    """The array to fill, and the numbers of batches whose checksum proves that they are whole."""
    path = folder / "values.npy"
    if not path.exists():
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape), set()
    values = np.lib.format.open_memmap(path, mode="r+")
    done: set[int] = set()
    if values.shape != shape or not (folder / "batches.jsonl").exists():
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape), done
    for line in (folder / "batches.jsonl").read_text().splitlines():
        try:
            number, checksum = json.loads(line)
        except ValueError:
            continue  # the kill came in the middle of this line
        if (
            number < len(batches)
            and zlib.crc32(np.asarray(values[batches[number]]).tobytes()) == checksum
        ):
            done.add(number)
    return values, done


def _ahead(numbers: list[int], prepare: Callable[[int], Batch]) -> Iterator[tuple[int, Batch]]:
    """Prepare batches in threads, a few ahead of the consumer (decoding and tokenising release the
    GIL).
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting: deque[tuple[int, Future[Batch]]] = deque()
        for number in numbers:
            waiting.append((number, pool.submit(prepare, number)))
            if len(waiting) >= _AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
