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
from tl_core.models import grafts, heads, mean_layer
from tl_core.models.depth import likely_heads
from tl_core.models.families import MEAN_BY_CONFIG, MEAN_LAYER, PRE_HEADS, REFUSED
from tl_core.models.references import parse_reference, read_json, resolve_folder, weights_hash
from tl_core.settings import Settings

_EXAMPLE_TEXTS = ["A short example.", "And another one, which is a little longer than the first."]


@dataclass
class Backbone:
    """A pretrained network opened as a native classifier with a fresh head; always in eval mode."""

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

    @property
    def has_mean_layer(self) -> bool:
        """Whether the last block is the appended one that averages."""
        return self.pooling == "mean" and self.family in MEAN_LAYER and not self.graft

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides what the features of an input are; feeds the cache key."""
        import json

        settings = (json.loads(self.processor.to_json_string()) if self.modality == "image"
                    else {"tokenizer": type(self.processor).__name__, "max_length": self.max_length})
        return {"weights": self.weights, "family": self.family, "pooling": self.pooling,
                "processor": type(self.processor).__name__, "settings": settings}

    @property
    def allows_bf16(self) -> bool:
        """A large bias before a rectifier leaves too few bf16 digits for the signal."""
        return not (self.family in PRE_HEADS and PRE_HEADS[self.family].activation == "rectifier")

    def encode(self, inputs: list[Any]) -> dict[str, Tensor]:
        """Texts or RGB pictures as a batch of tensors on the model's device."""
        batch = (encode_texts(self.processor, inputs, self.max_length) if self.modality == "text"
                 else encode_images(self.processor, inputs))
        device = next(self.model.parameters()).device
        return {name: value.to(device) for name, value in batch.items()}

    @contextlib.contextmanager
    def extracting(self) -> Iterator[Extractor]:
        """Capture what enters the head, batch after batch."""
        with contextlib.ExitStack() as stack:
            short = None
            if self.has_mean_layer:
                short = stack.enter_context(mean_layer.shortcut(self.model, self.encode(_EXAMPLE_TEXTS)))
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
                lambda _m, args, name=name: self._seen.__setitem__(name, args[0]))
            for name in backbone.port.names]

    def __call__(self, batch: dict[str, Tensor], *, bf16: bool = False) -> np.ndarray[Any, np.dtype[np.float32]]:
        model = self.backbone.model
        if self._short is not None:
            self._short.mask = batch["attention_mask"]
        with torch.inference_mode(), torch.autocast(next(model.parameters()).device.type, torch.bfloat16, enabled=bf16):
            model(**batch)
        parts = [self._seen[name] for name in self.backbone.port.names]
        if parts[0].ndim == 3:
            parts = [part[torch.arange(len(part)), last_token(batch, model.config.pad_token_id)] for part in parts]
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
    batch = tokenizer(texts, padding=True, truncation=True, max_length=max_length, return_tensors="pt",
                      padding_side="right")
    return dict(batch)


def encode_images(processor: Any, pictures: list[Image.Image]) -> dict[str, Tensor]:  # noqa: ANN401
    """Pixel tensors (batch, channels, height, width)."""
    pixels = processor(pictures, return_tensors="pt")["pixel_values"]
    return {"pixel_values": pixels.contiguous(memory_format=torch.channels_last)}


def place(model: Any, modality: str) -> None:  # noqa: ANN401
    """Move a model to the GPU where there is one, and image models to the memory layout that convolutions like.

    On a CPU the layout and small batches made MobileNetV2 five times as fast; transformers do not mind.
    """
    if modality == "image":
        model.to(memory_format=torch.channels_last)
    if torch.cuda.is_available():
        model.to("cuda")


def best_batch(modality: str) -> int:
    """Items that this machine best computes together: images on a CPU stay inside its caches."""
    if torch.cuda.is_available():
        return 64
    return 8 if modality == "image" else 32


def load_backbone(reference: str, labels: list[str], settings: Settings, *, pooling: str = "auto",
                  max_length: int = 256, seed: int = 0, scratch: bool = False, meta: bool = False) -> Backbone:
    """Open `reference` as a classifier of `labels` with a fresh head.

    Args:
        reference: starter:, local: or hub: reference.
        labels: class names in the order of the logits.
        settings: where local folders are.
        pooling: auto, native, cls, mean, max or concat; what the architecture cannot do itself becomes a graft.
        max_length: most tokens of a text, lowered to what the backbone can read.
        seed: for the fresh head, and for all weights with `scratch`.
        scratch: random weights instead of the pretrained ones.
        meta: shapes alone, on the meta device; no weights are read.

    Raises:
        BackboneError: when it cannot be found, trusted, loaded or folded.
    """
    folder = resolve_folder(parse_reference(reference), settings)
    config, modality = _load_config(folder, labels)
    pooling, graft = _choose_pooling(folder, config.model_type, modality, pooling)
    if config.model_type in MEAN_BY_CONFIG:
        config.classifier_pooling = "mean" if pooling == "mean" else config.classifier_pooling
        config.classifier_bias = True  # else a missing dense layer could not be made transparent
    info: dict[str, Any] = {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set()}
    if meta or scratch:
        model = _build_model(config, modality, seed, meta=meta)
    else:
        model, info = _load_model(folder, config, modality)
    processor = load_processor(folder, modality)
    if modality == "text":
        _settle_padding(model, processor)
        max_length = min(max_length, _longest(config, processor))
    if graft:
        model = grafts.PooledClassifier(model, graft)
    elif pooling == "mean" and config.model_type in MEAN_LAYER:
        mean_layer.append_mean_layer(model)
    model.eval()
    missing, replaced = _loading_facts(info)
    backbone = Backbone(reference, folder, modality, config.model_type, model, processor, heads.HeadPort((), 0, True),
                        "" if meta else weights_hash(folder), pooling, max_length, missing=missing, graft=graft,
                        unexpected=set(info["unexpected_keys"]), replaced=replaced)
    if meta:
        names = likely_heads(model, len(labels))
        head = model.get_submodule(names[0])
        backbone.port = heads.HeadPort(names, int(head.in_features), head.bias is not None)
        return backbone
    _settle_head(backbone, len(labels), seed, scratch=scratch)
    heads.assert_finite(model, config.model_type)
    place(model, modality)
    return backbone


def _settle_head(backbone: Backbone, classes: int, seed: int, *, scratch: bool) -> None:
    """Find the head, make random layers before it transparent, and start it anew."""
    model, family = backbone.model, backbone.family
    example = (encode_texts(backbone.processor, _EXAMPLE_TEXTS, backbone.max_length) if backbone.modality == "text"
               else encode_images(backbone.processor, [Image.new("RGB", (64, 64), (90, 120, 90))]))
    backbone.port = heads.find_head(model, example, classes, family)
    if not backbone.graft and not scratch:
        backbone.notes += heads.settle_missing(model, backbone.missing, backbone.port, family,
                                               mean=backbone.has_mean_layer)
        backbone.fresh = tuple(sorted({name.rsplit(".", 1)[0] for name in backbone.missing}
                                      - set(backbone.port.names)))
    if scratch:
        backbone.notes.append("all weights are random")
    heads.reset_head(model, backbone.port, seed)


def _loading_facts(info: dict[str, Any]) -> tuple[set[str], list[dict[str, Any]]]:
    """Keys that the file lacked or had in another shape, and those of the second kind with both shapes."""
    mismatched = [item if isinstance(item, tuple) else (item, None, None) for item in info["mismatched_keys"]]
    replaced = [{"name": name, "old": list(old) if old is not None else None,
                 "new": list(new) if new is not None else None} for name, old, new in sorted(mismatched)]
    return set(info["missing_keys"]) | {item[0] for item in mismatched}, replaced


def _build_model(config: Any, modality: str, seed: int, *, meta: bool) -> Any:  # noqa: ANN401
    """The architecture with random weights, or with none at all on the meta device."""
    from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

    kind = AutoModelForImageClassification if modality == "image" else AutoModelForSequenceClassification
    with torch.random.fork_rng(devices=[]), torch.device("meta" if meta else "cpu"):
        torch.manual_seed(seed)
        return kind.from_config(config, dtype=torch.float32)


def _load_config(folder: Path, labels: list[str]) -> tuple[Any, str]:
    from transformers import AutoConfig

    raw = read_json(folder / "config.json")
    family = str(raw.get("model_type") or ("timm_wrapper" if "architecture" in raw else ""))
    if family in REFUSED:
        raise BackboneError(f"{family} cannot be used yet.", REFUSED[family])
    if "auto_map" in raw:
        raise BackboneError("This backbone brings its own program code.", "Foreign code is never run here.",
                            "Choose a model of a standard architecture.")
    modality = modality_of(folder, family)
    names = dict(enumerate(labels))
    try:
        config = AutoConfig.from_pretrained(folder, num_labels=len(labels), id2label=names,
                                            label2id={name: i for i, name in names.items()}, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BackboneError(f"The architecture {family or 'in config.json'!r} is not known here.",
                            str(error).splitlines()[0][:200], "Choose another backbone.") from error
    if family == "timm_wrapper" and config.model_args:
        config.model_args = {k: v for k, v in config.model_args.items() if k != "num_classes"}
    config.problem_type = "single_label_classification"
    return config, modality


def modality_of(folder: Path, family: str) -> str:
    """Which kind of input an architecture classifies.

    Raises:
        BackboneError: when transformers has no classifier for it.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    )

    image = family in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
    text = family in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
    if image and text:
        image = (folder / "preprocessor_config.json").exists()
    if not image and not text:
        raise BackboneError(f"The architecture {family!r} has no classifier for images or texts.", "",
                            "Choose another backbone, such as starter:text or starter:image.")
    return "image" if image else "text"


def _load_model(folder: Path, config: Any, modality: str) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401
    from safetensors import SafetensorError
    from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

    kind = AutoModelForImageClassification if modality == "image" else AutoModelForSequenceClassification
    try:
        model, info = kind.from_pretrained(
            folder, config=config, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True,
            use_safetensors=True, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise BackboneError("The backbone's weights cannot be loaded.", str(error).splitlines()[0][:200],
                            "Download it again or choose another one.") from error
    return model, info


def load_processor(folder: Path, modality: str) -> Any:  # noqa: ANN401
    """The tokenizer or image processor that came with the weights.

    Raises:
        BackboneError: when the folder holds none.
    """
    from transformers import AutoImageProcessor, AutoTokenizer

    kind, what = ((AutoImageProcessor, "image processor") if modality == "image" else (AutoTokenizer, "tokenizer"))
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackboneError(f"The backbone has no usable {what}.", str(error).splitlines()[0][:200],
                            "Copy the model folder whole, with all its small files.") from error


def _choose_pooling(folder: Path, family: str, modality: str, wanted: str) -> tuple[str, str]:
    """The pooling, and the same again when the architecture cannot do it by itself and needs a graft."""
    if wanted in ("max", "concat", "cls") or (wanted == "mean" and modality == "image"):
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


def _settle_padding(model: Any, tokenizer: Any) -> None:  # noqa: ANN401
    """Decoder tokenizers have no padding token, without which batches cannot be formed."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    tokenizer.padding_side = "right"


def _longest(config: Any, tokenizer: Any) -> int:  # noqa: ANN401
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 10**6
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= 2  # these families start counting positions after the padding index
    return int(min(positions, tokenizer.model_max_length))


def save_classifier(backbone: Backbone, target: Path) -> None:
    """Save model, processor and maximum length as one ordinary Hugging Face folder (see `grafts` for the rest)."""
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
