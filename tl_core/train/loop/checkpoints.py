"""Checkpoints of a training: written aside, synced, renamed, with their manifest last; the newest
whole one counts.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from torch import Tensor, nn

from tl_core.json_files import find_object, write_json
from tl_core.train.larger.sharding import take_in
from tl_core.train.loop.best_state import BestFacts
from tl_core.train.loop.job import Plan

_MANIFEST = "manifest.json"


class Manifest(TypedDict, total=False):
    """What a checkpoint notes beside its states; `files` are all others in its folder."""

    best: BestFacts
    history: list[dict[str, float]]
    plan: Plan
    files: list[str]


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint."""

    step: int
    folder: Path
    manifest: Manifest


def moving_state(model: nn.Module, names: set[str]) -> dict[str, Tensor]:
    """The weights called `names` and all buffers: what training may have changed."""
    state = {name: parameter for name, parameter in model.named_parameters() if name in names}
    return {name: value.detach() for name, value in [*state.items(), *model.named_buffers()]}


def copied_state(model: nn.Module, names: set[str]) -> dict[str, Tensor]:
    """The same as copies that stay what they are."""
    return {name: value.clone() for name, value in moving_state(model, names).items()}


def load_moving(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Put such a state back, in place."""
    own: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, value in state.items():
        take_in(own[name], value)


def placed(state: dict[str, Tensor], current: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state that was read, where the weights of `current` are: on their device, each process with
    its part of those that are shared out.
    """
    out = {name: value.detach().clone() for name, value in current.items() if name in state}
    for name, own in out.items():
        take_in(own, state[name])
    return out


def write_state(path: Path, state: dict[str, Tensor]) -> None:
    """A state as safetensors; tensors that share memory are written apart."""
    from safetensors.torch import save_file

    save_file(
        {name: value.detach().clone().contiguous() for name, value in state.items()}, str(path)
    )


def read_state(path: Path) -> dict[str, Tensor]:
    """What `write_state` wrote, on the CPU."""
    from safetensors.torch import load_file

    state: dict[str, Tensor] = load_file(str(path))
    return state


def publish(staged: Path, folder: Path, manifest: Manifest) -> Path:
    """Move a finished checkpoint into `folder` under its name and remove older ones; a torn one
    never counts.
    """
    for path in staged.iterdir():
        if path.name == "training_args.bin":  # a pickle with this machine's paths
            path.unlink()
            continue
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    target = folder / staged.name
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    write_json(
        target / _MANIFEST, {**manifest, "files": sorted(path.name for path in target.iterdir())}
    )
    for other in folder.iterdir():
        if other != target and (other / _MANIFEST).exists():
            shutil.rmtree(other, ignore_errors=True)
    return target


def newest(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint in a folder."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        manifest = cast(Manifest, find_object(path / _MANIFEST))
        files = manifest.get("files")
        if isinstance(files, list) and all((path / name).exists() for name in files):
            whole.append(Checkpoint(int(path.name.rpartition("-")[2]), path, manifest))
    return max(whole, key=lambda checkpoint: checkpoint.step, default=None)
