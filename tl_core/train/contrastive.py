"""Contrastive tuning of a text encoder on few labels: texts of a class are pulled together, others
pushed apart.

After SetFit (Tunstall et al., 2022, arXiv 2209.11055): the cosine of two texts is fitted to 1 where
their classes agree and to 0 where they do not, by squared error.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tl_core.config import ContrastiveSettings, SurgeryPlan
from tl_core.models import mean_layer, surgery
from tl_core.models.backbones import Backbone
from tl_core.models.lr_groups import parameter_groups
from tl_core.progress import Progress
from tl_core.train.schedules import factor
from tl_core.train.tokens import TextExamples

Ints = NDArray[np.int64]
_TEXTS = 2000  # of which all pairs are thought of; more are drawn from
_CLIP = 1.0
_EVERY_SECONDS = 0.5  # between two points of the curve


def draw_pairs(labels: Ints, most: int, seed: int) -> tuple[Ints, Ints, int]:
    """Pairs of different texts, half of them of one class: (pairs, 2), whether alike (pairs,), and
    how many there are.

    Each kind is gone through in a random order as often as it takes to be as many as the other
    (SetFit's oversampling), then both are cut to `most` together.

    Args:
        labels: class numbers (texts,).
        most: pairs to give at most.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    some = random.permutation(len(labels))[:_TEXTS]
    first, second = np.triu_indices(len(some), k=1)
    same = labels[some[first]] == labels[some[second]]
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


def _repeated(places: Ints, wanted: int, random: np.random.Generator) -> Ints:
    rounds = -(-wanted // len(places))
    return np.concatenate([random.permutation(places) for _ in range(rounds)])[:wanted]


def pull_apart(
    backbone: Backbone, examples: TextExamples, settings: ContrastiveSettings, progress: Progress
) -> dict[str, Any]:
    """Tune the whole encoder in place, its head aside, and tell how.

    Args:
        backbone: of texts, opened with mean pooling.
        examples: the training texts.
        settings: of the recipe.
        progress: told about each step; may ask to stop early.

    Returns:
        pairs, possible (pairs that there are), steps, planned_steps, loss (of the last tenth).

    Raises:
        Cancelled: when the progress object says so.
    """
    pairs, alike, possible = draw_pairs(examples.labels, settings.pairs, settings.seed)
    model, report = surgery.apply(backbone, SurgeryPlan(), fitted_head=True, seed=settings.seed)
    groups = parameter_groups(
        model, report.scale_of, report.group_of, settings.learning_rate, settings.weight_decay
    )
    optimizer = torch.optim.AdamW(
        [{key: value for key, value in group.items() if key != "names"} for group in groups]
    )
    parts = np.array_split(np.arange(len(pairs)), max(1, -(-len(pairs) // settings.batch_size)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: factor(step, len(parts), "linear", settings.warmup)
    )
    moving = [parameter for parameter in model.parameters() if parameter.requires_grad]
    device, losses = next(model.parameters()).device, []
    told, since = time.monotonic(), list[float]()
    model.train()
    with _embedding(backbone) as embed:
        for number, part in enumerate(parts, 1):
            batch = examples.__getitems__([(0, int(text)) for text in pairs[part].T.ravel()])
            batch.pop("labels")
            one, other = embed({name: value.to(device) for name, value in batch.items()}).chunk(2)
            wanted = torch.from_numpy(alike[part]).to(device, torch.float32)
            loss = functional.mse_loss(
                functional.cosine_similarity(one.float(), other.float()), wanted
            )
            loss.backward()  # type: ignore[no-untyped-call]
            length = torch.nn.utils.clip_grad_norm_(moving, _CLIP)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(float(loss.detach()))
            since.append(losses[-1])
            progress.batch(number, len(parts))
            if time.monotonic() - told > _EVERY_SECONDS or number == len(parts):
                progress.curve(
                    "training",
                    step=number,
                    epoch=round(number / len(parts), 4),
                    loss=float(np.mean(since)),
                    grad_norm=float(length),
                    rate=len(since) * len(part) / (time.monotonic() - told),
                    **{"lr encoder": optimizer.param_groups[0]["lr"]},
                )
                told, since = time.monotonic(), []
            if progress.should_stop():
                break
    model.eval()
    return {
        "pairs": len(pairs),
        "possible": possible,
        "steps": len(losses),
        "planned_steps": len(parts),
        "loss": float(np.mean(losses[-max(1, len(losses) // 10) :])),
    }


@contextlib.contextmanager
def _embedding(backbone: Backbone) -> Iterator[Any]:
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

        def embed(batch: dict[str, Tensor]) -> Tensor:
            backbone.model(**batch)
            return torch.cat([seen[name] for name in backbone.port.names], dim=1)

        yield embed
