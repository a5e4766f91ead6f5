"""Relevance of the words of a text by integrated gradients (Sundararajan et al., ICML 2017), with
their completeness error.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tl_core.backbones.classifier import Classifier

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PATH = 32  # points of the path
Floats = NDArray[np.float64]


def integrated_gradients(
    model: nn.Module, classifier: Classifier, text: str, place: int
) -> tuple[Floats, float]:
    """Relevance of each word (words,) for the logit, and the share of the logit's change that is
    not accounted for.

    The path leads from the same text with every token masked (the mask token's embedding, or the
    mean of all) to the text, by the midpoint rule; an empty embedding would be a jump for norms
    that divide by it. Tokens of one word are summed. Words beyond the maximum length have none.
    """
    tokens, words = _tokens_by_word(classifier.processor, text)
    path = _MaskedPath(model, tokens, words, classifier.processor.mask_token_id, place)
    with path.listening():
        change = path.logit(1.0) - path.logit(0.0)
        slope = torch.stack([path.slope((step + 0.5) / _PATH) for step in range(_PATH)]).mean(0)
    relevance = np.zeros(len(text.split()))
    for value, word in zip(path.relevance(slope), words, strict=True):
        if word is not None:
            relevance[word] += value
    return relevance, abs(float(relevance.sum()) - change) / max(abs(change), 1e-6)


def _tokens_by_word(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> tuple[dict[str, Tensor], list[int | None]]:
    """The tensors of a text, and of each token the word that its last letter is in; None for the
    tokenizer's own marks.
    """
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    tokens = dict(
        tokenizer(
            text,
            truncation=True,
            return_tensors="pt",
            return_offsets_mapping=True,
            max_length=tokenizer.model_max_length,
        )
    )
    ends = tokens.pop("offset_mapping")[0, :, 1].tolist()
    return tokens, [bisect_left(starts, end) - 1 if end else None for end in ends]


class _MaskedPath:
    """A text's embeddings on the straight way from all words masked (0) to the text itself (1).

    Args:
        model: a network in eval mode.
        tokens: of the text.
        words: of each token its word; tokens without one stay as they are.
        mask: the id of the mask token; None: the mean of all embeddings stands for it.
        place: the class whose logit is looked at.
    """

    def __init__(
        self,
        model: nn.Module,
        tokens: dict[str, Tensor],
        words: list[int | None],
        mask: int | None,
        place: int,
    ) -> None:
        device = next(model.parameters()).device
        self._model, self._place, self._share = model, place, 0.0
        self._batch = {name: value.to(device) for name, value in tokens.items()}
        self._is_word = torch.tensor([word is not None for word in words], device=device)
        self._is_word = self._is_word[None, :, None]
        table = cast("Callable[[], nn.Embedding]", model.get_input_embeddings)()
        weight = table.weight.detach()
        self._table, self._masked = table, weight.mean(dim=0) if mask is None else weight[mask]
        self._text = self._mixed = self._masked  # until the network has read the text

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, the network's embeddings are those of the path."""
        handle = self._table.register_forward_hook(self._mix)
        try:
            with torch.enable_grad():
                yield
        finally:
            handle.remove()

    def logit(self, share: float) -> float:
        """The logit at a point of the path."""
        return float(self._forward(share).detach())

    def slope(self, share: float) -> Tensor:
        """Its gradient there with respect to the embeddings (1, tokens, width)."""
        logit = self._forward(share)
        return torch.autograd.grad(logit, self._mixed)[0]

    def relevance(self, slope: Tensor) -> Floats:
        """What each token (tokens,) adds to the logit, where `slope` is the mean over the path."""
        parts = (slope * (self._text - self._masked) * self._is_word).sum(-1)[0]
        values: Floats = parts.double().cpu().numpy()
        return values

    def _forward(self, share: float) -> Tensor:
        self._share = share
        logit: Tensor = self._model(**self._batch).logits[0, self._place]
        return logit

    def _mix(self, _module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
        if not torch.equal(inputs[0], self._batch["input_ids"]):
            return out  # GPT-2 looks token types up in the same table
        self._text = out.detach()
        between = self._masked + self._share * (self._text - self._masked)
        self._mixed = torch.where(self._is_word, between, self._text).requires_grad_(True)
        return self._mixed
