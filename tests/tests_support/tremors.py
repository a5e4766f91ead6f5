"""A further modality for tests: what a seismometer has drawn, a file each in class folders."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from tl_core.data.dataset_version import Finding
from tl_core.data.layouts.folders import read_folders
from tl_core.data.sources.intake import Chunk
from tl_core.data.sources.outlook import facts_of_files
from tl_core.data.sources.types import ItemFile, Source
from tl_core.data.versions.items import StoredColumn
from tl_core.modalities import MODALITIES, Modality

TREMOR = Modality(
    name="tremor",
    item="tremor",
    items="tremors",
    sense="felt",
    auto_class="AutoModelForAudioClassification",
    hub_tasks=("audio-classification",),
    template="the tremor of {}.",
    starter="starter:tremor",
    cpu_batch=8,
    parts={
        "backbones": "tests_support.tremor_inputs:TREMOR_INPUTS",
        "data": "tests_support.tremors:TREMOR_ITEMS",
        "evaluate": "tests_support.tremor_training:TREMOR_PERTURBATIONS",
        "train": "tests_support.tremor_training:TREMOR_TRAINING",
    },
)


@contextmanager
def among_others():
    """It stands in the table, and recordings, whose networks it reads with, are out of it; in the
    end all stand in their order again.
    """
    kept = dict(MODALITIES)
    del MODALITIES["audio"]
    MODALITIES[TREMOR.name] = TREMOR
    try:
        yield
    finally:
        MODALITIES.clear()
        MODALITIES.update(kept)


class TremorItems:
    """Files that end in .trace."""

    stored = StoredColumn("tremor", {"decode": False, "_type": "Audio"}, at_once=8)
    formats = ("folders", "parquet")
    near_copy = "louder or softer"

    def is_item(self, path):
        return path.suffix == ".trace"

    def open_files(self, contents, limits, options):
        if not contents.items["tremor"]:
            return None
        folders = read_folders(contents.items["tremor"], options.class_level, options.labels_from)
        files = [
            ItemFile(contents.root / one.name, one.name.name, one.label, one.split)
            for one in folders.placed
        ]
        return Source("tremor", files=files, root=contents.root, plan=folders.plan)

    def open_tables(self, tables):
        return None

    def look_into(self, source, options):
        return {"rows": len(source.files)}

    def stated_facts(self, source, options, intake, sample):
        return facts_of_files(source.files, options, intake, sample)

    def chunks(self, sources, options, intake):
        for source in sources.values():
            yield _chunk(source.files)

    def options_like(self, options, columns, preparation):
        return options

    def near_pairs(self, facts, items):
        return np.empty((0, 2), dtype=np.int64)

    def findings(self, view):
        silent = np.flatnonzero(view.rows.facts["bytes"] == 0)
        return [Finding("silent", "info", f"{len(silent)} tremors are silent.")]

    def glimpse(self, items, facts, row):
        return {"tremor": f"{facts['bytes'][row]} bytes"}

    def titles(self, items):
        return items.column("name").to_pylist()


def _chunk(files):
    tremors = [file.path.read_bytes() for file in files]
    digests = [hashlib.sha256(tremor).digest() for tremor in tremors]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    stored = pa.array([{"bytes": tremor, "path": None} for tremor in tremors], kind)
    nothing = pa.array([""] * len(files), pa.string())
    return Chunk(
        pa.table({"tremor": stored, "name": pa.array([file.name for file in files])}),
        pa.array([file.label for file in files]),
        pa.array([file.split for file in files]),
        nothing,
        nothing,
        {
            "key": np.array(
                [int.from_bytes(digest[:8], "little") for digest in digests], dtype=np.uint64
            ),
            "bytes": np.array([len(tremor) for tremor in tremors], dtype=np.int64),
        },
        b"".join(digests),
        b"",
    )


TREMOR_ITEMS = TremorItems()
