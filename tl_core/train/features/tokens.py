"""Texts as token numbers: encoded once per dataset, tokenizer and length, kept on disk, padded
batch by batch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from tl_core.backbones.backbone import Backbone
from tl_core.data.versions.store import DatasetVersion
from tl_core.json_files import write_json
from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Batch, Examples, Key

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHUNK = 2000


@dataclass(frozen=True)
class Tokens:
    """Token numbers of many texts in one flat array; `words` numbers the words of each text, -1 for
    special tokens.
    """

    ids: NDArray[np.int32]
    words: NDArray[np.int32]
    starts: Ints

    @property
    def lengths(self) -> Ints:
        return np.diff(self.starts)


def tokenize(version: DatasetVersion, rows: Ints, backbone: Backbone, cache: Path) -> Tokens:
    """Tokens of `rows`, cut at the backbone's maximum length, from `cache` where they are there
    already.
    """
    content = {
        "inputs": version.info.inputs_fingerprint,
        "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
        "tokenizer": backbone.weights,
        "max_length": backbone.max_length,
    }
    folder = cache / (
        "tokens-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
    )
    names = ("ids", "words", "starts")
    if not (folder / "manifest.json").exists():
        tokens = _encode(version.texts(rows), backbone.processor, backbone.max_length)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            np.save(folder / f"{name}.npy", getattr(tokens, name))
        write_json(folder / "manifest.json", {"rows": len(rows), "backbone": backbone.reference})
    return Tokens(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in names))


def _encode(texts: list[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Tokens:
    ids: list[NDArray[np.int32]] = []
    words: list[NDArray[np.int32]] = []
    for start in range(0, len(texts), _CHUNK):
        batch = tokenizer(texts[start : start + _CHUNK], truncation=True, max_length=max_length)
        for place, one in enumerate(batch["input_ids"]):
            ids.append(np.asarray(one, np.int32))
            numbers = batch.word_ids(place) if tokenizer.is_fast else range(len(one))
            words.append(
                np.array([-1 if number is None else number for number in numbers], np.int32)
            )
    starts = np.concatenate([[0], np.cumsum([len(one) for one in ids])]).astype(np.int64)
    return Tokens(np.concatenate(ids), np.concatenate(words), starts)


class TextExamples(Examples):
    """Batches of token tensors, padded to their longest text.

    Args:
        tokens: of all examples.
        labels: class numbers (examples,).
        pad: number of the padding token.
        word_dropout: share of the words that a training batch leaves out.
        seed: with epoch and position it decides which.
    """

    def __init__(
        self,
        tokens: Tokens,
        labels: Ints,
        pad: int,
        word_dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.tokens, self.labels, self.pad = tokens, labels, pad
        self.word_dropout, self.seed = word_dropout, seed

    @property
    def lengths(self) -> Ints:
        """Tokens of each."""
        return self.tokens.lengths

    def __getitems__(self, keys: list[Key]) -> Batch:
        texts = [self._text(key) for key in keys]
        longest = max(map(len, texts))
        ids = np.full((len(texts), longest), self.pad, np.int64)
        mask = np.zeros((len(texts), longest), np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "labels": torch.from_numpy(self.labels[[place for _, place in keys]]),
        }

    def _text(self, key: Key) -> NDArray[np.int32]:
        epoch, place = key
        span = slice(int(self.tokens.starts[place]), int(self.tokens.starts[place + 1]))
        ids = self.tokens.ids[span]
        if not self.word_dropout:
            return ids
        words = self.tokens.words[span]
        gone = (
            np.random.default_rng([self.seed, epoch, place]).random(words.max(initial=-1) + 1)
            < self.word_dropout
        )
        if gone.all():  # at least one word stays
            gone[:1] = False
        kept: NDArray[np.int32] = ids[(words < 0) | ~gone[words]]
        return kept
