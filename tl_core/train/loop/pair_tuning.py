"""Contrastive tuning of a text encoder on few labels: texts of a class are pulled together, others
pushed apart.

After SetFit (Tunstall et al., 2022, arXiv 2209.11055): the cosine of two texts is fitted to 1 where
their classes agree and to 0 where they do not, by squared error.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tl_core.backbones.backbone import Backbone
from tl_core.config import ContrastiveSettings, SurgeryPlan
from tl_core.progress import Curve, Progress
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.lr_groups import parameter_groups
from tl_core.surgery.poolings import mean_layer
from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Batch, batch_at, inputs_of
from tl_core.train.features.tokens import TextExamples
from tl_core.train.loop.schedules import factor

_TEXTS = 2000  # of which all pairs are thought of; more are drawn from
_CLIP = 1.0
_EVERY_SECONDS = 0.5  # between two points of the curve


def draw_pairs(labels: Ints, most: int, seed: int) -> tuple[Ints, Ints, int]:
    """Pairs of different texts, half of them of one class: (pairs, 2), whether alike (pairs,), and
    how many there are.

    Each kind is gone through in a random order as often as it takes to be as many as the other
    (SetFit's oversampling), then both are cut to `most` together.

    Args:
        labels: class numbers (texts,); or 0 and 1 (texts, classes), where texts are alike that
            share a class.
        most: pairs to give at most.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    some = random.permutation(len(labels))[:_TEXTS]
    first, second = np.triu_indices(len(some), k=1)
    same = _alike(labels, some[first], some[second])
    kinds = [np.flatnonzero(same), np.flatnonzero(~same)]
    wanted = min(max(map(len, kinds)), max(1, most // 2))
    chosen = [_repeated(places, wanted, random) for places in kinds if len(places)]
    order = random.permutation(sum(map(len, chosen)))
    places = np.concatenate(chosen)[order]
    return (
        np.stack([some[first[places]], some[second[places]]], axis=1),
        same[places].astype(np.int64),
        len(first),
    )


def _alike(labels: Ints, first: Ints, second: Ints) -> NDArray[np.bool_]:
    """Whether each two texts belong together."""
    if labels.ndim == 1:
        return np.asarray(labels[first] == labels[second])
    packed = np.packbits(labels > 0, axis=1)  # pairs are many, classes are bits
    return np.asarray((packed[first] & packed[second]).any(axis=1))


def _repeated(places: Ints, wanted: int, random: np.random.Generator) -> Ints:
    rounds = -(-wanted // len(places))
    return np.concatenate([random.permutation(places) for _ in range(rounds)])[:wanted]


class TuningFacts(TypedDict):
    """Pairs that were seen, that there are, steps taken and planned, and the mean loss of the last
    tenth.
    """

    pairs: int
    possible: int
    steps: int
    planned_steps: int
    loss: float


def pull_apart(
    backbone: Backbone, examples: TextExamples, settings: ContrastiveSettings, progress: Progress
) -> TuningFacts:
    """Tune the whole encoder in place, its head aside, and tell how.

    Args:
        backbone: of texts, opened with mean pooling.
        examples: the training texts.
        settings: of the recipe.
        progress: told about each step; may ask to stop early.

    Raises:
        Cancelled: when the progress object says so.
    """
    pairs, alike, possible = draw_pairs(examples.labels, settings.pairs, settings.seed)
    parts = np.array_split(np.arange(len(pairs)), max(1, -(-len(pairs) // settings.batch_size)))
    steps = _Steps(backbone, settings, len(parts))
    reporter, losses = StepReporter(progress, len(parts)), list[float]()
    steps.model.train()
    with embedding(backbone) as embed:
        for part in parts:
            batch = batch_at(examples, pairs[part].T.ravel())
            loss, length = steps.take(embed, batch, alike[part])
            losses.append(loss)
            reporter.note(loss, length, steps.rate, len(part))
            if progress.should_stop():
                break
    steps.model.eval()
    return {
        "pairs": len(pairs),
        "possible": possible,
        "steps": len(losses),
        "planned_steps": len(parts),
        "loss": float(np.mean(losses[-max(1, len(losses) // 10) :])),
    }


class _Steps:
    """The model with its optimiser and the schedule of its learning rate over `total` steps."""

    def __init__(self, backbone: Backbone, settings: ContrastiveSettings, total: int) -> None:
        self.model, report = apply_plan(
            backbone, SurgeryPlan(), fitted_head=True, seed=settings.seed
        )
        groups = parameter_groups(
            self.model,
            report.scale_of,
            report.group_of,
            settings.learning_rate,
            settings.weight_decay,
        )
        self._optimizer = torch.optim.AdamW(
            [{key: value for key, value in group.items() if key != "names"} for group in groups]
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: factor(step, total, "linear", settings.warmup)
        )
        self._moving = [one for one in self.model.parameters() if one.requires_grad]
        self._device = next(self.model.parameters()).device

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def take(
        self, embed: Callable[[Batch], Tensor], batch: Batch, alike: Ints
    ) -> tuple[float, float]:
        """One step on pairs, all first texts before all second ones; its loss and the length of the
        gradient.
        """
        inputs, _ = inputs_of(batch, self._device)
        one, other = embed(inputs).chunk(2)
        wanted = torch.from_numpy(alike).to(self._device, torch.float32)
        loss = functional.mse_loss(functional.cosine_similarity(one.float(), other.float()), wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        length = torch.nn.utils.clip_grad_norm_(self._moving, _CLIP)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(loss.detach()), float(length)


class StepReporter:
    """Points of a training's curve, now and then and at its end.

    Args:
        progress: told about them.
        total: steps of the whole training.
        done: steps that an interrupted one has taken.
        an_epoch: steps in a pass over all items; without it the training counts as one.
    """

    def __init__(self, progress: Progress, total: int, done: int = 0, an_epoch: int = 0) -> None:
        self._progress, self._total, self._step = progress, total, done
        self._epoch = an_epoch or total
        self._last, self._since = time.monotonic(), list[float]()

    def note(self, loss: float, length: float, rate: float, pairs: int) -> None:
        """One step was taken."""
        self._step += 1
        self._since.append(loss)
        self._progress.batch(self._step, self._total)
        now = time.monotonic()
        if now - self._last <= _EVERY_SECONDS and self._step < self._total:
            return
        self._progress.curve(
            Curve.TRAINING,
            step=self._step,
            epoch=round(self._step / self._epoch, 4),
            loss=float(np.mean(self._since)),
            grad_norm=length,
            rate=len(self._since) * pairs / max(now - self._last, 1e-6),
            **{"lr encoder": rate},
        )
        self._last, self._since = now, []


@contextlib.contextmanager
def embedding(backbone: Backbone) -> Iterator[Callable[[Batch], Tensor]]:
    """A function from token tensors to what enters the head (texts, width), with gradients."""
    seen: dict[str, Tensor] = {}
    with contextlib.ExitStack() as stack:
        if backbone.has_mean_layer:
            stack.enter_context(mean_layer.training_shortcut(backbone.model))
        for name in backbone.port.names:
            stack.callback(
                backbone.model.get_submodule(name)
                .register_forward_pre_hook(
                    lambda _m, inputs, name=name: seen.__setitem__(name, inputs[0])
                )
                .remove
            )

        def embed(batch: Batch) -> Tensor:
            backbone.model(**batch)
            return torch.cat([seen[name] for name in backbone.port.names], dim=1)

        yield embed
