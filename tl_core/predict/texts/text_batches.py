"""Texts of like length together, as many as make a good batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tl_core.predict.one_item import Readable
from tl_core.predict.tensors import Batch

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

_TOKENS, _MOST = {"cpu": 1024, "cuda": 16_384}, {"cpu": 64, "cuda": 512}  # of one batch


class TextBatches:
    """Cuts texts into batches for the tokenizer's network on `device`."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, device: str) -> None:
        self._tokenizer = tokenizer
        self._tokens, self._most = _TOKENS[device], _MOST[device]

    def __call__(self, texts: Sequence[Readable], places: list[int]) -> Iterator[Batch]:
        """The longest texts come first: memory fails early."""
        tokens = self._tokenizer(
            [texts[place] for place in places],
            truncation=True,
            max_length=self._tokenizer.model_max_length,
        )
        lengths = [len(ids) for ids in tokens["input_ids"]]
        order = sorted(range(len(places)), key=lambda i: -lengths[i])
        start = 0
        while start < len(order):
            size = min(max(self._tokens // max(lengths[order[start]], 1), 1), self._most)
            chosen = order[start : start + size]
            start += size

            def pad(chosen: list[int] = chosen) -> tuple[dict[str, Tensor], dict[int, str]]:
                rows = {name: [values[i] for i in chosen] for name, values in tokens.items()}
                padded = self._tokenizer.pad(rows, padding_side="right", return_tensors="pt")
                return dict(padded), {}

            yield Batch([places[i] for i in chosen], pad)
