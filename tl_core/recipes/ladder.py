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
from tl_core.recipes.shared import judging, trials
from tl_core.recipes.shared.common import SealedVersion, Trained
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
        for path in sorted((folder / "rungs").glob("*/failed.json"))
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
    settings: LadderSettings = config.settings
    pairs = [
        (rung, settings.seed + number)
        for rung in settings.rungs
        for number in range(settings.seeds)
    ]
    weights = [_SLOW.get(rung, 1.0) for rung, _ in pairs]
    climbed: list[Climbed] = []
    for (rung, seed), weight in zip(pairs, weights, strict=True):
        if climbed and progress.should_stop():
            progress.log(
                "You stopped it; strategies that were not trained to their end are left out."
            )
            break
        recipe, options = settings.options(rung, seed)
        options = {
            key: value
            for key, value in options.items()
            if value != 0.0 or key in ("seed", "baseline")
        }
        part = folder / "rungs" / f"{rung}-{seed}"
        part.mkdir(parents=True, exist_ok=True)
        heard = Part(
            progress,
            f"{title(rung)}, seed {seed}",
            weight / sum(weights),
            first=rung == settings.rungs[-1] and seed == settings.seed,
        )
        trained = trials.recall(part)
        if trained is None:
            own = replace(
                config,
                recipe=recipe,
                options=options,
                backbone="" if rung == "baseline" else config.backbone,
            )
            own.write(part)
            try:
                trained = load_training(recipe)(own, version, part, cache, heard)
            except TrainingError as error:  # one strategy that comes apart must not cost the others
                heard.log(f"left out. {error}")
                write_json(part / "failed.json", error.as_dict())
                continue
            if climbed and progress.should_stop():
                continue  # half a training would be compared as a whole one
            trials.keep(part, trained)
            if any(one.rung == rung for one in climbed):  # the first seed's model may be wanted
                shutil.rmtree(part / "model", ignore_errors=True)
        climbed.append(Climbed(rung, seed, part, trained))
    return climbed


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
