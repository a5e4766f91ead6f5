"""Weights, gradients and optimiser state shared out over the processes (FSDP: Zhao et al., 2023;
ZeRO: Rajbhandari et al., 2020).

Each process keeps a part of every weight. A block's whole weights are there while it computes, and
its gradients go to whose part they are. Names stay, so that the loop, its checkpoints and the
optimiser's groups are those of a training in one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def share_out(model: nn.Module, blocks: Iterable[nn.Module]) -> None:
    """Leave each process its part of the weights of `model`, in place; every process calls it with
    the same weights.

    Args:
        model: whole, on this process's device.
        blocks: whose weights come together for a moment each.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    for weight in model.parameters():  # those of convolutions may lie in another order
        weight.data = weight.data.contiguous()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mesh = init_device_mesh(device, (torch.distributed.get_world_size(),))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    # accelerate leaves a model alone that says so: it would copy it to every process instead
    model._is_accelerate_prepared = True  # type: ignore[assignment]  # an attribute, no module


def join() -> None:
    """Meet the other processes that torchrun has started; whoever has met them already stays.

    torchrun keeps one store over its restarts, so addresses of processes that died stand in it:
    each attempt has keys of its own.
    """
    if torch.distributed.is_initialized():
        return
    from torch._C._distributed_c10d import PrefixStore, TCPStore

    place = os.environ
    store = TCPStore(place["MASTER_ADDR"], int(place["MASTER_PORT"]), is_master=False)
    attempt = place.get("TORCHELASTIC_RESTART_COUNT", "0")
    torch.distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=PrefixStore(f"attempt {attempt}", store),
        rank=int(place["RANK"]),
        world_size=int(place["WORLD_SIZE"]),
    )


def is_shared_out(model: nn.Module) -> bool:
    """Whether each process has a part of the weights alone."""
    return any(_is_part(parameter) for parameter in model.parameters())


def whole(value: Tensor) -> Tensor:
    """A tensor with everybody's parts, on the CPU; others as they are. All processes call it."""
    return cast("DTensor", value).full_tensor().cpu() if _is_part(value) else value


def whole_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same for a state; all processes call it with the same names in the same order."""
    return {name: whole(value) for name, value in state.items()}


def take_in(own: Tensor, value: Tensor) -> None:
    """Copy a value into a weight; of a whole one each process takes its part."""
    if _is_part(own) and not _is_part(value):
        value = _part_like(own, value)
    own.data.copy_(value)


def whole_optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, object]:
    """The optimiser's state with everybody's parts, as that of one process would be."""
    state = optimizer.state_dict()
    state["state"] = {
        number: {
            name: whole(value) if isinstance(value, Tensor) else value
            for name, value in values.items()
        }
        for number, values in state["state"].items()
    }
    return state


def share_out_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Leave each process its part of an optimiser's state that has been read whole."""
    for weight, values in optimizer.state.items():
        if _is_part(weight):
            for name, value in values.items():
                if isinstance(value, Tensor) and value.shape == weight.shape:
                    values[name] = value if _is_part(value) else _part_like(weight, value)


def _is_part(value: Tensor) -> bool:
    return hasattr(value, "full_tensor")


def _part_like(weight: Tensor, value: Tensor) -> Tensor:
    from torch.distributed.tensor import distribute_tensor

    part = cast("DTensor", weight)
    value = value.to(part.device, part.dtype)
    return distribute_tensor(value, part.device_mesh, part.placements)
