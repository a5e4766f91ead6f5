"""The saved folder of a fine-tuned model: cooled, proven, and asked about the held-out items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch

from tl_core.backbones.backbone import Backbone, save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.parity import verify_folder
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.measures import Temperature
from tl_core.evaluate.report.schema import Parity
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.surgery import heads
from tl_core.tasks import decision_of
from tl_core.train.arrays import Floats, known
from tl_core.train.items.item_training import Item, read_inputs
from tl_core.train.probe.probing import CHECK_ROWS, spread


@dataclass(frozen=True)
class Proven:
    """Probabilities (rows, model classes) of the validation and the test rows, the temperature that
    was put into the head, and how far the saved folder is from the model in memory.
    """

    validation: Floats
    test: Floats
    temperature: Temperature
    parity: Parity


@dataclass(frozen=True)
class Move:
    """`make` turns a model that is as its source needs it into one for another domain. Temperature,
    thresholds and scores that rest on items of the splits `source` are told before that: such items
    are not what it is meant for afterwards.
    """

    make: Callable[[], None]
    source: tuple[str, ...]


def save_and_prove(
    backbone: Backbone,
    version: DatasetVersion,
    space: common.LabelSpace,
    folder: Path,
    seed: int,
    progress: Progress,
    clock: common.Clock,
    move: Move | None,
) -> Proven:
    """Save the model in `folder`, prove it, and let that very folder say what it thinks of the
    held-out items.

    Args:
        backbone: with the model, in float32.
        version: whose items are asked about.
        space: the classes of the model among those of the version.
        folder: where it is saved.
        seed: of the temperature's folds.
        progress: told about everything.
        clock: told how long it took.
        move: of a model that is meant for another domain.

    Raises:
        BackboneError: when the saved folder does not say the same as the model in memory.
    """
    progress.stage("Saving and verifying the model", share=0.05)
    rows = {split: version.rows_of(split) for split in ("validation", "test")}

    def asked(split: str) -> Floats:
        progress.stage(f"Reading {split} rows with the new model", len(rows[split]), share=0.02)
        return common.predict_rows(load_classifier(folder), version, rows[split], progress)

    save_classifier(backbone, folder)
    validation = asked("validation")
    labels = space.to_model(version.targets[rows["validation"]])
    evaluation, judged = task_evaluation_of(version.info.task), known(labels)
    chosen = evaluation.cool(labels[judged], validation[judged], seed)
    if chosen.changes:
        heads.cool(backbone.model, backbone.port, torch.from_numpy(chosen.temperature))
        validation = evaluation.sharpen(validation, chosen.temperature)
        save_classifier(backbone, folder)
    test = asked("test") if move and "test" in move.source else None
    if move:
        move.make()
        save_classifier(backbone, folder)
    inputs = read_inputs(version, rows["test"][spread(len(rows["test"]), CHECK_ROWS)])
    parity = cast(
        Parity, verify_folder(folder, inputs, _probabilities(backbone, inputs, version.info.task))
    )
    clock.mark("verify")
    if test is None:
        test = asked("test")
    clock.mark("predict")
    return Proven(validation, test, chosen.facts, parity)


def _probabilities(backbone: Backbone, inputs: list[Item], task: str) -> Floats:
    """Probabilities of the model in memory, from float32 logits."""
    backbone.model.eval()
    places = backbone.batches(inputs, 8)
    with torch.inference_mode():
        parts = [
            backbone.model(**backbone.encode([inputs[i] for i in some])).logits for some in places
        ]
    said = decision_of(task).probabilities(torch.cat(parts).double().cpu().numpy())
    return said[np.argsort(np.concatenate(places))]
