"""Which parts of a network are in training mode during training.

`requires_grad=False` stops neither the running statistics of batch normalisation nor dropout: any
loop that calls `model.train()` switches both on again. A hook before each forward pass settles the
modes instead.
"""

from __future__ import annotations

from torch import nn


class ModeKeeper:
    """Keeps frozen parts in eval mode while the model trains.

    Args:
        model: the model that is called.
        moving: names of the parameters that move now.
        batchnorm: freeze or auto (statistics stay everywhere), adapt (they follow the data
            everywhere), eval (the whole network stays in eval mode).
        frozen_dropout: whether dropout stays on in parts of which nothing moves.
    """

    def __init__(
        self, model: nn.Module, moving: set[str], batchnorm: str, *, frozen_dropout: bool
    ) -> None:
        self._model, self._batchnorm, self._frozen_dropout = model, batchnorm, frozen_dropout
        self._asleep: list[nn.Module] = []
        self.settle(moving)
        model.register_forward_pre_hook(self)

    def settle(self, moving: set[str]) -> None:
        """Take note of what moves from now on."""
        awake = set()
        for name in moving:
            while name:
                name = name.rpartition(".")[0]
                awake.add(name)
        self._asleep = [
            module
            for name, module in self._model.named_modules()
            if self._sleeps(name, module, awake)
        ]

    @property
    def following(self) -> list[nn.Module]:
        """Batch normalisation whose statistics follow the data."""
        return norms_of(self._model) if self._batchnorm == "adapt" else []

    def _sleeps(self, name: str, module: nn.Module, awake: set[str]) -> bool:
        if self._batchnorm == "eval":
            return True
        if is_batchnorm(module):
            return self._batchnorm != "adapt"
        if self._frozen_dropout:
            return False
        bare = next(module.children(), None) is None and next(module.parameters(), None) is None
        home = (
            name.rpartition(".")[0] if bare else name
        )  # a dropout sleeps with the part that it stands in
        return home not in awake

    def __call__(self, model: nn.Module, _inputs: object) -> None:
        if model.training:
            for module in self._asleep:
                module.training = False


def is_batchnorm(module: nn.Module) -> bool:
    """Whether a module keeps running statistics of its inputs (timm's fused variants included)."""
    return hasattr(module, "running_mean") and hasattr(module, "track_running_stats")


def norms_of(model: nn.Module) -> list[nn.Module]:
    """All batch normalisation with running statistics."""
    return [
        module
        for module in model.modules()
        if is_batchnorm(module) and module.running_mean is not None
    ]
