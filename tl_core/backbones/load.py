"""Loading a backbone as the very classifier that will be saved, ready for features and folding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.inputs.input_kind import Opened, input_kind_of
from tl_core.backbones.open import (
    LoadingFacts,
    build_model,
    load_config,
    load_model,
    load_processor,
)
from tl_core.backbones.own_networks import is_own, keep_tables
from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.backbones.sources.starters import usual_size
from tl_core.errors import BackboneError
from tl_core.machine import place
from tl_core.modalities import modality_of
from tl_core.settings import Settings
from tl_core.surgery import grafts, heads
from tl_core.surgery.architectures import MEAN_BY_CONFIG, PROJECTED, PROJECTED_BY, UNREAD
from tl_core.surgery.layers import likely_heads
from tl_core.surgery.poolings import depth_classifier, joint_space, mean_layer
from tl_core.tasks import SINGLE_LABEL, task_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PretrainedConfig

    from tl_core.backbones.encoding import Batch

_HEAD_KEYS = {"classifier.weight", "classifier.bias"}  # of static word vectors


@dataclass(frozen=True)
class _Source:
    """What is to be opened: a folder, the classifier that it becomes, and what opening must know.

    `graft` is the pooling again where the architecture cannot do it by itself.
    """

    reference: str
    folder: Path
    config: PretrainedConfig
    modality: str
    pooling: str
    graft: str
    seed: int
    scratch: bool
    meta: bool


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
    reader: Mapping[str, object] | None = None,
    input_size: int = 0,
    task: str = SINGLE_LABEL.name,
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
        task: that the classifier is for.
        input_size: of pictures in pixels, 0 for what the backbone was trained with
            (`starters.usual_size`).

    Raises:
        BackboneError: when it cannot be found, trusted, loaded or folded.
    """
    folder = resolve_folder(parse_reference(reference), settings)
    config, modality = load_config(folder, labels)
    config.problem_type = task_of(task).problem_type
    config.update(reader or {})
    pooling, graft = _choose_pooling(folder, config.model_type, modality, pooling)
    source = _Source(
        reference, folder, config, modality, pooling, graft, seed=seed, scratch=scratch, meta=meta
    )
    backbone = _open(source, max_length, input_size)
    _settle_pooling(backbone)
    backbone.model.eval()
    if meta:
        backbone.port = _likely_port(backbone.model, len(labels))
        return backbone
    _settle_head(backbone, len(labels), seed, scratch=scratch)
    heads.assert_finite(backbone.model, backbone.family)
    backbone.kind.arrange(backbone.model)
    place(backbone.model)
    return backbone


def _open(source: _Source, max_length: int, input_size: int) -> Backbone:
    """Network and processor as their files say, for items of the given size."""
    config, modality = source.config, source.modality
    if config.model_type in MEAN_BY_CONFIG:
        if source.pooling == "mean":
            config.classifier_pooling = "mean"
        config.classifier_bias = True  # else a missing dense layer could not be made transparent
    if config.model_type in PROJECTED and not _has_weight(source.folder, f"{PROJECTED_BY}.weight"):
        config.classifier_proj_size = config.hidden_size  # square, so that it can pass all on
    if source.meta or source.scratch:
        model = build_model(config, modality, source.seed, meta=source.meta)
        facts = LoadingFacts()
        if source.scratch and not source.meta:
            keep_tables(model, source.folder)
    else:
        model, facts = load_model(source.folder, config, modality)
    processor = load_processor(source.folder, modality)
    opened = input_kind_of(modality).fit(
        Opened(model, processor, max_length),
        input_size or usual_size(source.reference),
        meta=source.meta,
    )
    return Backbone(
        reference=source.reference,
        folder=source.folder,
        modality=modality,
        family=config.model_type,
        model=opened.model,
        processor=opened.processor,
        port=heads.HeadPort((), 0, True),
        weights="" if source.meta else weights_hash(source.folder),
        pooling=source.pooling,
        graft=source.graft,
        max_length=opened.max_length,
        missing={name for name in facts.missing if not name.endswith(UNREAD)},
        unexpected=facts.unexpected,
        replaced=facts.replaced,
    )


def _has_weight(folder: Path, name: str) -> bool:
    """Whether the files of weights hold a tensor of this name."""
    from safetensors import safe_open

    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            if name in file.keys():
                return True
    return False


def _settle_pooling(backbone: Backbone) -> None:
    """Put around or behind the encoder what its pooling needs and it does not bring itself."""
    if backbone.graft:
        example = _example(backbone)
        backbone.model = grafts.graft(backbone.model, backbone.graft, backbone.folder, example)
    elif backbone.has_mean_layer:
        mean_layer.append_mean_layer(backbone.model)


def _example(backbone: Backbone) -> Batch:
    """A small batch on the CPU, for shapes."""
    kind = backbone.kind
    return kind.encode(backbone.processor, kind.examples(), backbone.max_length)


def _likely_port(model: nn.Module, classes: int) -> heads.HeadPort:
    """Where the head of a network without weights plugs in, as far as its shapes tell."""
    return heads.port_at(model, likely_heads(model, classes))


def _settle_head(backbone: Backbone, classes: int, seed: int, *, scratch: bool) -> None:
    """Find the head, make random layers before it transparent, and start it anew."""
    model, family = backbone.model, backbone.family
    example = _example(backbone)
    backbone.port = heads.find_head(model, example, classes, family)
    if family == "static_vectors":
        from tl_core.backbones.static_vectors import start_reader

        is_new = scratch or bool(backbone.missing - _HEAD_KEYS)
        backbone.fresh = start_reader(model, seed) if is_new else ()
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
    if is_own(family):
        if wanted not in ("auto", "native"):
            raise BackboneError(
                "This backbone has no other pooling and no depths.",
                f"It always makes one vector of each {modality_of(modality).item}.",
                "Set pooling to auto and depth to 0.",
            )
        return "native", ""
    if wanted in ("max", "concat", "cls", joint_space.KIND) or wanted.startswith(
        depth_classifier.KIND
    ):
        return wanted, wanted
    return input_kind_of(modality).own_pooling(folder, family, wanted)
