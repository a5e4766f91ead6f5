"""Recipe `finetune`: surgery on a backbone, and training of what the plan lets move.

Top to bottom: open and operate (the head may start from a probe), train with the best state kept,
put averages and adapters into plain weights, save, prove the folder and let it speak of items.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from torch import Tensor

from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.config import FinetuneSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import NotFoundError
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.distributed import fit_in_processes
from tl_core.recipes.shared.finetune_job import Lesson, make_job
from tl_core.recipes.shared.moving import move_of
from tl_core.recipes.shared.proving import Proven, save_and_prove
from tl_core.recipes.shared.source_probe import probe_of_source, set_beside
from tl_core.surgery.lora import merge_lora
from tl_core.train.arrays import Floats
from tl_core.train.larger.few_bits import in_full
from tl_core.train.loop.averages import Mixture, choose_mix
from tl_core.train.loop.best_state import Scores, probabilities
from tl_core.train.loop.checkpoints import copied_state
from tl_core.train.loop.job import Job, Outcome
from tl_core.train.loop.trainer import fit
from tl_core.train.precision import keep_float32
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.prepared import Setup
from tl_core.train.setup.set_up import set_up


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
    reader: dict[str, object] | None = None,
    lesson: Lesson | None = None,
) -> Trained:
    """The same with `settings`, whatever the recipe of `config` is; `reader` as in `set_up`, and
    what a teacher says of the training rows, where there is one.
    """
    space, clock = common.label_space(version), common.Clock()
    labels = space.to_model(version.targets)
    if settings.continue_from:
        _check_owner(config, folder.parent / settings.continue_from)
    plain = None
    if config.kind != "curve":  # which asks validation rows alone
        plain = probe_of_source(settings, config.backbone, version, space, cache, progress)
    seed_everything(settings.seed)
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
        for finding in setup.backbone.check(version, version.rows_of("train")):
            progress.warn(finding)
        clock.mark("load")
        job = make_job(setup, folder, lesson)
        start = copied_state(job.model, job.moving) if settings.average == "wise-ft" else {}
        outcome = _fit(job, config, version, folder, cache, progress)
        clock.mark("fit")
        mixture = _mix(job, start, outcome, progress)
        keep_float32(setup.model, setup.float32_roots(), on=False)
        in_full(setup.model)
        setup.backbone.model = merge_lora(setup.model)
    model = folder / "model"
    proven = save_and_prove(
        setup.backbone,
        version,
        space,
        model,
        settings.seed,
        progress,
        clock,
        move_of(setup, version, progress),
    )
    trained = _trained(version, space, setup, outcome, mixture, proven, weights_hash(model), clock)
    if plain is not None:
        set_beside(trained, plain, settings, version, space, model, progress)
    return trained


def _check_owner(config: RunConfig, earlier: Path) -> None:
    """Other people's runs do not exist for the owner of this one."""
    if not (earlier / "config.json").is_file() or RunConfig.read(earlier).owner != config.owner:
        raise NotFoundError(
            f"There is no run {earlier.name!r}.", "", "Choose one of your own finished runs."
        )


def _fit(
    job: Job,
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> Outcome:
    """Train here, or in several processes that share each batch."""
    if not job.report.trainable:
        progress.log("These settings freeze all weights, so nothing is trained.")
        return Outcome("These settings freeze all weights.", 0, 0, 0, {}, [], {})
    progress.stage("Training", share=0.8)
    if not job.settings.gradual:
        progress.learning([group["name"] for group in job.report.groups if group["trainable"]])
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    outcome = (
        fit(job, progress)
        if job.settings.processes == 1 and job.settings.sharing == "none"
        else fit_in_processes(job, config, version, folder, cache, progress)
    )
    progress.log(outcome.reason)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return outcome


def _mix(job: Job, start: dict[str, Tensor], outcome: Outcome, progress: Progress) -> Mixture:
    """WiSE-FT: the best mixture of the states before and after, by the validation rows."""
    score, held_out = job.score, job.held_out
    if job.settings.average != "wise-ft" or score is None or held_out is None or not outcome.state:
        return {}
    progress.stage("Averaging the weights before and after", share=0.02)

    def judge() -> tuple[Scores, Floats]:
        job.settle_statistics()
        batch, lengths = 2 * job.plan["batch"], job.held_out_lengths
        return score(probabilities(job.model, held_out, batch, lengths, task=job.task))

    share, tried = choose_mix(job.model, start, outcome.state, judge)
    job.settle_statistics()
    progress.log(f"The best average (WiSE-FT) takes {share:.0%} of the fine-tuned weights.")
    return {"share": share, "tried": tried}


def _trained(
    version: DatasetVersion,
    space: common.LabelSpace,
    setup: Setup,
    outcome: Outcome,
    mixture: Mixture,
    proven: Proven,
    weights: str,
    clock: common.Clock,
) -> Trained:
    """What this recipe leaves: scores to be, settings as they were decided, and the facts."""
    settings, backbone, report = setup.settings, setup.backbone, setup.report
    model = common.model_facts(
        backbone, trainable=report.trainable, total=report.total, weights=weights
    )
    return Trained(
        space.to_all(proven.test),
        version.rows_of("validation"),
        space.to_all(proven.validation),
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
            "parity": proven.parity,
            "temperature": proven.temperature,
            "surgery": report.as_dict(),
            "lr_curve": setup.lr_curve,
            "mixture": mixture,
            "training": {
                "reason": outcome.reason,
                "steps": outcome.steps,
                "planned_steps": outcome.planned,
                "best_step": outcome.best_step,
                "history": outcome.history,
            },
            "class_weights": _shown(setup, space),
            "model": {**model, "pretrained_sha256": backbone.weights},
        },
        yardstick=settings.baseline,
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
    )


def _shown(setup: Setup, space: common.LabelSpace) -> dict[str, float]:
    weights = setup.weights()
    values = [1.0] * len(setup.counts)
    if weights is not None:  # where each class is a yes or no, those of a yes
        values = weights.reshape(-1, len(setup.counts))[-1].tolist()
    return dict(zip(space.model_names, (round(value, 4) for value in values), strict=True))
