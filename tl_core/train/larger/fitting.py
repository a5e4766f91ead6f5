"""What a training holds in memory, by its parts, and which settings make it fit.

Weights, gradients and the optimiser's state are counted; what the backward pass needs of the
forward pass is measured on a few examples by autograd's own hooks, so that it is known for a GPU
that the whole would not fit on. What the computation itself takes for a moment is left out: a
tenth, which `ROOM` stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from tl_core.config import FinetuneSettings
from tl_core.surgery.architectures import LAYOUTS
from tl_core.train.features.examples import inputs_of
from tl_core.train.larger.activations import keeping
from tl_core.train.larger.few_bits import BYTES_OF_4_BITS, BYTES_OF_8_BIT_STATE
from tl_core.train.loop.memory import leaving_no_trace
from tl_core.train.setup.prepared import Setup
from tl_core.train.tasks.task_training import task_training_of

ROOM = 0.9  # share of the memory that may be planned with
_SAMPLE = 4  # examples that are looked at
_FLOAT = 4  # bytes
_SHARES = (2, 4, 8)  # GPUs that are tried on paper


@dataclass(frozen=True, slots=True)
class Saved:
    """Bytes that the backward pass of one example needs, the longest one.

    Args:
        outside: of what is no block.
        inside: of each block.
        inputs: of each block, which alone are kept where the rest is computed again.
    """

    outside: float
    inside: Sequence[float]
    inputs: Sequence[float]

    def of(self, activations: str) -> float:
        """Bytes on the device, an example, for a value of the setting `activations`."""
        if activations == "keep" or not self.inside:
            return self.outside + sum(self.inside)
        kept = sum(self.inputs) if activations == "recompute" else max(self.inputs)
        return self.outside + kept + max(self.inside)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of a network and of how it is trained.

    Args:
        total: weights.
        moving: weights that learn.
        block: weights of the largest block.
        frozen: weights of the blocks' Linears that LoRA leaves alone.
        beside: weights of LoRA's matrices and the head.
        part: examples that go through at once.
    """

    total: int
    moving: int
    block: int
    frozen: int
    beside: int
    part: int


@dataclass(frozen=True, slots=True)
class Way:
    """Settings that decide about memory, as they are or as they could be."""

    activations: str
    optimizer: str
    quantise: str
    lora: bool
    gpus: int = 1
    part: int = 0  # examples that go through at once; 0 for as planned


@dataclass(frozen=True, slots=True)
class Fit:
    """Settings in words, the bytes that they hold by what these are, and whether that fits."""

    way: str
    parts: Mapping[str, float]
    fits: bool

    @property
    def total(self) -> float:
        """Bytes at once."""
        return sum(self.parts.values())


def held(way: Way, counts: Counts, saved: Saved) -> dict[str, float]:
    """Bytes on each GPU, or in the machine's memory, by what they are."""
    lora = way.lora
    moving = counts.beside if lora else counts.moving
    few = counts.frozen if way.quantise == "4bit" else 0
    state = BYTES_OF_8_BIT_STATE if way.optimizer == "adamw-8bit" else 2 * _FLOAT
    share = 1 / way.gpus
    # a block's weights and gradients are whole while it computes
    visiting = 2 * _FLOAT * counts.block if way.gpus > 1 else 0
    part = max(1, (way.part or counts.part) // way.gpus)
    return {
        "weights": (_FLOAT * (counts.total - few) + BYTES_OF_4_BITS * few) * share + visiting,
        "gradients": _FLOAT * moving * share,
        "optimizer": state * moving * share,
        "best_state": _FLOAT * moving * share,
        "activations": part * saved.of(way.activations),
    }


def ways(setup: Setup, settings: FinetuneSettings, memory: float) -> list[Fit]:
    """The settings as they are, and others, each with what it would hold; the first are those that
    change least.

    Args:
        setup: of the training in one process.
        settings: as they are asked for.
        memory: bytes that there are for it.
    """
    blocks, counts = setup.blocks(), _counts(setup)
    saved = measure_saved(setup, blocks)
    now = Way(settings.activations, settings.optimizer, settings.quantise, settings.lora)
    if settings.sharing == "fsdp":
        now = replace(now, gpus=settings.processes)
    again = replace(now, activations="recompute")
    small = replace(again, part=2)
    named = {
        "as set": now,
        "activations: recompute": again,
        "activations: recompute, batches in parts of 2": small,
        "the same, optimizer: adamw-8bit": replace(small, optimizer="adamw-8bit"),
        "activations: recompute, lora": replace(small, lora=True),
        "activations: recompute, lora, quantise: 4bit": replace(small, lora=True, quantise="4bit"),
    }
    if torch.cuda.is_available():
        named["activations: offload"] = replace(now, activations="offload")
    whole = replace(again, quantise="none", optimizer="adamw")
    for gpus in _SHARES:
        words = f"sharing: fsdp over {gpus} GPUs, activations: recompute"
        named[words] = replace(whole, gpus=gpus)
    found = {words: held(way, counts, saved) for words, way in named.items()}
    return [
        Fit(words, parts, sum(parts.values()) <= ROOM * memory) for words, parts in found.items()
    ]


def advice(found: Sequence[Fit], memory: float) -> str:
    """Which of them to take, in a sentence."""
    first, gib = found[0], 2**30
    said = f"{first.total / gib:.2f} GiB of {memory / gib:.1f} GiB"
    if first.fits:
        return f"It fits as set: it holds about {said}."
    fitting = next((way for way in found if way.fits), None)
    if fitting is None:
        return f"It does not fit as set ({said}), nor in any way that is known here."
    return (
        f"It does not fit as set ({said}). It does with {fitting.way}:"
        f" {fitting.total / gib:.2f} GiB."
    )


def measure_saved(setup: Setup, blocks: Sequence[nn.Module]) -> Saved:
    """What autograd keeps of a few of the longest examples, block by block, for one of them."""
    model = setup.model
    device = next(model.parameters()).device
    count = max(1, min(_SAMPLE, setup.plan["batch"]))
    inputs, labels = inputs_of(setup.largest(count), device)
    seen = _Seen(model)
    inside, given = [0.0] * len(blocks), [0.0] * len(blocks)
    with keeping(blocks), leaving_no_trace(model), _watching(blocks, seen, inside, given):
        with saved_tensors_hooks(seen.note, _as_it_is):
            with torch.autocast(device.type, torch.bfloat16, enabled=setup.plan["bf16"]):
                logits = model(**inputs).logits
            losses = task_training_of(setup.task).losses(logits, labels)
            total = seen.bytes
        del losses, logits
    return Saved(
        (total - sum(inside)) / count,
        [value / count for value in inside],
        [value / count for value in given],
    )


class _Seen:
    """Memory that autograd keeps, each piece counted once; that of the weights is there anyway."""

    def __init__(self, model: nn.Module) -> None:
        tensors = [*model.parameters(), *model.buffers()]
        self._known = {tensor.untyped_storage().data_ptr() for tensor in tensors}
        self.bytes = 0.0

    def note(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._known:
            self._known.add(storage.data_ptr())
            self.bytes += storage.nbytes()
        return tensor


@contextmanager
def _watching(
    blocks: Sequence[nn.Module], seen: _Seen, inside: list[float], given: list[float]
) -> Iterator[None]:
    """Notes what each block adds to what is kept, and the size of what it is given."""

    def hooks(place: int) -> tuple[object, object]:
        def before(_: nn.Module, inputs: tuple[object, ...], named: dict[str, object]) -> None:
            inside[place] -= seen.bytes
            tensors = [one for one in (*inputs, *named.values()) if isinstance(one, Tensor)]
            largest = max((one.nbytes for one in tensors if one.is_floating_point()), default=0)
            given[place] = float(largest)

        def after(*_: object) -> None:
            inside[place] += seen.bytes

        block = blocks[place]
        return (
            block.register_forward_pre_hook(before, with_kwargs=True),
            block.register_forward_hook(after),
        )

    handles = [handle for place in range(len(blocks)) for handle in hooks(place)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()  # type: ignore[attr-defined]


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def _counts(setup: Setup) -> Counts:
    """Of the network after its surgery."""
    backbone, blocks = setup.backbone, setup.blocks()
    leaves = LAYOUTS[backbone.family].lora if backbone.family in LAYOUTS else ()
    linears = [
        (name.removesuffix(".base_layer").rsplit(".", 1)[-1], module)
        for block in blocks
        for name, module in block.named_modules()
        if isinstance(module, nn.Linear) and ".lora_" not in name
    ]
    rank = setup.settings.lora_rank
    beside = sum(
        rank * (one.in_features + one.out_features) for leaf, one in linears if leaf in leaves
    )
    head = sum(
        weight.numel()
        for name, weight in setup.model.named_parameters()
        if name in setup.new_parameters()
    )
    lora = setup.settings.lora
    return Counts(
        setup.report.total,
        setup.report.trainable,
        max(sum(weight.numel() for weight in block.parameters()) for block in blocks),
        sum(one.weight.numel() for _, one in linears),
        setup.report.trainable if lora else beside + head,
        max(1, setup.plan["batch"] // setup.plan["accumulate"]),
    )
