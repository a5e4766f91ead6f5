"""Similar items of a dataset version, by one of its rows, by another item, or by words.

Everything is compared in the features of one frozen backbone, which are those that a probe keeps:
who has trained one does not wait again. CLIP and SigLIP are read in the space that they share with
words, so that one reading serves both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.encoding import Inputs
from tl_core.backbones.load import load_backbone
from tl_core.backbones.open import load_config
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import ProbeSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, NotFoundError
from tl_core.modalities import modality_of
from tl_core.progress import Progress
from tl_core.settings import Settings
from tl_core.surgery.poolings import joint_space
from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.features.cache import cache_key
from tl_core.train.items.item_training import Item
from tl_core.train.probe.probing import Reading
from tl_core.train.setup.refusals import refuse_other_modality
from tl_core.train.similar.cosines import most_alike

MOST = 5000  # similar items that are given at most: more than anybody looks through
_HEAD = ["one", "other"]  # the classifier that a backbone is opened with is not used


@dataclass(frozen=True)
class ItemSearch:
    """A version whose items are compared as a backbone reads them.

    Args:
        version: whose items are looked through; what was left out of it is not.
        backbone: opened, in eval mode.
        cache: where features are kept.
    """

    version: DatasetVersion
    backbone: Backbone
    cache: Path

    @cached_property
    def _rows(self) -> dict[str, Ints]:
        """Rows of each split, each cached as a probe caches it."""
        splits = [str(name) for name in np.unique(self.version.splits) if name != "removed"]
        return {split: self.version.rows_of(split) for split in splits}

    @property
    def missing(self) -> int:
        """Items that have not been read yet."""
        return sum(
            len(rows)
            for rows in self._rows.values()
            if not (
                self.cache
                / cache_key(self.version, rows, self.backbone, bf16=False)
                / "manifest.json"
            ).exists()
        )

    def read(self, progress: Progress, processes: int = 1) -> list[tuple[Ints, Features]]:
        """Rows and features (rows, width) of each split, read as far as they are not kept, by
        `processes` at the same time in a cluster.
        """
        reading = Reading(ProbeSettings(), self.version, self._rows, self.backbone, self.cache)
        everything, parts = sum(map(len, self._rows.values())), []
        with self.backbone.extracting() as extractor:
            for split, rows in self._rows.items():
                share = 0.9 * len(rows) / everything
                progress.stage(f"Reading {split} rows with the backbone", len(rows), share=share)
                features = reading.read(extractor, rows, progress, processes=processes)
                parts.append((rows, features))
        return parts

    def like_row(self, row: int, progress: Progress) -> tuple[Ints, Floats]:
        """Rows and cosines of what is like a row of the version, itself first.

        Raises:
            NotFoundError: when it has no such row.
        """
        parts = self.read(progress)
        for rows, features in parts:
            place = int(np.searchsorted(rows, row))
            if place < len(rows) and rows[place] == row:
                return most_alike(parts, np.asarray(features[place]), MOST)
        raise NotFoundError(
            f"This version of the dataset has no row {row:,}.", "", "Choose one of its items."
        )

    def like_words(self, words: str, progress: Progress) -> tuple[Ints, Floats]:
        """Rows and cosines of what words describe; for texts the words are an item like any other.

        Raises:
            BackboneError: when the backbone knows no words.
        """
        kind = self.backbone.kind
        if isinstance(kind.examples()[0], str):
            return self.like_item(words, progress)
        if self.backbone.pooling != joint_space.KIND:
            noun = modality_of(self.backbone.modality).items
            raise BackboneError(
                f"{self.backbone.reference} cannot compare {noun} with words.",
                f"It was trained on {noun} alone and knows no words.",
                "Search by an example; for photos, a CLIP or SigLIP backbone knows words.",
            )
        vectors, _ = kind.word_vectors([words], self.backbone.folder, self._features)
        return most_alike(self.read(progress), vectors.numpy()[0], MOST)

    def like_item(self, item: Item, progress: Progress) -> tuple[Ints, Floats]:
        """Rows and cosines of what is like another item, read as the rows are."""
        return most_alike(self.read(progress), self._features([item])[0], MOST)

    def _features(self, items: Inputs) -> Features:
        """Features (items, width) of items that belong to no dataset."""
        with self.backbone.extracting() as extractor:
            return extractor(self.backbone.encode(items))


def open_search(
    reference: str, version: DatasetVersion, cache: Path, settings: Settings
) -> ItemSearch:
    """The backbone `reference` opened to compare the items of a version.

    Raises:
        BackboneError: when it cannot be opened.
        DataError: when it reads items of another modality.
    """
    config, _ = load_config(resolve_folder(parse_reference(reference), settings), _HEAD)
    joint = config.model_type in joint_space.FAMILIES
    backbone = load_backbone(
        reference,
        _HEAD,
        settings,
        pooling=joint_space.KIND if joint else "auto",
        max_length=ProbeSettings().max_length,
    )
    refuse_other_modality(backbone, version)
    return ItemSearch(version, backbone, cache)
