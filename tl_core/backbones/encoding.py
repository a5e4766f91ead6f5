"""Texts and pictures as the batches of tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedTokenizerBase

    Processor: TypeAlias = PreTrainedTokenizerBase | BaseImageProcessor

Inputs: TypeAlias = Sequence[str | Image.Image]  # of one modality
Batch: TypeAlias = dict[str, Tensor]

EXAMPLE_TEXTS = ["A short example.", "And another one, which is a little longer than the first."]


def encode(processor: Processor, modality: str, inputs: Inputs, max_length: int) -> Batch:
    """Texts or RGB pictures, whichever `modality` says, as a batch of tensors on the CPU."""
    if modality == "text":
        return encode_texts(processor, cast("Sequence[str]", inputs), max_length)
    return encode_images(processor, cast("Sequence[Image.Image]", inputs))


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


def example_batch(processor: Processor, modality: str, max_length: int) -> Batch:
    """A small batch, for shapes."""
    pictures = [Image.new("RGB", (64, 64), (90, 120, 90))]
    return encode(
        processor, modality, EXAMPLE_TEXTS if modality == "text" else pictures, max_length
    )


def last_token(batch: Batch, pad: int) -> Tensor:
    """Position of the last token that is not padding, as decoder classifiers choose it."""
    ids = batch["input_ids"]
    return (torch.arange(ids.shape[1], device=ids.device) * (ids != pad)).argmax(-1)
