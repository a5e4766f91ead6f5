"""Texts and pictures as the batches of tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from transformers import (
        BaseImageProcessor,
        PreTrainedTokenizerBase,
        SequenceFeatureExtractor,
    )

    Processor: TypeAlias = PreTrainedTokenizerBase | BaseImageProcessor | SequenceFeatureExtractor

# of one modality: texts, RGB pictures, or mono sounds (samples,) at 16,000 samples a second
Inputs: TypeAlias = Sequence[str | Image.Image | NDArray[np.float32]]
Batch: TypeAlias = dict[str, Tensor]


def encode_texts(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> Batch:
    """Token tensors, padded on the right to the longest text and cut at `max_length`."""
    batch = tokenizer(
        list(texts),
        padding=True,
        truncation=True,
        max_length=max_length,
        return_tensors="pt",
        padding_side="right",
    )
    return dict(batch)


def encode_images(processor: BaseImageProcessor, pictures: Sequence[Image.Image]) -> Batch:
    """Pixel tensors (batch, channels, height, width)."""
    pixels = processor(list(pictures), return_tensors="pt")["pixel_values"]
    return {"pixel_values": pixels.contiguous(memory_format=torch.channels_last)}


def last_token(batch: Batch, pad: int) -> Tensor:
    """Position of the last token that is not padding, as decoder classifiers choose it."""
    ids = batch["input_ids"]
    return (torch.arange(ids.shape[1], device=ids.device) * (ids != pad)).argmax(-1)
