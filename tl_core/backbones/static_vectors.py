"""Static word vectors as a Hugging Face classifier: one vector for each word, whatever stands
around it.

Five readers make one vector of a text: the plain mean, the mean with a hidden layer (the textbook's
frozen word2vec), convolutions with the maximum over time (Kim, 2014: "Convolutional Neural Networks
for Sentence Classification"), a bidirectional LSTM or GRU, and additive attention (Yang et al.,
2016, one level of it). The last layer is always one Linear called `classifier`. Importing this
module makes the class known to the Auto classes of transformers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

FAMILY = "static_vectors"
WIDTHS = {"mean": 0, "mlp": 256, "cnn": 100, "lstm": 128, "gru": 128, "attention": 128}
_KERNELS = (3, 4, 5)


class StaticVectorsConfig(PretrainedConfig):  # type: ignore[misc]
    """Size of the table and how it is read; `ignored_ids` are tokens that mean and attention leave
    out.
    """

    model_type = FAMILY

    def __init__(
        self,
        vocab_size: int = 1,
        hidden_size: int = 1,
        reader: str = "mean",
        reader_width: int = 0,
        reader_dropout: float = 0.0,
        ignored_ids: list[int] | None = None,
        **others: object,
    ) -> None:
        super().__init__(**others)
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.reader, self.reader_width, self.reader_dropout = reader, reader_width, reader_dropout
        self.ignored_ids = ignored_ids or []


class StaticVectorsForSequenceClassification(PreTrainedModel):  # type: ignore[misc]
    """Embedding table, reader, dropout and one Linear; input and output as in any classifier of
    transformers.
    """

    config_class = StaticVectorsConfig
    config: StaticVectorsConfig
    base_model_prefix = ""

    def __init__(self, config: StaticVectorsConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.reader = build_reader(
            config.reader, config.hidden_size, config.reader_width or WIDTHS[config.reader]
        )
        self.dropout = nn.Dropout(config.reader_dropout)
        self.classifier = nn.Linear(self.reader.width, config.num_labels)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **_others: object,
    ) -> SequenceClassifierOutput:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        words = mask.bool()
        for number in self.config.ignored_ids:
            words = words & (input_ids != number)
        summary = self.reader(self.embedding(input_ids), mask, words)
        logits = self.classifier(self.dropout(summary))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


class _Mean(nn.Module):
    """The mean of the words' vectors; zeros where there is no word."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.width = size

    def forward(self, vectors: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        del mask
        weights = words.unsqueeze(-1).to(vectors.dtype)
        return (vectors * weights).sum(1) / weights.sum(1).clamp_min(1)


class _Mlp(_Mean):
    """The mean, and a hidden layer."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__(size)
        self.hidden = nn.Linear(size, width)
        self.width = width

    def forward(self, vectors: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        hidden: Tensor = self.hidden(super().forward(vectors, mask, words))
        return torch.relu(hidden)


class _Convolutions(nn.Module):
    """`width` filters over 3, 4 and 5 words each, and the largest answer of every filter.

    Positions beyond the text never win, so an answer does not depend on how long the other texts of
    its batch are.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv1d(size, width, kernel) for kernel in _KERNELS)
        self.width = width * len(_KERNELS)

    def forward(self, vectors: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        del words
        inside = mask.unsqueeze(1).bool()
        vectors = (vectors * mask.unsqueeze(-1).to(vectors.dtype)).transpose(1, 2)
        lowest = torch.finfo(vectors.dtype).min
        around = [
            nn.functional.pad(vectors, ((kernel - 1) // 2, kernel // 2)) for kernel in _KERNELS
        ]
        return torch.cat(
            [
                torch.relu(filters(padded)).masked_fill(~inside, lowest).amax(2)
                for filters, padded in zip(self.filters, around, strict=True)
            ],
            dim=1,
        )


class _Recurrent(nn.Module):
    """The last states of a network that reads forwards and of one that reads backwards."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], size: int, width: int) -> None:
        super().__init__()
        self.network = kind(size, width, batch_first=True, bidirectional=True)
        self.width = 2 * width

    def forward(self, vectors: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        del words
        packed = pack_padded_sequence(
            vectors, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.network(packed)
        states: Tensor = last[0] if isinstance(last, tuple) else last
        return torch.cat([states[0], states[1]], dim=1)


class _Attention(nn.Module):
    """A mean whose weights are learnt: how much each word matters."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.project, self.weigh = nn.Linear(size, width), nn.Linear(width, 1, bias=False)
        self.width = size

    def forward(self, vectors: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        del mask
        scores: Tensor = self.weigh(torch.tanh(self.project(vectors))).squeeze(-1)
        weights = scores.masked_fill(~words, torch.finfo(scores.dtype).min).softmax(1) * words
        return (vectors * weights.unsqueeze(-1)).sum(1)


Reader: TypeAlias = _Mean | _Convolutions | _Recurrent | _Attention


def build_reader(kind: str, size: int, width: int) -> Reader:
    """The reader called `kind` for vectors of `size` numbers; its `width` attribute is the length
    of its answer.
    """
    if kind == "mean":
        return _Mean(size)
    if kind in ("lstm", "gru"):
        return _Recurrent(nn.LSTM if kind == "lstm" else nn.GRU, size, width)
    kinds: dict[str, Callable[[int, int], Reader]] = {
        "mlp": _Mlp,
        "cnn": _Convolutions,
        "attention": _Attention,
    }
    return kinds[kind](size, width)


def start_reader(model: StaticVectorsForSequenceClassification, seed: int) -> tuple[str, ...]:
    """Give the reader fresh random weights from `seed`; the name of the module if it has any."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in model.reader.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()
    return ("reader",) if any(True for _ in model.reader.parameters()) else ()


AutoConfig.register(FAMILY, StaticVectorsConfig, exist_ok=True)
AutoModelForSequenceClassification.register(
    StaticVectorsConfig, StaticVectorsForSequenceClassification, exist_ok=True
)
