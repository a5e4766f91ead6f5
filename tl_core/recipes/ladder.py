"""Recipe `ladder`: several strategies on the same splits and seeds, as one job.

The steps, top to bottom: train every rung with every seed, none of which sees a test label; compare
them pair by pair on the validation items; keep the model of the cheapest rung that is not
significantly worse than the best; open the test labels once, for that one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tl_core.config import STRATEGIES, LadderSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import TrainingError
from tl_core.evaluate.measures import Rung
from tl_core.evaluate.recommendation import advice, weigh
from tl_core.evaluate.report import Report, ladder_section
from tl_core.evaluate.report.schema import LadderComparison
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.json_files import find_object, write_json
from tl_core.modalities import items_of
from tl_core.progress import Part, Progress
from tl_core.recipes import load_training
from tl_core.recipes.cluster.parts import FAILED, come_apart, do_elsewhere
from tl_core.recipes.shared import judging, trials
from tl_core.recipes.shared.common import SealedVersion, Trained
from tl_core.settings import spread_by
from tl_core.train.arrays import Bools

_SLOW = {"baseline": 0.1, "probe": 0.1}  # shares of the time, beside the fine-tuned ones


@dataclass(frozen=True)
class Climbed:
    """One rung with one seed."""

    rung: str
    seed: int
    folder: Path
    trained: Trained

    @property
    def seconds(self) -> float:
        return sum(self.trained.timing[name] for name in ("load", "fit", "verify"))


def run(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Report:
    """Climb, judge, recommend; the recommended model lands in `folder/model`."""
    climbed = climb(config, SealedVersion(version), folder, cache, progress)
    failed = {
        path.parent.name: find_object(path)
        for path in sorted((folder / "rungs").glob(f"*/{FAILED}"))
    }
    if not climbed:
        raise TrainingError(
            "No strategy could be trained.",
            str(next(iter(failed.values()), {}).get("what", "")),
            "",
        )
    comparison = compare(version, climbed)
    chosen = next(one for one in climbed if one.rung == comparison["recommended"])
    trained = replace(
        chosen.trained,
        yardstick="baseline" not in {one.rung for one in climbed} or version.sets.several,
        baselines=next((one.trained.baselines for one in climbed if one.rung == "baseline"), {}),
    )
    report = judging.judge(config, version, trained, folder, cache, progress)
    report["headline"] = f"{comparison['advice']} {report['headline']}"
    report["ladder"] = ladder_section(comparison, config.settings.as_dict(), chosen.seed, failed)
    report["timing"]["fit"] = sum(one.seconds for one in climbed)
    _keep(chosen, folder)
    return report


def climb(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> list[Climbed]:
    """Train every rung with every seed; what is finished already is read again after an
    interruption.
    """
    steps, failed = _steps(config, folder, progress), set[Path]()
    at_once: int = config.settings.processes
    todo = {step.folder: step.heard for step in steps if trials.recall(step.folder) is None}
    if at_once > 1 and spread_by() and len(todo) > 1:
        for step in steps:
            step.config.write(step.folder)
        failed = come_apart(do_elsewhere(todo, at_once, folder, cache, progress), todo)
    climbed: list[Climbed] = []
    for step in steps:
        if climbed and progress.should_stop():
            text = "You stopped it; strategies that were not trained to their end are left out."
            progress.log(text)
            break
        trained = trials.recall(step.folder)
        if trained is None and step.folder not in failed:
            trained = _train(step, version, cache, first=not climbed)
        if trained is None:
            continue
        if any(one.rung == step.rung for one in climbed):  # the first seed's model may be wanted
            shutil.rmtree(step.folder / "model", ignore_errors=True)
        climbed.append(Climbed(step.rung, step.seed, step.folder, trained))
    return climbed


@dataclass(frozen=True)
class _Step:
    """One rung with one seed, before it is trained."""

    rung: str
    seed: int
    folder: Path
    config: RunConfig
    heard: Part


def _steps(config: RunConfig, folder: Path, progress: Progress) -> list[_Step]:
    """All of them, in their order; their folders are made."""
    settings: LadderSettings = config.settings
    seeds = range(settings.seed, settings.seed + settings.seeds)
    pairs = [(rung, seed) for rung in settings.rungs for seed in seeds]
    whole = sum(_SLOW.get(rung, 1.0) for rung, _ in pairs)
    steps = []
    for rung, seed in pairs:
        recipe, options = settings.options(rung, seed)
        part = folder / "rungs" / f"{rung}-{seed}"
        part.mkdir(parents=True, exist_ok=True)
        heard = Part(
            progress,
            f"{title(rung)}, seed {seed}",
            _SLOW.get(rung, 1.0) / whole,
            first=rung == settings.rungs[-1] and seed == settings.seed,
        )
        backbone = "" if rung == "baseline" else config.backbone
        own = replace(config, recipe=recipe, options=options, backbone=backbone)
        steps.append(_Step(rung, seed, part, own, heard))
    return steps


def _train(step: _Step, version: DatasetVersion, cache: Path, *, first: bool) -> Trained | None:
    """One training, kept in its folder; None where it came apart, or was stopped and not `first`:
    half a training would be compared as a whole one.
    """
    own, part = step.config, step.folder
    own.write(part)
    try:
        trained = load_training(own.recipe)(own, version, part, cache, step.heard)
    except TrainingError as error:  # one strategy that comes apart must not cost the others
        step.heard.log(f"left out. {error}")
        write_json(part / FAILED, error.as_dict())
        return None
    if not first and step.heard.should_stop():
        return None
    trials.keep(part, trained)
    return trained


def compare(version: DatasetVersion, climbed: list[Climbed]) -> LadderComparison:
    """Rows, recommendation and its sentence, by the validation items alone.

    A probe that was cross-validated has said what it makes of each of them before it learnt from
    it.
    """
    held = np.array(
        [row for row in version.rows_of("validation") if version.labels[row] >= 0], dtype=np.int64
    )
    truth, evaluation = version.targets[held], task_evaluation_of(version.info.task)

    def right(trained: Trained) -> Bools:
        said = trials.said(trained, held)
        return evaluation.correct(truth, said, evaluation.decide_apart(truth, said))

    rungs: list[Rung] = []
    correct = {}
    for name in dict.fromkeys(one.rung for one in climbed):
        own = [one for one in climbed if one.rung == name]
        rungs.append(
            {
                "name": name,
                "title": title(name),
                "minutes": _minutes(own),
                "trainable_parameters": own[0].trained.facts["model"]["trainable_parameters"],
            }
        )
        correct[name] = np.stack([right(one.trained) for one in own])
    recommendation = weigh(rungs, correct)
    noun = items_of(version.info.modality)
    return {
        **recommendation,
        "items": len(held),
        "advice": advice(recommendation, len(held), noun),
    }


def _minutes(own: list[Climbed]) -> float:
    """Of a typical seed, reading with the backbone included, which only the first one has to do."""
    return (
        float(np.median([one.seconds for one in own]))
        + max(one.trained.timing["features"] for one in own)
    ) / 60


def title(rung: str) -> str:
    """What a rung is called."""
    return STRATEGIES[rung].title if rung in STRATEGIES else "No transfer"


def _keep(chosen: Climbed, folder: Path) -> None:
    """The recommended model in the run's place for models; the others' are removed."""
    if (chosen.folder / "model").is_dir() and not (folder / "model").exists():
        (chosen.folder / "model").rename(folder / "model")
    for other in (folder / "rungs").glob("*/model"):
        shutil.rmtree(other, ignore_errors=True)
