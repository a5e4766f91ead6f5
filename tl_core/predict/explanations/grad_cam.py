"""Relevance of the places of a picture by Grad-CAM (Selvaraju et al., ICCV 2017), for transformers
on the grid of their tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from tl_core.backbones.classifier import Classifier
from tl_core.backbones.encoding import encode_images

if TYPE_CHECKING:
    from transformers import BaseImageProcessor

GRID = 10  # cells along each side of a map
_FINE = 5  # places along a side from which a layer's map is worth looking at
Floats = NDArray[np.float64]


def grad_cam(model: nn.Module, classifier: Classifier, picture: Image.Image, place: int) -> Floats:
    """Gradient times activation of the last layer that still knows at least 5 x 5 places, on the
    grid of the picture.

    For convolutions the gradient is averaged over places, as published. For tokens it is taken at
    each, at the last layer whose patches can still reach the answer: after the last block only the
    first token is read.
    """
    encoded = encode_images(classifier.processor, [picture])
    device = next(classifier.model.parameters()).device
    pixels = {name: value.to(device) for name, value in encoded.items()}
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple[object, ...], out: object) -> None:
        first = out[0] if isinstance(out, tuple) and out else out
        if isinstance(first, Tensor):
            seen.append(first)

    handles = [module.register_forward_hook(keep) for module in model.modules()]
    try:
        with torch.enable_grad():
            for parameter in model.parameters():
                parameter.requires_grad_(True)
            logit = model(**pixels).logits[0, place]
    finally:
        for handle in handles:
            handle.remove()
    layers = [out for out in seen if out.requires_grad and _grid(out) is not None]
    slopes: tuple[Tensor | None, ...] = torch.autograd.grad(logit, layers, allow_unused=True)
    fine = [
        pair for pair in zip(layers, slopes, strict=True) if min(_grid(pair[0]) or (0, 0)) >= _FINE
    ]
    for out, slope in reversed(fine or list(zip(layers, slopes, strict=True))):
        if slope is None:  # it takes no part in this answer
            continue
        act, grad = _on_grid(out.detach()), _on_grid(slope)
        if not bool(grad.abs().max() > 0):
            continue
        if out.ndim == 4:
            grad = grad.mean(dim=(1, 2), keepdim=True)
        cam = torch.relu((grad * act).sum(0))
        return _to_picture(cam.double().cpu().numpy(), classifier.processor, picture.size)
    return np.zeros((GRID, GRID))


def _grid(out: Tensor) -> tuple[int, int] | None:
    """Rows and columns of places in an activation of one picture; None where it has none."""
    if out.ndim == 4 and min(out.shape[2:]) > 1:
        return int(out.shape[2]), int(out.shape[3])
    if out.ndim == 3 and out.shape[0] == 1:
        for prefix in (0, 1, 2, 5):  # class token, DeiT's second one, registers
            side = int(max(out.shape[1] - prefix, 0) ** 0.5)
            if side > 1 and side * side == out.shape[1] - prefix:
                return side, side
    return None


def _on_grid(out: Tensor) -> Tensor:
    """(channels, rows, columns) of an activation or its gradient."""
    rows, columns = _grid(out)  # type: ignore[misc]
    return out[0] if out.ndim == 4 else out[0, -rows * columns :].T.reshape(-1, rows, columns)


def _to_picture(cam: Floats, processor: BaseImageProcessor, size: tuple[int, int]) -> Floats:
    """A map over what the network sees, laid on the whole picture: what a centre crop hides has
    none.
    """
    width, height = size
    across = down = 1.0
    if getattr(processor, "do_center_crop", False) and getattr(processor, "do_resize", False):
        edge = dict(processor.size).get("shortest_edge")
        crop = dict(processor.crop_size)
        if edge:
            scale = edge / min(width, height)
            across, down = (
                min(1.0, crop["width"] / (scale * width)),
                min(1.0, crop["height"] / (scale * height)),
            )
    fine = 20 * GRID
    inner = (max(GRID, round(fine * across)), max(GRID, round(fine * down)))
    grown = np.asarray(
        Image.fromarray(cam.astype(np.float32)).resize(inner, Image.Resampling.BILINEAR)
    )
    canvas = np.zeros((fine, fine))
    top, left = (fine - inner[1]) // 2, (fine - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = grown
    cells: Floats = canvas.reshape(GRID, 20, GRID, 20).mean(axis=(1, 3))
    return cells
