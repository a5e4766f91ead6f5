"""Running statistics of batch normalisation, computed anew for the weights that are judged or
saved.

During training they lag behind weights that move at every step. A plain average over training
batches under the final weights ("precise batch normalisation", Wu and Johnson, 2021, arXiv
2105.07576) belongs to exactly these weights.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import nn

from tl_core.train.features.examples import Examples, batch_at, inputs_of

EXAMPLES = 1024  # that are enough for means and variances of channels
_BATCH = 64


def follow_anew(model: nn.Module, layers: list[nn.Module], examples: Examples) -> None:
    """Replace the running statistics of `layers` by plain averages over batches, in place; all else
    stays.

    Batches are drawn, always the same: in the order of a dataset, which often is that of its
    classes, each would hold one class, and what lies between the classes would be missing from the
    variances.

    Args:
        model: called in eval mode, but for `layers`.
        layers: batch normalisation whose statistics follow the data; nothing happens without any.
        examples: training items as they look when the model is used, at least two.
    """
    if not layers or len(examples) < 2:  # a single item has no variance
        return
    device, was_training = next(model.parameters()).device, model.training
    momenta = [layer.momentum for layer in layers]
    model.eval()
    for layer in layers:
        layer.reset_running_stats()  # type: ignore[operator]
        layer.momentum, layer.training = None, True  # type: ignore[assignment]  # each batch counts alike
    with torch.inference_mode():
        order = np.random.default_rng(0).permutation(len(examples))
        for places in np.array_split(order, max(1, len(examples) // _BATCH)):
            inputs, _ = inputs_of(batch_at(examples, places), device)
            model(**inputs)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


def statistics_hash(layers: list[nn.Module]) -> str:
    """What tells features under these statistics from those under others."""
    digest = hashlib.sha256()
    for layer in layers:
        for value in (layer.running_mean, layer.running_var):
            digest.update(value.cpu().numpy().tobytes())  # type: ignore[operator]
    return digest.hexdigest()
