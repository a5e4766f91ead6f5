"""Batches of a dataset version that another machine of a cluster reads, as they are read here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tl_core.backbones.load import load_backbone
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError
from tl_core.settings import read_settings
from tl_core.spread.pieces import Arrays
from tl_core.train.features.cache import plan_batches
from tl_core.train.items.item_training import read_inputs

_HEAD = ["one", "other"]  # the classifier that a backbone is opened with is not used


class BatchReading:
    """One process of the cluster: a backbone that reads batches by their numbers.

    Args:
        made_of: folder of the `version`; file of its `rows`; the `backbone` with its `pooling`,
            `max_length` and what it must be (`identity`); `batch_size` and `bf16`.

    Raises:
        BackboneError: when the backbone of this machine is another one.
    """

    def __init__(self, made_of: Mapping[str, object]) -> None:
        self._version = DatasetVersion(Path(str(made_of["version"])))
        self._rows = np.load(str(made_of["rows"]))
        self._bf16 = bool(made_of["bf16"])
        reference = str(made_of["backbone"])
        self._backbone = load_backbone(
            reference,
            _HEAD,
            read_settings(),
            pooling=str(made_of["pooling"]),
            max_length=int(str(made_of["max_length"])),
        )
        if self._backbone.identity != made_of["identity"]:
            raise BackboneError(
                f"{reference} is another network on this machine.",
                "Its features would not be those of the others.",
                "Bring the same files to all machines of the cluster.",
            )
        equal = self._backbone.kind.needs_equal_sizes(self._backbone.processor)
        size = int(str(made_of["batch_size"]))
        self._batches = plan_batches(self._version, self._rows, size, equal=equal)
        self._open = ExitStack()  # as long as the process lives
        self._extractor = self._open.enter_context(self._backbone.extracting())

    def __call__(self, number: int) -> Arrays:
        """`features` (items, width) of a batch."""
        items = read_inputs(self._version, self._rows[self._batches[number]])
        return {"features": self._extractor(self._backbone.encode(items), bf16=self._bf16)}
