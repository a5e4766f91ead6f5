"""Datasets of the Hugging Face Hub, streamed by the `datasets` library into local Parquet files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.sources.names import SPLIT_NAMES
from tl_core.data.tables.reading import cell
from tl_core.errors import AmbiguousError, DataError, nearest
from tl_core.hub import endpoint, is_reachable

if TYPE_CHECKING:
    from datasets import ClassLabel, IterableDataset

KNOWN = {  # well-known sets with their own test rows, small enough for a first try
    "hub:SetFit/SST-5": "Film reviews in 5 steps from very bad to very good: 11,855 sentences",
    "hub:SetFit/20_newsgroups": "Newsgroup posts in 20 topics: 18,846 texts",
    "hub:dair-ai/emotion": "Short messages in 6 emotions: 20,000 texts",
    "hub:fancyzhx/ag_news": "News in 4 sections: 127,600 texts",
    "hub:AI-Lab-Makerere/beans": "Bean leaves, healthy or ill, in 3 classes: 1,295 photos",
    "hub:uoft-cs/cifar10": "Small pictures in 10 classes: 60,000",
}
_ROWS = 200
_SHUFFLED = 10_000  # rows of a limited read that are mixed: many sets are sorted by class


class HubDataset(TypedDict):
    """A dataset of the Hub with the splits of each of its configurations."""

    name: str
    configs: dict[str, list[str]]


def describe(name: str) -> HubDataset:
    """Configurations of `owner/name` and the splits and columns of each, without reading rows.

    Raises:
        DataError: when the Hub or the dataset cannot be reached.
    """
    with _explained(name):
        import datasets

        configs: dict[str, list[str]] = {}
        for config in datasets.get_dataset_config_names(name)[:50]:
            configs[config] = datasets.get_dataset_split_names(name, config)
        return {"name": name, "configs": configs}


def fetch(
    name: str,
    staging: Path,
    options: ImportOptions,
    limits: Limits,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, list[str]]:
    """Write `owner/name` below `staging`, one Parquet file for each split; gives the folder to
    open, and the names of splits that were left out.

    Raises:
        DataError: unreachable, missing, gated, no such configuration or split, or over the limits.
    """
    staging.mkdir(parents=True, exist_ok=True)
    with _explained(name):
        import datasets

        every = datasets.load_dataset(name, options.hub_config or None, streaming=True)
        streams = _streams(every, options)
        target = staging / "hub"
        target.mkdir()
        count = 0
        for split, stream in streams.items():
            count = _write(
                stream, target / f"{split or 'rows'}.parquet", options, limits, progress, count
            )
        taken = {id(stream) for stream in streams.values()}
        return target, [str(split) for split, stream in every.items() if id(stream) not in taken]


def _streams(
    streams: dict[str, IterableDataset], options: ImportOptions
) -> dict[str, IterableDataset]:
    """What to read: the chosen split alone, or all that are called train, validation or test."""
    if options.hub_split:
        if options.hub_split not in streams:
            raise DataError(
                f"The dataset has no split {options.hub_split!r}.",
                f"It has: {', '.join(streams)}.",
                nearest(options.hub_split, streams),
            )
        return {"": streams[options.hub_split]}
    named: dict[str, list[str]] = {}
    for name in streams:
        if split := SPLIT_NAMES.get(name.lower()):
            named.setdefault(split, []).append(name)
    for split, names in named.items():
        if len(names) > 1:
            raise AmbiguousError(
                f"Several splits of the dataset could be its {split} rows.",
                f"{' and '.join(map(repr, names))} are called so.",
                "hub_split",
                dict.fromkeys(names, "only this one, split anew"),
            )
    chosen = {split: streams[names[0]] for split, names in named.items()}
    if "train" in chosen:
        return chosen
    if len(streams) == 1:
        return {"": next(iter(streams.values()))}
    raise DataError(
        "None of the dataset's splits is called train.",
        f"It has: {', '.join(streams)}.",
        "Name the split to learn from.",
    )


def _write(
    stream: IterableDataset,
    path: Path,
    options: ImportOptions,
    limits: Limits,
    progress: Callable[[int, int], None] | None,
    count: int,
) -> int:
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = stream.features or {}
    for name, kind in features.items():
        if isinstance(kind, datasets.Image):
            stream = stream.cast_column(name, datasets.Image(decode=False))
        elif isinstance(kind, datasets.Audio):
            stream = stream.cast_column(name, datasets.Audio(decode=False))
    classes = {
        name: kind for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)
    }
    if options.row_limit:
        stream = stream.shuffle(seed=options.seed, buffer_size=_SHUFFLED)
    rows: Iterator[dict[str, object]] = iter(islice(stream, options.row_limit or None))
    writer: pq.ParquetWriter | None = None
    try:
        while batch := list(islice(rows, _ROWS)):
            table = pa.Table.from_pylist(
                [
                    {name: _value(value, classes.get(name)) for name, value in row.items()}
                    for row in batch
                ],
                schema=writer.schema if writer else None,
            )
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            count += len(batch)
            if count > limits.items or path.stat().st_size > limits.total_bytes:
                raise DataError(
                    f"The dataset has more than {limits.items:,} rows or"
                    f" {limits.total_bytes >> 30} GB.",
                    "That is this server's limit.",
                    "Set a row limit.",
                )
            if progress:
                progress(count, 0)
    finally:
        if writer:
            writer.close()
    return count


def _value(value: object, classes: ClassLabel | None) -> object:
    """A picture or recording stays bytes, a class number becomes its name, everything else a
    string.
    """
    if isinstance(value, dict) and "bytes" in value:
        return {"bytes": value["bytes"], "path": value.get("path")}
    if classes is not None and isinstance(value, int):
        return classes.int2str(value) if value >= 0 else ""
    return cell(value)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn the client's errors into sentences; ask first whether the Hub answers at all."""
    if not re.fullmatch(
        r"\w[\w-]*/\w[\w.-]*", name
    ):  # anything else could be a path, which the library would open
        raise DataError(
            f"{name!r} is not the name of a Hub dataset.",
            "Names look like owner/name.",
            "Copy the name from the dataset's page on the Hub.",
        )
    if Path(name).exists():
        raise DataError(
            f"{name!r} is also a folder beside this program.",
            "The library would read that instead.",
            "Start the program elsewhere, or bring the files themselves.",
        )
    if not is_reachable():
        raise DataError(
            "The Hub cannot be reached from this server.",
            f"{endpoint()} did not answer.",
            "Check the network, or download the dataset elsewhere and bring the files.",
        )
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        yield
    except GatedRepoError as error:
        raise DataError(
            f"The dataset {name!r} is gated.",
            "Its owners ask you to accept terms first.",
            "Accept them on its page, and set HF_TOKEN on the server.",
        ) from error
    except (RepositoryNotFoundError, FileNotFoundError) as error:
        raise DataError(
            f"There is no dataset {name!r} on the Hub, or it holds no data files that can be read.",
            "It may also be private.",
            "Check the spelling, or set HF_TOKEN on the server.",
        ) from error
    except (DatasetsError, ValueError, HfHubHTTPError, OSError, RuntimeError) as error:
        raise DataError(
            f"The dataset {name!r} cannot be read from the Hub.",
            f"{str(error).splitlines()[0][:240]}",
            "Choose another configuration or split, or bring the files themselves.",
        ) from error
