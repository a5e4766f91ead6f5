"""Sounds as waves: decoded once per dataset, kept on disk, varied batch by batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from tl_core.backbones.backbone import Backbone
from tl_core.data.sounds.decoding import RATE, Sound, decoded
from tl_core.data.versions.store import DatasetVersion
from tl_core.json_files import write_json
from tl_core.progress import Progress
from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Batch, Examples, Key
from tl_core.train.features.sound_variations import VARIATIONS, cut_in, vary

_LARGEST = 12e9  # bytes on disk above which sounds are decoded each time instead
_STEP = 64  # sounds that are decoded between two words about it
_LONGEST = 10 * RATE  # samples of a training example; each epoch draws another part of a longer one
_MIXUP_ALPHA, _CUTMIX_ALPHA = 0.2, 1.0  # as for photos


@dataclass(frozen=True)
class Waves:
    """Sounds by their places, and how many samples each has (sounds,)."""

    at: Callable[[int], Sound]
    lengths: Ints


def read_sounds(version: DatasetVersion, rows: Ints) -> list[Sound]:
    """The sounds of some rows, as a backbone's `encode` takes them.

    Raises:
        DataError: when one cannot be decoded.
    """
    column = version.table.column("audio").take(pa.array(rows))
    return [decoded(one["bytes"], str(one["path"] or "")) for one in column.to_pylist()]


def sound_lengths(version: DatasetVersion, rows: Ints) -> Ints:
    """Samples of each (rows,), by what was noted at the import."""
    lengths: Ints = np.rint(version.facts()["seconds"][rows] * RATE).astype(np.int64)
    return lengths


def waves(version: DatasetVersion, rows: Ints, cache: Path, progress: Progress) -> Waves:
    """The sounds of `rows`, from `cache` where they are there already."""
    lengths = sound_lengths(version, rows)
    if 4 * lengths.sum() > _LARGEST:
        return Waves(lambda place: read_sounds(version, rows[place : place + 1])[0], lengths)
    content = {
        "inputs": version.info.inputs_fingerprint,
        "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
        "rate": RATE,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache / f"waves-{digest}"
    if not (folder / "manifest.json").exists():
        _keep(version, rows, folder, progress)
        write_json(folder / "manifest.json", {"rows": len(rows)})
    starts = np.load(folder / "starts.npy")
    values = np.memmap(folder / "waves.bin", np.float32, "r")
    return Waves(lambda place: np.array(values[starts[place] : starts[place + 1]]), np.diff(starts))


def _keep(version: DatasetVersion, rows: Ints, folder: Path, progress: Progress) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    starts = [0]
    with (folder / "waves.bin").open("wb") as out:
        for start in range(0, len(rows), _STEP):
            for sound in read_sounds(version, rows[start : start + _STEP]):
                out.write(sound.tobytes())
                starts.append(starts[-1] + len(sound))
            progress.batch(len(starts) - 1, len(rows))
    np.save(folder / "starts.npy", np.array(starts, np.int64))


class SoundExamples(Examples):
    """Batches of what the backbone's own processor makes of sounds.

    Every draw comes from seed, epoch and position, so that a resumed run hears the same sounds.
    Sounds that judge are never varied, and whole.

    Args:
        waves: of all examples.
        labels: class numbers (examples,).
        backbone: whose processor makes tensors of them.
        kind: a name of `VARIATIONS`.
        mix: none, mixup (two sounds at once) or cutmix (a stretch of one inside another); batches
            then also hold `mixed_labels` and `kept`, the share of the first label.
        seed: decides all draws, with epoch and position.
    """

    def __init__(
        self,
        waves: Waves,
        labels: Ints,
        backbone: Backbone,
        kind: str = "none",
        mix: str = "none",
        seed: int = 0,
    ) -> None:
        self.waves, self.labels, self.backbone = waves, labels, backbone
        self.variation, self.mix, self.seed = VARIATIONS[kind], mix, seed

    @property
    def lengths(self) -> Ints:
        """Samples of each."""
        return self.waves.lengths

    def __getitems__(self, keys: list[Key]) -> Batch:
        places = np.array([place for _, place in keys])
        sounds = [self._sound(key) for key in keys]
        labels = torch.from_numpy(self.labels[places])
        added: Batch = {}
        if self.mix != "none" and len(keys) > 1:
            draw = np.random.default_rng([self.seed, *keys[0], len(keys)])
            order = draw.permutation(len(sounds))
            sounds, kept = _blended(sounds, [sounds[i] for i in order], self.mix, draw)
            added = {"mixed_labels": labels[torch.from_numpy(order)], "kept": torch.tensor(kept)}
        batch = self.backbone.kind.encode(self.backbone.processor, sounds)
        return {**batch, "labels": labels, **added}

    def _sound(self, key: Key) -> Sound:
        epoch, place = key
        sound = self.waves.at(place)
        if self.variation is None:
            return sound
        draw = np.random.default_rng([self.seed, epoch, place])
        return vary(sound, self.variation, _LONGEST, draw)


def _blended(
    sounds: list[Sound], others: list[Sound], mix: str, draw: np.random.Generator
) -> tuple[list[Sound], float]:
    """Each sound with another one in it, and the share of the first."""
    if mix == "mixup":
        kept = float(draw.beta(_MIXUP_ALPHA, _MIXUP_ALPHA))
        pairs = zip(sounds, others, strict=True)
        return [_together(one, other, kept) for one, other in pairs], kept
    kept = float(draw.beta(_CUTMIX_ALPHA, _CUTMIX_ALPHA))
    start = float(draw.random())
    return [
        cut_in(one, other, 1 - kept, start) for one, other in zip(sounds, others, strict=True)
    ], kept


def _together(one: Sound, other: Sound, kept: float) -> Sound:
    both = np.zeros(max(len(one), len(other)), np.float32)
    both[: len(one)] += kept * one
    both[: len(other)] += (1 - kept) * other
    return both
