"""Loading a backbone as the very classifier that will be saved, ready for features and folding."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tl_core.errors import BackboneError
from tl_core.models import depths, grafts, heads, joint, mean_layer
from tl_core.models.depth import likely_heads
from tl_core.models.families import MEAN_BY_CONFIG, MEAN_LAYER, PRE_HEADS
from tl_core.models.machine import place
from tl_core.models.opening import (
    build_model,
    load_config,
    load_model,
    load_processor,
    loading_facts,
    longest,
    settle_padding,
)
from tl_core.models.references import parse_reference, read_json, resolve_folder, weights_hash
from tl_core.models.resize import resize
from tl_core.models.starters import usual_size
from tl_core.settings import Settings

_HEAD_KEYS = {"classifier.weight", "classifier.bias"}  # of static word vectors
_EXAMPLE_TEXTS = ["A short example.", "And another one, which is a little longer than the first."]


@dataclass
class Backbone:
    """A pretrained network opened as a native classifier with a fresh head; always in eval mode.

    `altered` names what it holds where that is no longer what its files say.
    """

    reference: str
    folder: Path
    modality: str
    family: str
    model: Any
    processor: Any
    port: heads.HeadPort
    weights: str
    pooling: str
    max_length: int
    notes: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)
    replaced: list[dict[str, Any]] = field(default_factory=list)
    fresh: tuple[str, ...] = ()
    graft: str = ""
    mlp: dict[str, Any] = field(default_factory=dict)
    keeper: Any = None
    altered: str = ""

    @property
    def has_mean_layer(self) -> bool:
        """Whether the last block is the appended one that averages."""
        return self.pooling == "mean" and self.family in MEAN_LAYER and not self.graft

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides what the features of an input are; feeds the cache key."""
        import json

        settings = (
            json.loads(self.processor.to_json_string())
            if self.modality == "image"
            else {"tokenizer": type(self.processor).__name__, "max_length": self.max_length}
        )
        found = {
            "weights": self.weights,
            "family": self.family,
            "pooling": self.pooling,
            "processor": type(self.processor).__name__,
            "settings": settings,
        }
        return {**found, "altered": self.altered} if self.altered else found

    @property
    def allows_bf16(self) -> bool:
        """A large bias before a rectifier leaves too few bf16 digits for the signal."""
        return not (self.family in PRE_HEADS and PRE_HEADS[self.family].activation == "rectifier")

    def encode(self, inputs: list[Any]) -> dict[str, Tensor]:
        """Texts or RGB pictures as a batch of tensors on the model's device."""
        batch = (
            encode_texts(self.processor, inputs, self.max_length)
            if self.modality == "text"
            else encode_images(self.processor, inputs)
        )
        device = next(self.model.parameters()).device
        return {name: value.to(device) for name, value in batch.items()}

    @contextlib.contextmanager
    def extracting(self) -> Iterator[Extractor]:
        """Capture what enters the head, batch after batch."""
        with contextlib.ExitStack() as stack:
            short = None
            if self.has_mean_layer:
                short = stack.enter_context(
                    mean_layer.shortcut(self.model, self.encode(_EXAMPLE_TEXTS))
                )
            extractor = Extractor(self, short)
            stack.callback(extractor.close)
            yield extractor


class Extractor:
    """Features of encoded batches: float32 (batch, port.width), on the CPU."""

    def __init__(self, backbone: Backbone, short: Any) -> None:  # noqa: ANN401
        self.backbone, self._short = backbone, short
        self._seen: dict[str, Tensor] = {}
        self._handles = [
            backbone.model.get_submodule(name).register_forward_pre_hook(
                lambda _m, args, name=name: self._seen.__setitem__(name, args[0])
            )
            for name in backbone.port.names
        ]

    def __call__(
        self, batch: dict[str, Tensor], *, bf16: bool = False
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        model = self.backbone.model
        if self._short is not None:
            self._short.mask = batch["attention_mask"]
        with (
            torch.inference_mode(),
            torch.autocast(next(model.parameters()).device.type, torch.bfloat16, enabled=bf16),
        ):
            model(**batch)
        parts = [self._seen[name] for name in self.backbone.port.names]
        if parts[0].ndim == 3:
            parts = [
                part[torch.arange(len(part)), last_token(batch, model.config.pad_token_id)]
                for part in parts
            ]
        found: np.ndarray[Any, np.dtype[np.float32]] = torch.cat(parts, dim=1).float().cpu().numpy()
        return found

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()


def last_token(batch: dict[str, Tensor], pad: int) -> Tensor:
    """Position of the last token that is not padding, as decoder classifiers choose it."""
    ids = batch["input_ids"]
    return (torch.arange(ids.shape[1], device=ids.device) * (ids != pad)).argmax(-1)


def encode_texts(tokenizer: Any, texts: list[str], max_length: int) -> dict[str, Tensor]:  # noqa: ANN401
    """Token tensors, padded on the right to the longest text and cut at `max_length`."""
    batch = tokenizer(
        texts,
        padding=True,
        truncation=True,
        max_length=max_length,
        return_tensors="pt",
        padding_side="right",
    )
    return dict(batch)


def encode_images(processor: Any, pictures: list[Image.Image]) -> dict[str, Tensor]:  # noqa: ANN401
    """Pixel tensors (batch, channels, height, width)."""
    pixels = processor(pictures, return_tensors="pt")["pixel_values"]
    return {"pixel_values": pixels.contiguous(memory_format=torch.channels_last)}


def load_backbone(
    reference: str,
    labels: list[str],
    settings: Settings,
    *,
    pooling: str = "auto",
    max_length: int = 256,
    seed: int = 0,
    scratch: bool = False,
    meta: bool = False,
    reader: dict[str, Any] | None = None,
    input_size: int = 0,
) -> Backbone:
    """Open `reference` as a classifier of `labels` with a fresh head.

    Args:
        reference: as `parse_reference` reads it.
        labels: class names in the order of the logits.
        settings: where local folders are.
        pooling: auto, native, cls, mean, max, concat, joint (CLIP and SigLIP) or `depth:` with a
            block or all; what the architecture cannot do itself becomes a graft.
        max_length: most tokens of a text, lowered to what the backbone can read.
        seed: for the fresh head, and for all weights with `scratch`.
        scratch: random weights instead of the pretrained ones.
        meta: shapes alone, on the meta device; no weights are read.
        reader: how static word vectors are read (`reader`, `reader_width`, `reader_dropout`), for
        these alone.
        input_size: of pictures in pixels, 0 for what the backbone was trained with
        (`starters.usual_size`).

    Raises:
        BackboneError: when it cannot be found, trusted, loaded or folded.
    """
    folder = resolve_folder(parse_reference(reference), settings)
    config, modality = load_config(folder, labels)
    config.update(reader or {})
    pooling, graft = _choose_pooling(folder, config.model_type, modality, pooling)
    if config.model_type in MEAN_BY_CONFIG:
        config.classifier_pooling = "mean" if pooling == "mean" else config.classifier_pooling
        config.classifier_bias = True  # else a missing dense layer could not be made transparent
    info: dict[str, Any] = {
        "missing_keys": set(),
        "unexpected_keys": set(),
        "mismatched_keys": set(),
    }
    if meta or scratch:
        model = build_model(config, modality, seed, meta=meta)
    else:
        model, info = load_model(folder, config, modality)
    processor = load_processor(folder, modality)
    if modality == "text":
        settle_padding(model, processor)
        max_length = min(max_length, longest(config, processor))
    elif not meta:
        model, processor = resize(model, processor, input_size or usual_size(reference))
    if graft:
        model = grafts.graft(model, graft, folder, _example(modality, processor, max_length))
    elif pooling == "mean" and config.model_type in MEAN_LAYER:
        mean_layer.append_mean_layer(model)
    model.eval()
    missing, replaced = loading_facts(info)
    backbone = Backbone(
        reference,
        folder,
        modality,
        config.model_type,
        model,
        processor,
        heads.HeadPort((), 0, True),
        "" if meta else weights_hash(folder),
        pooling,
        max_length,
        missing=missing,
        graft=graft,
        unexpected=set(info["unexpected_keys"]),
        replaced=replaced,
    )
    if meta:
        names = likely_heads(model, len(labels))
        head = model.get_submodule(names[0])
        backbone.port = heads.HeadPort(names, int(head.in_features), head.bias is not None)
        return backbone
    _settle_head(backbone, len(labels), seed, scratch=scratch)
    heads.assert_finite(model, config.model_type)
    place(model, modality)
    return backbone


def _example(modality: str, processor: Any, max_length: int) -> dict[str, Tensor]:  # noqa: ANN401
    """A small batch, for shapes."""
    return (
        encode_texts(processor, _EXAMPLE_TEXTS, max_length)
        if modality == "text"
        else encode_images(processor, [Image.new("RGB", (64, 64), (90, 120, 90))])
    )


def _settle_head(backbone: Backbone, classes: int, seed: int, *, scratch: bool) -> None:
    """Find the head, make random layers before it transparent, and start it anew."""
    model, family = backbone.model, backbone.family
    example = _example(backbone.modality, backbone.processor, backbone.max_length)
    backbone.port = heads.find_head(model, example, classes, family)
    if family == "static_vectors":
        from tl_core.models.static_vectors import start_reader

        backbone.fresh = (
            start_reader(model, seed) if backbone.missing - _HEAD_KEYS or scratch else ()
        )
    elif not backbone.graft and not scratch:
        backbone.notes += heads.settle_missing(
            model, backbone.missing, backbone.port, family, mean=backbone.has_mean_layer
        )
        backbone.fresh = tuple(
            sorted({name.rsplit(".", 1)[0] for name in backbone.missing} - set(backbone.port.names))
        )
    if scratch:
        backbone.notes.append("all weights are random")
    heads.reset_head(model, backbone.port, seed)


def _choose_pooling(folder: Path, family: str, modality: str, wanted: str) -> tuple[str, str]:
    """The pooling, and the same again when the architecture cannot do it by itself and needs a
    graft.
    """
    if family == "static_vectors":
        if wanted not in ("auto", "native"):
            raise BackboneError(
                "Word vectors have no other pooling and no depths.",
                "Their reader makes one vector of a text.",
                "Set pooling to auto and depth to 0.",
            )
        return "native", ""
    if (
        wanted in ("max", "concat", "cls", joint.KIND)
        or wanted.startswith(depths.KIND)
        or (wanted == "mean" and modality == "image")
    ):
        return wanted, wanted
    if modality == "image":
        return "native", ""
    possible = family in MEAN_LAYER | MEAN_BY_CONFIG
    if wanted == "mean" and not possible:
        return "mean", "mean"
    if wanted != "auto":
        return wanted, ""
    stated = read_json(folder / "1_Pooling" / "config.json")
    is_mean = bool(stated.get("pooling_mode_mean_tokens")) or stated.get("pooling_mode") == "mean"
    return ("mean" if is_mean and possible else "native"), ""


def save_classifier(backbone: Backbone, target: Path) -> None:
    """Save model, processor and maximum length as one ordinary Hugging Face folder (see `grafts`
    for the rest).
    """
    backbone.model.to(memory_format=torch.contiguous_format)
    if backbone.graft or backbone.mlp:
        grafts.save(backbone.model, backbone.graft, backbone.mlp, target)
    else:
        backbone.model.save_pretrained(target)
    if backbone.modality == "text":
        backbone.processor.model_max_length = backbone.max_length
        backbone.processor.save_pretrained(target)
    elif backbone.family != "timm_wrapper":  # timm keeps its preprocessing in config.json
        backbone.processor.save_pretrained(target)
