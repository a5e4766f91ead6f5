"""How backbones for texts are fed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones import language
from tl_core.backbones.inputs.input_kind import Answer, Finding, Items, Opened, in_batches
from tl_core.modalities.text import TEXT
from tl_core.surgery.architectures import MEAN_BY_CONFIG, MEAN_LAYER
from tl_core.surgery.model_json import read_json

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from tl_core.backbones.encoding import Batch, Inputs, Processor

_EXAMPLES = ["A short example.", "And another one, which is a little longer than the first."]
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")
_PIPELINE_BATCH = 16
_MULTILINGUAL = "starter:multilingual"
_OWN = "static_vectors"  # the `model_type` of word vectors


class TextInputs:
    """Texts as tokens, each as long as it is and cut at a maximum."""

    processor = "tokenizer"
    auto_processor = "AutoTokenizer"

    def classifies(self, family: str) -> bool:
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        )

        return family == _OWN or family in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

    def is_in(self, folder: Path) -> bool:
        return any((folder / name).exists() for name in _TOKENIZER_FILES)

    def examples(self) -> Inputs:
        return list(_EXAMPLES)

    def encode(self, processor: Processor, inputs: Inputs, max_length: int = 0) -> Batch:
        from tl_core.backbones.encoding import encode_texts

        most = max_length or processor.model_max_length
        return encode_texts(processor, cast("Sequence[str]", inputs), most)

    def batches(self, processor: Processor, inputs: Inputs, size: int) -> list[list[int]]:
        """The longest first, so that like lengths are padded together."""
        del processor
        texts = cast("Sequence[str]", inputs)
        return in_batches(sorted(range(len(texts)), key=lambda place: -len(texts[place])), size)

    def needs_equal_sizes(self, processor: Processor) -> bool:
        """A mask says what is padding."""
        del processor
        return False

    def identity(self, processor: Processor, max_length: int) -> Mapping[str, object]:
        return {"tokenizer": type(processor).__name__, "max_length": max_length}

    def arrange(self, model: PreTrainedModel) -> None:
        del model

    def fit(self, opened: Opened, input_size: int, *, meta: bool) -> Opened:
        del input_size, meta
        _settle_padding(opened.model, opened.processor)
        most = _longest(opened.model.config, opened.processor)
        return replace(opened, max_length=min(opened.max_length, most))

    def own_pooling(self, folder: Path, family: str, wanted: str) -> tuple[str, str]:
        """For `auto` the mean where sentence-transformers says so."""
        possible = family in MEAN_LAYER | MEAN_BY_CONFIG
        if wanted == "mean" and not possible:
            return "mean", "mean"
        if wanted != "auto":
            return wanted, ""
        own = read_json(folder / "1_Pooling" / "config.json")
        is_mean = bool(own.get("pooling_mode_mean_tokens")) or own.get("pooling_mode") == "mean"
        return ("mean" if is_mean and possible else "native"), ""

    def save(self, processor: Processor, max_length: int, target: Path) -> None:
        processor.model_max_length = max_length
        processor.save_pretrained(target)

    def ask_pipeline(
        self, model: PreTrainedModel, processor: Processor, inputs: Inputs, classes: int
    ) -> Iterable[Sequence[Answer]]:
        from transformers import pipeline

        del classes
        run = pipeline(TEXT.hub_tasks[0], model=model, tokenizer=processor, top_k=None)
        answers: Iterable[Sequence[Answer]] = run(
            inputs, truncation=True, batch_size=_PIPELINE_BATCH
        )
        return answers

    def word_vectors(
        self, words: list[str], folder: Path, features: Callable[[Inputs], NDArray[np.float32]]
    ) -> tuple[Tensor, float]:
        """Words are texts themselves."""
        from tl_core.backbones.word_head import vectors_of_texts

        del folder
        return vectors_of_texts(features(words))

    def check(
        self, opened: Opened, reference: str, version: Items, rows: NDArray[np.int64]
    ) -> list[Finding]:
        if not len(rows):
            return []
        texts = language.sample(version, rows)
        return language.check_texts(reference, opened.processor, texts, opened.max_length)

    def starters(self, version: Items, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """The multilingual one first where most of the texts are not English."""
        is_english = not len(rows) or language.language_of(language.sample(version, rows)) == "en"
        return (TEXT.starter,) if is_english else (_MULTILINGUAL, TEXT.starter)


def _settle_padding(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Decoder tokenizers have no padding token, without which batches cannot be formed."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    tokenizer.padding_side = "right"


def _longest(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Most tokens that the network has positions for and the tokenizer gives."""
    positions = (
        getattr(config, "max_position_embeddings", None)
        or getattr(config, "n_positions", None)
        or 10**6
    )
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= 2  # these families start counting positions after the padding index
    return int(min(positions, tokenizer.model_max_length))


TEXT_INPUTS = TextInputs()
