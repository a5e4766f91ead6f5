"""What a task is: what labels look like, how a network is trained for them, how its answer is
decided, and which scores tell how good it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import ConfigError, nearest

LEAST = 1e-12  # probability in a logarithm


class Decision(Protocol):
    """From the outputs of a network to answers; needs numpy alone."""

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probability of each class (rows, classes) from the logits (rows, classes)."""
        ...

    def labels(self, probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
        """The answer to each row: for one label a row (rows,), for several (rows, classes)."""
        ...

    def confidence(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """How sure each whole answer is (rows,)."""
        ...

    def margin(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far probabilities may move before each answer becomes another one (rows,)."""
        ...

    def entropy(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """How open each whole answer is, in nats (rows,)."""
        ...


@dataclass(frozen=True)
class Task:
    """One kind of question. The layers know no task by name: they ask it for their own part.

    Args:
        name: as stored with datasets, models and reports.
        title: what people call it.
        problem_type: as `transformers` writes it into a model's configuration.
        parts: for each layer `module:object`, imported when it is asked for. `decision` is a
            `Decision`; the other layers say in a protocol what their part has to offer.
    """

    name: str
    title: str
    problem_type: str
    parts: Mapping[str, str] = field(default_factory=dict)

    def part(self, layer: str) -> object:
        """What this task offers to a layer.

        Raises:
            ConfigError: when it offers nothing there.
        """
        if layer not in self.parts:
            raise ConfigError(
                f"{self.title} is not known in {layer!r}.", "", nearest(layer, self.parts)
            )
        return _loaded(self.parts[layer])


@cache
def _loaded(entry: str) -> object:
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)
