"""Another input size for an image backbone: its preprocessing, and position embeddings interpolated
once and for all.

The result is an ordinary network of the new size, not one that interpolates at every call, so what
is saved opens everywhere.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from tl_core.errors import BackboneError

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PretrainedConfig, PreTrainedModel

_POSITIONS = ("position_embeddings", "position_embedding.weight")
_LEAST = 16


def resize(
    model: PreTrainedModel, processor: BaseImageProcessor, size: int
) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """`model` and `processor` for pictures of `size` pixels; both are given back as they are if
    that is theirs.

    Args:
        model: an image classifier of transformers with its weights.
        processor: its image processor.
        size: height and width in pixels.

    Raises:
        BackboneError: when something in the network is made for one size alone.
    """
    own = int(
        processor([Image.new("RGB", (64, 64))], return_tensors="pt")["pixel_values"].shape[-1]
    )
    if size in (0, own):
        return model, processor
    if size < _LEAST:
        raise BackboneError(
            f"Pictures of {size} pixels are too small for any backbone.",
            "",
            f"Set input_size to {_LEAST} or more.",
        )
    config = copy.deepcopy(model.config)
    if config.model_type == "timm_wrapper":
        return _resize_timm(model, processor, config, size)
    for part in (config, getattr(config, "vision_config", config)):
        if getattr(part, "image_size", None):
            part.image_size = size
    new = type(model)(config)
    new.load_state_dict(_fitted_state(model, new), strict=False)
    settings = processor.to_dict()
    for key in ("size", "crop_size"):
        if settings.get(key):
            sides = dict(settings[key]).items()
            settings[key] = {side: round(value * size / own) for side, value in sides if value}
    return new.eval(), type(processor).from_dict(settings)


def _resize_timm(
    model: PreTrainedModel, processor: BaseImageProcessor, config: PretrainedConfig, size: int
) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """A network of timm without position embeddings takes any size; its config says which."""
    if any("pos_embed" in name or "relative_position" in name for name in model.state_dict()):
        raise _fixed("timm")
    shape = [3, size, size]
    config.pretrained_cfg = {
        **config.pretrained_cfg,
        "input_size": shape,
        "test_input_size": list(shape),
    }
    model.config = config
    return model, type(processor)(pretrained_cfg=config.pretrained_cfg)


def _fitted_state(model: PreTrainedModel, new: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of `model`, its position embeddings interpolated to the shapes of `new`."""
    state: dict[str, Tensor] = model.state_dict()
    for name, value in new.state_dict().items():
        if name not in state or state[name].shape == value.shape:
            continue
        if name.endswith(_POSITIONS):
            state[name] = interpolate(state[name], value.shape[-2])
        elif name.endswith("position_ids"):
            state.pop(name)
        else:
            raise _fixed(model.config.model_type)
    return state


def interpolate(table: Tensor, positions: int) -> Tensor:
    """Position embeddings (1, positions, width) or (positions, width) on another square grid,
    bicubic as transformers and timm do it; class and teacher tokens before the grid stay.
    """
    flat = table.reshape(-1, table.shape[-1])
    extra = next(
        count for count in range(3) if math.isqrt(len(flat) - count) ** 2 == len(flat) - count
    )
    old, new = math.isqrt(len(flat) - extra), math.isqrt(positions - extra)
    grid = flat[extra:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    larger = functional.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    resized = torch.cat([flat[:extra], larger.permute(0, 2, 3, 1).reshape(new * new, -1)])
    return resized.reshape(*table.shape[:-2], positions, table.shape[-1])


def _fixed(family: str) -> BackboneError:
    return BackboneError(
        f"The input size of this {family} network cannot be changed.",
        "Its attention is made for one size.",
        "Set input_size to 0.",
    )
