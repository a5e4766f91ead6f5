"""Another input size for an image backbone: its preprocessing, and position embeddings interpolated
once and for all.

The result is an ordinary network of the new size, not one that interpolates at every call, so what
is saved opens everywhere.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from tl_core.errors import BackboneError

_POSITIONS = ("position_embeddings", "position_embedding.weight")
_LEAST = 16


def resize(model: Any, processor: Any, size: int) -> tuple[Any, Any]:  # noqa: ANN401
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
        config.pretrained_cfg = {
            **config.pretrained_cfg,
            "input_size": [3, size, size],
            "test_input_size": [3, size, size],
        }
        if any("pos_embed" in name or "relative_position" in name for name in model.state_dict()):
            raise _fixed("timm")
        model.config = config
        return model, type(processor)(pretrained_cfg=config.pretrained_cfg)
    for part in (config, getattr(config, "vision_config", config)):
        if getattr(part, "image_size", None):
            part.image_size = size
    new = type(model)(config)
    state, wanted = model.state_dict(), new.state_dict()
    for name, value in wanted.items():
        if name in state and state[name].shape != value.shape:
            if not name.endswith(_POSITIONS):
                if name.endswith("position_ids"):
                    state.pop(name)
                    continue
                raise _fixed(config.model_type)
            state[name] = interpolate(state[name], value.shape[-2])
    new.load_state_dict(state, strict=False)
    told = processor.to_dict()
    for key in ("size", "crop_size"):
        if told.get(key):
            told[key] = {
                side: round(value * size / own) for side, value in dict(told[key]).items() if value
            }
    return new.eval(), type(processor).from_dict(told)


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
    found = torch.cat([flat[:extra], larger.permute(0, 2, 3, 1).reshape(new * new, -1)])
    return found.reshape(*table.shape[:-2], positions, table.shape[-1])


def _fixed(family: str) -> BackboneError:
    return BackboneError(
        f"The input size of this {family} network cannot be changed.",
        "Its attention is made for one size.",
        "Set input_size to 0.",
    )
