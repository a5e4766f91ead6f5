"""Recipe `finetune`: surgery on a backbone, and training of what the plan lets move.

The steps, top to bottom: open and operate (the head may start from a probe), train with the best
state kept, put averages and adapters into plain weights, save, prove the saved folder, and let that
very folder speak about the validation and test items.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.config import FinetuneSettings, RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.errors import NotFoundError
from tl_core.evaluate.calibration import choose_temperature, fit_temperature, sharpen
from tl_core.evaluate.metrics import confusion_matrix, item_log_loss, macro_f1
from tl_core.models import heads, language, surgery
from tl_core.models.backbones import Backbone, save_classifier
from tl_core.models.classifier import load_classifier
from tl_core.models.references import weights_hash
from tl_core.models.verify import verify_folder
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.recipes.common import Trained
from tl_core.recipes.processes import fit_in_processes
from tl_core.train.averages import choose_mix
from tl_core.train.checkpoints import moving_state
from tl_core.train.judging import Floats, Scores, probabilities
from tl_core.train.precision import keep_float32
from tl_core.train.probing import CHECK_ROWS, read_inputs, spread
from tl_core.train.seeds import seed_everything
from tl_core.train.setup import Setup, float32_roots, new_parameters, set_up
from tl_core.train.trainer import Job, Outcome, fit

_COOLED = 2000  # validation rows that a temperature is fitted on, epoch by epoch


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Fine-tune as `config` says; the model lands in `folder/model`. Test labels are never read."""
    return train_as(config.settings, config, version, folder, cache, progress)


def train_as(
    settings: FinetuneSettings,
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
    reader: dict[str, Any] | None = None,
) -> Trained:
    """The same with `settings`, whatever the recipe of `config` is; `reader` as in `set_up`."""
    space, clock = common.label_space(version), common.Clock()
    labels = space.to_model(version.labels)
    seed_everything(settings.seed)
    if settings.continue_from:
        _check_owner(config, folder.parent / settings.continue_from)
    setup = set_up(
        settings,
        config.backbone,
        version,
        labels,
        space.model_names,
        folder,
        cache,
        progress,
        reader,
    )
    with setup.stack:  # at its end the network has its native layers again
        for finding in language.check_texts(setup.backbone, version, version.rows_of("train")):
            progress.warn(finding)
        clock.mark("load")
        job = make_job(setup, folder)
        start = (
            moving_state(setup.model, set(setup.report.scale_of))
            if settings.average == "wise-ft"
            else {}
        )
        start = {name: value.clone() for name, value in start.items()}
        outcome = _fit(job, config, folder, cache, progress)
        clock.mark("fit")
        mixed = _mix(job, start, outcome, progress)
        keep_float32(setup.model, float32_roots(setup.model, setup.backbone), on=False)
        setup.backbone.model = surgery.merge(setup.model)
    return _finish(version, space, setup, outcome, mixed, folder, progress, clock)


def _check_owner(config: RunConfig, earlier: Path) -> None:
    """Other people's runs do not exist for the owner of this one."""
    if not (earlier / "config.json").is_file() or RunConfig.read(earlier).owner != config.owner:
        raise NotFoundError(
            f"There is no run {earlier.name!r}.", "", "Choose one of your own finished runs."
        )


def make_job(setup: Setup, folder: Path) -> Job:
    """The setup as the trainer wants it."""
    return Job(
        setup.model,
        setup.report,
        setup.backbone.keeper,
        setup.examples,
        setup.held_out,
        (
            score_with(setup.held_out.labels, len(setup.counts), setup.settings.best_by)
            if setup.held_out is not None
            else None
        ),
        setup.settings,
        setup.plan,
        len(setup.counts),
        folder / "checkpoints",
        setup.weights(),
        setup.chances(),
        setup.lengths,
        setup.held_out_lengths,
        new_parameters(setup),
        setup.calm,
    )


def score_with(labels: Any, classes: int, by: str) -> Callable[[Floats], tuple[Scores, Floats]]:  # noqa: ANN401
    """A judge of probabilities (rows, classes) for known labels (rows,): accuracy, macro F1 and log
    loss, and the loss of each row (rows,) that `by` means, for choosing among states.

    For log_loss the rows are cooled first, since that is mended after the training; a state that
    knows more and only overstates it would else lose. For macro_f1 a mistake counts by how rare its
    class is.
    """
    rarity = len(labels) / np.maximum(np.bincount(labels, minlength=classes), 1)[labels]

    def score(found: Floats) -> tuple[Scores, Floats]:
        matrix = confusion_matrix(labels, found.argmax(axis=1), classes)
        each = item_log_loss(labels, found)
        scores = {
            "accuracy": float(np.trace(matrix) / len(labels)),
            "macro_f1": float(macro_f1(matrix)),
            "log_loss": float(each.mean()),
        }
        if by == "log_loss":
            some = spread(len(labels), _COOLED)
            return scores, item_log_loss(
                labels, sharpen(found, fit_temperature(labels[some], found[some]))
            )
        wrong = (found.argmax(axis=1) != labels).astype(np.float64)
        return scores, wrong * rarity if by == "macro_f1" else wrong

    return score


def _fit(job: Job, config: RunConfig, folder: Path, cache: Path, progress: Progress) -> Outcome:
    """Train here, or in several processes that share each batch."""
    if not job.report.trainable:
        progress.log("Nothing moves under this plan, so nothing is trained.")
        return Outcome("Nothing moves under this plan.", 0, 0, 0, {}, [], {})
    awake = ", ".join(group.name for group in job.report.groups if group.trainable)
    progress.stage("Training", share=0.8)
    if not job.settings.gradual:
        progress.log(f"Learning now: {awake}")
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    outcome = (
        fit(job, progress)
        if job.settings.processes == 1
        else fit_in_processes(job, config, folder, cache, progress)
    )
    progress.log(outcome.reason)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return outcome


def _mix(job: Job, start: dict[str, Any], outcome: Outcome, progress: Progress) -> dict[str, Any]:
    """WiSE-FT: the best mixture of the states before and after, by the validation rows."""
    if job.settings.average != "wise-ft" or job.score is None or not outcome.state:
        return {}
    progress.stage("Mixing the states before and after", share=0.02)
    score = job.score

    def judge() -> Scores:
        job.settle_statistics()
        return score(
            probabilities(job.model, job.held_out, 2 * job.plan["batch"], job.held_out_lengths)
        )[0]

    share, tried = choose_mix(job.model, start, outcome.state, judge, job.settings.best_by)
    job.settle_statistics()
    progress.log(f"The best mixture holds {share:.0%} of the fine-tuned state.")
    return {"share": share, "tried": tried}


def _finish(
    version: DatasetVersion,
    space: common.LabelSpace,
    setup: Setup,
    outcome: Outcome,
    mixed: dict[str, Any],
    folder: Path,
    progress: Progress,
    clock: common.Clock,
) -> Trained:
    """Save, prove, and let the saved folder say what it thinks of the held-out items."""
    backbone: Backbone = setup.backbone
    progress.stage("Saving and proving the model", share=0.05)
    rows = {split: version.rows_of(split) for split in ("validation", "test")}
    save_classifier(backbone, folder / "model")
    progress.stage(
        "Reading validation rows with the new model", len(rows["validation"]), share=0.02
    )
    validation = common.predict_rows(
        load_classifier(folder / "model"), version, rows["validation"], progress
    )
    labels = space.to_model(version.labels[rows["validation"]])
    cooled = choose_temperature(labels[labels >= 0], validation[labels >= 0], setup.settings.seed)
    if cooled["temperature"] != 1.0:
        heads.cool(backbone.model, backbone.port, cooled["temperature"])
        validation = sharpen(validation, cooled["temperature"])
        save_classifier(backbone, folder / "model")
    inputs = read_inputs(version, rows["test"][spread(len(rows["test"]), CHECK_ROWS)])
    parity = verify_folder(folder / "model", inputs, _say(backbone, inputs))
    clock.mark("verify")
    progress.stage("Reading test rows with the new model", len(rows["test"]), share=0.02)
    test = common.predict_rows(load_classifier(folder / "model"), version, rows["test"], progress)
    clock.mark("predict")
    settings, report = setup.settings, setup.report
    return Trained(
        space.to_all(test),
        rows["validation"],
        space.to_all(validation),
        "split",
        settings={
            **settings.as_dict(),
            "learning_rate": setup.plan["lr"],
            "batch_size": setup.plan["batch"],
            "accumulate": setup.plan["accumulate"],
            "precision": setup.plan.get("why_bf16", ""),
            "pooling": backbone.pooling,
            "max_length": backbone.max_length,
            "c": setup.probe_c,
        },
        timing=clock.seconds,
        facts={
            "parity": parity,
            "temperature": cooled,
            "surgery": report.as_dict(),
            "lr_curve": setup.lr_curve,
            "mixture": mixed,
            "training": {
                "reason": outcome.reason,
                "steps": outcome.steps,
                "planned_steps": outcome.planned,
                "best_step": outcome.best_step,
                "history": outcome.history,
            },
            "class_weights": _shown(setup, space),
            "model": {
                "trainable_parameters": report.trainable,
                "total_parameters": report.total,
                "family": backbone.family,
                "device": str(next(backbone.model.parameters()).device),
                "weights_sha256": weights_hash(folder / "model"),
                "pretrained_sha256": backbone.weights,
                "processor": type(backbone.processor).__name__,
                "notes": backbone.notes,
            },
        },
        yardstick=settings.baseline,
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
    )


def _say(backbone: Backbone, inputs: list[Any]) -> Any:  # noqa: ANN401
    """float32 probabilities of the model in memory."""
    import torch

    backbone.model.eval()
    with torch.inference_mode():
        parts = [
            torch.softmax(
                backbone.model(**backbone.encode(inputs[start : start + 8])).logits.double(), dim=-1
            )
            for start in range(0, len(inputs), 8)
        ]
    return torch.cat(parts).cpu().numpy()


def _shown(setup: Setup, space: common.LabelSpace) -> dict[str, float]:
    weights = setup.weights()
    values = [1.0] * len(setup.counts) if weights is None else weights.tolist()
    return dict(zip(space.model_names, (round(value, 4) for value in values), strict=True))
