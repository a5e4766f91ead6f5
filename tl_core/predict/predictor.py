"""A trained model opened to answer for many: batches by length, threads that decode and compute,
bf16 where safe.
"""

from __future__ import annotations

import copy
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.classifier import load_classifier
from tl_core.errors import ConfigError
from tl_core.machine import has_bf16
from tl_core.predict.one_item import Readable
from tl_core.predict.predicted_items import predicted_items_of
from tl_core.predict.tensors import Batch
from tl_core.predict.threshold import read_threshold

PRECISIONS = ("auto", "float32", "bf16")
_WORKERS = 8  # beyond this, Python's lock eats what more threads would give
_SAMPLE = 128  # items that bf16 is tried on
_MANY = 1000  # items below which it is not worth trying
_WORTH = 1.2  # times as fast before bf16 is taken
_HARM = 0.05  # of a probability, beyond which it is not
_DOUBT = 4.0  # times the largest harm seen: answers as close to a border are computed again
Floats = NDArray[np.float64]
Tensors = dict[str, Tensor]


class NumberFormat(TypedDict):
    """What `Predictor.settle` chose, as plain JSON."""

    bf16: bool
    doubt: float
    reason: str


class Predictor:
    """A run's model or a bundle that answers for many items at once; use it as a context manager.

    Each thread has its own modules over the same weights, decodes or pads its batch and computes it
    with one core: on two cores that gave 1.1 to 1.9 times the rate of one thread that uses both.
    With bf16, answers near a border (two classes, or the threshold) are computed again in float32,
    so that labels and abstentions stay those of float32 unless an item moves more than four times
    as far as any of the items that both formats were tried on.

    Args:
        folder: of a trained model or bundle.
        precision: float32, bf16, or auto: bf16 where it is measured to be faster and to change
        little.
        workers: threads; 0 for as many as torch would use, at most 8.

    Raises:
        BackboneError: when the folder is missing, unsafe or damaged.
        ConfigError: for an unknown precision.
    """

    def __init__(self, folder: Path, precision: str = "auto", workers: int = 0) -> None:
        if precision not in PRECISIONS:
            raise ConfigError(
                f"There is no precision {precision!r}.",
                "",
                f"Choose one of {', '.join(PRECISIONS)}.",
            )
        classifier = load_classifier(folder)
        self.labels, self.modality, self.least = (
            classifier.labels,
            classifier.modality,
            read_threshold(folder),
        )
        self.bf16, self.reason = (
            precision == "bf16",
            ("" if precision == "auto" else f"{precision} as set"),
        )
        self._model, self._processor = classifier.model, classifier.processor
        self._device = next(classifier.model.parameters()).device.type
        self._doubt = _HARM if self.bf16 else 0.0
        cores = (
            min(torch.get_num_threads(), _WORKERS)
            if self._device == "cpu"
            else min(os.cpu_count() or 1, _WORKERS)
        )
        self.workers = workers or cores
        self._cut = predicted_items_of(self.modality).batches(self._processor, self._device)
        self.decision = classifier.decision
        self._own = threading.local()
        self._pool = self._start_threads()

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def probabilities(
        self,
        items: Sequence[Readable],
        tick: Callable[[int], None] = lambda _count: None,
    ) -> tuple[Floats, list[str]]:
        """Probabilities (items, classes) in input order, and for each item why it has none, or
        nothing.

        Args:
            items: texts; RGB pictures, or calls that open one in a thread, whose DataError is the
            item's reason.
            tick: told how many items each finished batch had; what it raises ends the work.
        """
        scores, errors = self._compute(items, list(range(len(items))), tick, bf16=self.bf16)
        if self.bf16 and (again := self._near_a_border(scores, errors)):
            scores[again] = self._compute(items, again, bf16=False)[0][again]
        return scores, errors

    def settle(self, items: Sequence[Readable], total: int) -> None:
        """Choose the number format for `total` items by trying both on the first of them; `reason`
        says why.

        Its result depends on the clock: work that is resumed keeps `chosen` and gives it to
        `choose`.
        """
        self.reason = "float32: too few items for bf16 to matter"
        if total < _MANY:
            return
        self.reason = "float32: this machine has no fast bf16"
        if not has_bf16():
            return
        sample, seconds, scores = items[:_SAMPLE], [], []
        places = list(range(len(sample)))
        for bf16 in (False, True):
            self._compute(sample, places, bf16=bf16)
            started = time.perf_counter()
            scores.append(self._compute(sample, places, bf16=bf16)[0])
            seconds.append(time.perf_counter() - started)
        harm, ratio = float(np.abs(scores[0] - scores[1]).max()), seconds[0] / seconds[1]
        figures = (
            f"bf16 is {ratio:.1f} times as fast here and moves probabilities by at most {harm:.1g}"
        )
        self.bf16 = ratio >= _WORTH and harm <= _HARM
        self._doubt = _DOUBT * harm
        self.reason = ("bf16, near a border float32: " if self.bf16 else "float32: ") + figures

    @property
    def chosen(self) -> NumberFormat:
        """What `settle` chose, as plain JSON."""
        return {"bf16": self.bf16, "doubt": self._doubt, "reason": self.reason}

    def choose(self, bf16: bool, doubt: float, reason: str) -> None:
        """Take over what `settle` chose before."""
        self.bf16, self._doubt, self.reason = bf16, doubt, reason

    def _near_a_border(self, scores: Floats, errors: list[str]) -> list[int]:
        """Items that the other number format could answer differently."""
        near = self.decision.margin(scores) <= self._doubt
        if self.least:
            near |= np.abs(self.decision.confidence(scores) - self.least) <= self._doubt
        return [int(place) for place in np.flatnonzero(near) if not errors[place]]

    def _compute(
        self,
        items: Sequence[Readable],
        places: list[int],
        tick: Callable[[int], None] = lambda _count: None,
        *,
        bf16: bool,
    ) -> tuple[Floats, list[str]]:
        scores, errors = np.zeros((len(items), len(self.labels))), [""] * len(items)

        def answer(batch: Batch) -> int:
            tensors, wrong = batch.encode()
            for place, reason in wrong.items():
                errors[place] = reason
            if good := [place for place in batch.places if place not in wrong]:
                scores[good] = self._forward(tensors, bf16)
            return len(batch.places)

        for count in self._pool.map(answer, self._cut(items, places)):
            tick(count)
        return scores, errors

    def _forward(self, tensors: Tensors, bf16: bool) -> Floats:
        with torch.inference_mode(), torch.autocast(self._device, torch.bfloat16, enabled=bf16):
            logits = self._own.model(
                **{name: value.to(self._device) for name, value in tensors.items()}
            ).logits
        return self.decision.probabilities(logits.double().cpu().numpy())

    def _start_threads(self) -> ThreadPoolExecutor:
        """Threads with one share of the cores each; torch's own setting is put back for the rest of
        the process.
        """
        whole = torch.get_num_threads()
        weights = {
            id(tensor): tensor
            for tensor in itertools.chain(self._model.parameters(), self._model.buffers())
        }

        def enter() -> None:
            # a thread's first use of torch would put the process's number in place of its own
            torch.get_num_threads()
            torch.set_num_threads(max(whole // self.workers, 1))
            self._own.model = copy.deepcopy(self._model, memo=dict(weights))

        pool, all_there = (
            ThreadPoolExecutor(self.workers, initializer=enter),
            threading.Barrier(self.workers),
        )
        list(pool.map(lambda _number: all_there.wait(), range(self.workers)))
        torch.set_num_threads(whole)
        return pool
