"""Heads and poolings that no native classifier has: hidden layers, max and concat pooling, the
joint space of pictures and words, features from other depths.

A model with such a graft is saved as an ordinary folder plus `graft.json`, which says how to
rebuild it; plain `transformers` cannot read it, `load_classifier` can.
Everything else stays native.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from torch import Tensor, nn

from tl_core.errors import BackboneError
from tl_core.surgery.heads import linear_at
from tl_core.surgery.model_json import read_json
from tl_core.surgery.poolings import depth_classifier, joint_space
from tl_core.surgery.poolings.pooled_classifier import PooledClassifier

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tl_core.surgery.network import MlpHead

FILE = "graft.json"
_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


class _GraftFile(TypedDict, total=False):
    """What `graft.json` says of a graft; `widths` are those of its blocks, for depths alone."""

    pooling: str
    mlp: MlpHead
    widths: list[int] | None


def build_mlp(
    in_features: int,
    hidden: Sequence[int],
    classes: int,
    activation: str,
    dropout: float,
    *,
    bias: bool = True,
) -> nn.Sequential:
    """Dropout, Linear and activation for each hidden width, then dropout and the last Linear."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Dropout(dropout), nn.Linear(in_features, width), _ACTIVATIONS[activation]()]
        in_features = width
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(in_features, classes, bias=bias))


def graft(
    native: PreTrainedModel, kind: str, folder: Path, example: dict[str, Tensor]
) -> nn.Module:
    """`native` with another pooling; pretrained parts that only this pooling needs come from the
    backbone's folder.

    Args:
        native: a classifier of transformers.
        kind: cls, mean, max, concat, joint, or `depth:` with a block.
        folder: of the backbone.
        example: a batch, for shapes.
    """
    if kind == joint_space.KIND:
        return joint_space.join(native, folder)
    if kind.startswith(depth_classifier.KIND):
        return depth_classifier.DepthClassifier(
            native, native.config.model_type, kind, example=example
        )
    return PooledClassifier(native, kind)


def save(model: nn.Module, pooling: str, mlp: MlpHead | None, target: Path) -> None:
    """Write weights, config and `graft.json`, the last one last."""
    from safetensors.torch import save_model

    target.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(target)  # type: ignore[union-attr, operator]
    save_model(model, str(target / "model.safetensors"))
    (target / FILE).write_text(
        json.dumps(
            {"pooling": pooling, "mlp": mlp or {}, "widths": getattr(model, "widths", None)},
            indent=1,
        )
    )


def is_graft(folder: Path) -> bool:
    """Whether a model folder needs this program (the `graft.json` of a bundle describes one as
    well).
    """
    file = _read(folder)
    return bool(file.get("pooling") or file.get("mlp"))


def _read(folder: Path) -> _GraftFile:
    return cast("_GraftFile", read_json(folder / FILE))


def load(folder: Path, native: PreTrainedModel) -> nn.Module:
    """Rebuild what `save` wrote around `native`, a classifier made from the folder's config.

    Raises:
        BackboneError: when the weights do not fit.
    """
    from safetensors.torch import load_model

    file = _read(folder)
    kind, mlp = file.get("pooling"), file.get("mlp")
    model: nn.Module
    if not kind:
        model = native
    elif kind == joint_space.KIND:
        model = joint_space.JointClassifier(native)
    elif kind.startswith(depth_classifier.KIND):
        model = depth_classifier.DepthClassifier(
            native, native.config.model_type, kind, file.get("widths")
        )
    else:
        model = PooledClassifier(native, kind)
    if mlp:
        replace_head(model, mlp)
    try:
        load_model(model, str(folder / "model.safetensors"))
    except RuntimeError as error:
        raise BackboneError(
            "The trained model cannot be loaded.",
            str(error).splitlines()[0][:200],
            "Its files may be damaged; train again.",
        ) from error
    return model


def replace_head(model: nn.Module, mlp: MlpHead) -> str:
    """Put an MLP in the place of the Linear `mlp["at"]`; gives the name of its last Linear."""
    parent, _, leaf = mlp["at"].rpartition(".")
    old = linear_at(model, mlp["at"])
    new = build_mlp(
        old.in_features,
        mlp["hidden"],
        old.out_features,
        mlp["activation"],
        mlp["dropout"],
        bias=old.bias is not None,
    )
    new.to(old.weight.device)
    setattr(model.get_submodule(parent) if parent else model, leaf, new)
    return f"{mlp['at']}.{len(new) - 1}"
