"""Earlier datasets as sources of episodes: named by the worker, read with one backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.json_files import find_object, write_json
from tl_core.modalities import modality_of
from tl_core.places import home_of, placed, written
from tl_core.progress import Progress
from tl_core.train.episodes.sampling import ClassSet
from tl_core.train.probe.probing import ProbeTask, spread

_FILE = "sources.json"  # in the folder of a run
_MOST_ROWS = 4000  # training rows of each source that are read, evenly spread


@dataclass(frozen=True)
class EpisodeSource:
    """An earlier dataset: its name, and the folder of its version."""

    name: str
    folder: Path


def write_sources(folder: Path, sources: Sequence[EpisodeSource]) -> None:
    """Note for the recipe in the folder of its run which datasets it learns from."""
    content = {"sources": [{"name": one.name, "folder": str(one.folder)} for one in sources]}
    write_json(folder / _FILE, written(content, home_of(folder)))


def read_sources(folder: Path) -> list[EpisodeSource]:
    """What was noted."""
    content = placed(find_object(folder / _FILE), home_of(folder))
    listed = content.get("sources", [])
    found = listed if isinstance(listed, list) else []
    return [EpisodeSource(str(one["name"]), Path(str(one["folder"]))) for one in found]


def class_sets(
    sources: Sequence[EpisodeSource], task: ProbeTask, shots: int, progress: Progress
) -> list[ClassSet]:
    """The features of the training rows of each source, read as the dataset at hand is; of those
    that hold other items, are that dataset itself, or a copy or another version of one before,
    none. Copies of items that judge in the dataset at hand are left out.

    Raises:
        DataError: when there is nothing to draw episodes from.
    """
    own, found = task.version.info, []
    judges = task.version.facts()["key"][task.version.rows_of("validation", "test")]
    taken = {own.inputs_fingerprint}
    with task.backbone.extracting() as extractor:
        for source in sources:
            version = DatasetVersion(source.folder)
            info = version.info
            if info.modality != own.modality or version.sets.several:
                progress.log(f"{source.name} is left out: it holds other items or several labels.")
                continue
            if {info.inputs_fingerprint, _name(source)} & taken:
                continue  # its classes would be learnt from in one copy and judge in the other
            taken |= {info.inputs_fingerprint, _name(source)}
            rows = version.rows_of("train")
            copies = np.isin(version.facts()["key"][rows], judges)
            if copies.any():
                progress.log(
                    f"{source.name}: {int(copies.sum()):,} copies of validation or test items are"
                    " left out."
                )
                rows = rows[~copies]
            rows = rows[spread(len(rows), _MOST_ROWS)]
            progress.stage(f"Reading {source.name} with the backbone", len(rows), share=0.1)
            reading = replace(task, version=version, rows={"train": rows})
            features = reading.read(extractor, rows, progress)
            labels, names = version.labels[rows], version.sets.names
            found.append(ClassSet.of(source.name, features, labels, shots, names))
    usable = [one for one in found if len(one.classes) > 1]
    if not usable:
        noun = modality_of(own.modality).items
        raise DataError(
            "There is no earlier dataset to learn from.",
            f"Episodes need one of {noun}, with at least two classes of more than {shots} training"
            f" {noun} each.",
            "Add one, name others as sources, lower shots, or choose Probe.",
        )
    return usable


def _name(source: EpisodeSource) -> str:
    """Of the dataset, whatever its version."""
    return source.name.partition("@")[0]


def count_classes(sets: Sequence[ClassSet]) -> int:
    """Classes of all sets together."""
    return int(np.sum([len(one.classes) for one in sets]))
