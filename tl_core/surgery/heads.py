"""Opening a native classifier: new head, transparent layers before it, and folding a fitted head
back in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from tl_core.errors import BackboneError
from tl_core.surgery.architectures import PRE_HEADS

_TANH_GAIN = 0.05
_RECTIFIER_BIAS = (
    30.0  # larger than any value after a layer norm of the usual widths, so ReLU and GELU pass it
)


@dataclass(frozen=True)
class HeadPort:
    """Where a linear head plugs in: the module(s) named `names`, all reading vectors and writing
    logits.

    Two modules (DeiT with its teacher's head) are averaged by the architecture.
    """

    names: tuple[str, ...]
    in_features: int
    has_bias: bool

    @property
    def width(self) -> int:
        """Length of the feature vector that a probe sees."""
        return self.in_features * len(self.names)


def find_head(
    model: nn.Module, example: dict[str, Tensor], num_labels: int, family: str
) -> HeadPort:
    """The last Linear(s) with `num_labels` outputs that run in a forward pass of `example`.

    Raises:
        BackboneError: when the classifier does not end in a Linear, so nothing can be folded into
        it.
    """
    ran: list[str] = []
    handles = [
        module.register_forward_hook(lambda _m, _i, _o, name=name: ran.append(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    with torch.inference_mode():
        model(**example)
    for handle in handles:
        handle.remove()
    modules = dict(model.named_modules())
    heads = [name for name in ran if modules[name].out_features == num_labels]
    if not heads or heads[-1] != ran[-1]:
        raise BackboneError(
            f"The architecture {family!r} does not end in a plain linear layer.",
            "A fitted classifier can then not be folded into it exactly.",
            "Choose another backbone, such as a ResNet, ViT, BERT or RoBERTa.",
        )
    names = tuple(heads[-2:]) if _is_double(model) else (heads[-1],)
    return port_at(model, names)


def port_at(model: nn.Module, names: tuple[str, ...]) -> HeadPort:
    """The port of the Linear(s) with these names."""
    head = linear_at(model, names[0])
    return HeadPort(names, head.in_features, head.bias is not None)


def linear_at(model: nn.Module, name: str) -> nn.Linear:
    """The Linear with this name."""
    return cast("nn.Linear", model.get_submodule(name))


def _is_double(model: nn.Module) -> bool:
    return hasattr(model, "cls_classifier") and hasattr(model, "distillation_classifier")


def reset_head(model: nn.Module, port: HeadPort, seed: int) -> None:
    """Re-initialise the head explicitly: loading keeps an old head without a word when the class
    counts agree.
    """
    generator = torch.Generator().manual_seed(seed)
    for name in port.names:
        head = linear_at(model, name)
        nn.init.normal_(head.weight, std=0.02, generator=generator)
        if head.bias is not None:
            nn.init.zeros_(head.bias)


def settle_missing(
    model: nn.Module, missing: set[str], port: HeadPort, family: str, *, mean: bool
) -> list[str]:
    """Make layers without pretrained weights transparent; return a note for each.

    Norms start as the identity and need nothing. With an appended mean layer the dense layer before
    the head is made transparent as well, since it was trained, if at all, to read another vector.

    Raises:
        BackboneError: when a layer that matters has no weights and cannot be made transparent.
    """
    notes: list[str] = []
    pre = PRE_HEADS.get(family)
    left = {name.rsplit(".", 1)[0] for name in missing} - set(port.names)
    if pre and (pre.dense in left or mean):
        make_transparent(linear_at(model, pre.dense), pre.activation)
        left.discard(pre.dense)
        notes.append(f"{pre.dense} made transparent")
    for name in sorted(left):
        module = model.get_submodule(name)
        if not _is_identity_at_start(module):
            raise BackboneError(
                f"The layer {name!r} of this {family} has no pretrained weights.",
                "Its random values would spoil the features.",
                "Choose a repository that holds the whole network.",
            )
        notes.append(f"{name} starts as the identity")
    return notes


def _is_identity_at_start(module: nn.Module) -> bool:
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    return (
        isinstance(weight, Tensor)
        and weight.ndim == 1
        and bool((weight == 1).all())
        and (bias is None or bool((bias == 0).all()))
    )


def make_transparent(dense: nn.Linear, activation: str) -> None:
    """Set a square dense layer so that what follows it passes its input on, up to shift and
    scale.
    """
    if activation == "rectifier" and dense.bias is None:
        raise BackboneError(
            "The dense layer before the head has no bias.",
            "It cannot be turned into an identity.",
            "",
        )
    nn.init.eye_(dense.weight)
    if activation == "none":
        nn.init.zeros_(dense.bias)
    elif activation == "tanh":
        with torch.no_grad():
            dense.weight.mul_(_TANH_GAIN)
        nn.init.zeros_(dense.bias)
    else:
        nn.init.constant_(dense.bias, _RECTIFIER_BIAS)


def fold(model: nn.Module, port: HeadPort, weight: Tensor, bias: Tensor) -> None:
    """Write a fitted head into the model in place.

    Args:
        model: the model whose head is replaced.
        port: its head.
        weight: float (classes, port.width), or (1, width) for two classes, which become rows [0,
        w].
        bias: float (classes,) or (1,).
    """
    if weight.shape[0] == 1:
        weight, bias = (
            torch.cat([torch.zeros_like(weight), weight]),
            torch.cat([torch.zeros_like(bias), bias]),
        )
    count = len(port.names)
    if not port.has_bias and bool(bias.abs().max() > 0):
        raise BackboneError("This architecture's head has no bias, but the fitted one has.", "", "")
    with torch.no_grad():
        for part, name in zip(weight.chunk(count, dim=1), port.names, strict=True):
            head = linear_at(model, name)
            head.weight.copy_(count * part)
            if port.has_bias:
                head.bias.copy_(bias)


def cool(model: nn.Module, port: HeadPort, temperature: float | Tensor) -> None:
    """Divide the logits by `temperature` for good: the head's weights and bias take it over, in
    place. It is one number, or one for each class (classes,).
    """
    heat = torch.as_tensor(temperature, dtype=torch.float32)
    with torch.no_grad():
        for name in port.names:
            head = linear_at(model, name)
            head.weight.div_(heat.to(head.weight.device).reshape(-1, 1))
            if head.bias is not None:
                head.bias.div_(heat.to(head.bias.device))


def assert_finite(model: nn.Module, family: str) -> None:
    """Refuse NaN, infinite or half-precision weights before they spoil a run.

    Raises:
        BackboneError: names the first bad parameter.
    """
    for name, parameter in model.named_parameters():
        if parameter.dtype != torch.float32 or not bool(torch.isfinite(parameter).all()):
            raise BackboneError(
                f"The weight {name!r} of this {family} is not a finite float32 number.",
                "The file may be damaged.",
                "Download it again or choose another backbone.",
            )
