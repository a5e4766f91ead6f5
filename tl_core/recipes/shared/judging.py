"""Opening the test labels: scores, slices, baselines, prediction files and the report's frame."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import cast

import numpy as np

from tl_core.config import RunConfig
from tl_core.data.class_levels import levels_of
from tl_core.data.item_kind import own_columns
from tl_core.data.label_sets import said_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate import report
from tl_core.evaluate.measures import LevelSection, PairedTest, ScoredRows
from tl_core.evaluate.report import Baselines, Report
from tl_core.evaluate.report.schema import Timing
from tl_core.evaluate.scores.slices import Fact, slices
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.adapting import judge_alternatives
from tl_core.recipes.shared.beside import Answered, Ways, compared, decided, paired
from tl_core.recipes.shared.common import Floats, Ints
from tl_core.tasks import Decision
from tl_core.tasks.kept_thresholds import save_thresholds
from tl_core.tasks.multi_label import AnyOfAll
from tl_core.test_score import count_look
from tl_core.train.items.item_training import training_of


def judge(
    config: RunConfig,
    version: DatasetVersion,
    trained: common.Trained,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> Report:
    """Open the test labels, once, after every choice has been made, and give the report.

    With `config.sealed` nobody is to see it yet, so it counts as no look; `tl_core.test_score`
    then puts it away.
    """
    clock, space = common.Clock(), common.label_space(version)
    # without validation rows there would be nothing to show instead
    closed = config.sealed and len(trained.validation_rows) > 0
    progress.stage("Evaluating on unseen rows", share=0.02)
    progress.log(
        "The model is evaluated on the test rows now, once, after every choice has been made"
        + ("; the result stays closed until you ask for it." if closed else ".")
    )
    ways = decided(version, trained.validation_rows, trained.validation, trained.seed)
    _keep_thresholds(folder, space, ways.test)
    judge_alternatives(version, trained, ways.test)
    test, validation = _scored(version, trained, space.names, ways)
    _write_answers(folder, version, trained, space.names, ways)
    clock.mark("evaluate")
    baselines, against = common.majority_baseline(version), None
    truth = version.targets[version.rows_of("test")]
    evaluation = task_evaluation_of(version.info.task)
    for name, probabilities in trained.baselines.items():
        way = (ways.test,) if probabilities is trained.test else ()
        baselines[name] = {"test": evaluation.baseline_scores(truth, probabilities, *way)}
    if trained.yardstick:
        baselines, against = _without_transfer(version, trained, ways.test, cache, progress)
        clock.mark("baseline")
    info = version.info
    made = report.build_report(
        report.Subject(
            config.dataset, config.backbone, config.recipe, info.modality, space.names, space.lost
        ),
        report.data_facts(info.fingerprint, info.splits, info.findings),
        test,
        validation,
        baselines,
        trained.facts,
        settings=trained.settings,
        timing=_added(clock, trained),
        against_baseline=against,
        test_looks=(
            0 if closed else count_look(cache.parent, config.owner, folder.name, info.fingerprint)
        ),
    )
    if trained.beside:
        made["beside"], made["beside_validation"] = compared(version, trained, ways)
    return made


def _keep_thresholds(folder: Path, space: common.LabelSpace, decision: Decision) -> None:
    """Thresholds of several labels beside the weights, for whoever asks the model."""
    if isinstance(decision, AnyOfAll) and (folder / "model").is_dir():
        each = np.broadcast_to(decision.thresholds, len(space.names))
        save_thresholds(
            folder / "model", {space.names[place]: float(each[place]) for place in space.kept}
        )


def _scored(
    version: DatasetVersion, trained: common.Trained, names: list[str], ways: Ways
) -> tuple[ScoredRows, ScoredRows | None]:
    """The sections `test` and `validation`, the latter where there are such rows."""
    rows, held, labels = version.rows_of("test"), trained.validation_rows, version.targets
    test = _section(version, rows, trained.test, names, "split", trained.seed, ways.test)
    if not len(held):
        return test, None
    if sets := task_evaluation_of(version.info.task).sets_of_answers(
        (labels[held], trained.validation), (labels[rows], trained.test)
    ):
        test["conformal"] = sets
    return test, _section(
        version, held, trained.validation, names, trained.kind, trained.seed, ways.validation
    )


def _section(
    version: DatasetVersion,
    rows: Ints,
    probabilities: Floats,
    names: list[str],
    kind: str,
    seed: int,
    decision: Decision,
) -> ScoredRows:
    """Scores and slices of `rows` (rows,) by their probabilities (rows, classes)."""
    truth = version.targets[rows]
    evaluation = task_evaluation_of(version.info.task)
    section = evaluation.evaluate_rows(truth, probabilities, names, kind, seed, decision)
    right = evaluation.correct(truth, probabilities, decision)
    section["slices"] = slices(right, slice_facts(version, rows))
    section["levels"] = _levels(version, truth, probabilities, names, seed, decision)
    return section


def _levels(
    version: DatasetVersion,
    truth: Ints,
    probabilities: Floats,
    names: list[str],
    seed: int,
    decision: Decision,
) -> LevelSection | None:
    """Scores at each level of class names that are paths; None for others, and where an item may
    have several.
    """
    levels = None if version.sets.several else levels_of(version.folder, names)
    if levels is None:
        return None
    answers = decision.labels(probabilities)
    return report.level_section(truth, answers, probabilities, levels.separator, levels.paths, seed)


def _write_answers(
    folder: Path, version: DatasetVersion, trained: common.Trained, names: list[str], ways: Ways
) -> None:
    """Both files of answers, that about validation rows where there are any."""
    held = trained.validation_rows
    if len(held):
        write_predictions(
            folder / "validation.csv", version, held, trained.validation, names, ways.validation
        )
    rows = version.rows_of("test")
    write_predictions(folder / "predictions.csv", version, rows, trained.test, names, ways.test)


def _without_transfer(
    version: DatasetVersion,
    trained: common.Trained,
    decision: Decision,
    cache: Path,
    progress: Progress,
) -> tuple[Baselines, PairedTest]:
    """The baselines, trained now, and the model against the one without transfer."""
    progress.stage("Training without transfer", len(version.rows_of("train")), share=0.08)
    rival = common.run_baseline(
        version,
        cache,
        progress,
        balanced=trained.balanced,
        seed=trained.seed,
    )
    asked = version.targets[version.rows_of("test")], trained.test, decision
    evaluation = task_evaluation_of(version.info.task)
    against = paired(
        version.info.modality,
        Answered(evaluation.correct(*asked), evaluation.item_scores(*asked)),
        Answered(rival.correct, rival.partly),
        "the one without transfer",
    )
    return rival.scores, against


def _added(clock: common.Clock, trained: common.Trained) -> Timing:
    """Seconds of the training and of the judging, by part."""
    return cast(
        Timing,
        {name: trained.timing.get(name, 0.0) + more for name, more in clock.seconds.items()},
    )


def slice_facts(version: DatasetVersion, rows: Ints) -> dict[str, Fact]:
    """What the rows can be sliced by: derived facts, and the columns that came with them."""
    facts = training_of(version.info.modality).slice_facts(version, rows)
    table = version.table
    for name in table.column_names:
        if name not in own_columns():  # the item itself, and its name
            facts[name] = _column(table.column(name).take(rows).to_pylist())
    return facts


def _column(cells: list[object]) -> Fact:
    """A column as numbers where all of its cells are, else as words."""
    words = ["" if cell is None else str(cell).strip() for cell in cells]
    try:
        return np.array([float(word) if word else np.nan for word in words])
    except ValueError:
        return np.array(words)


def write_predictions(
    path: Path,
    version: DatasetVersion,
    rows: Ints,
    probabilities: Floats,
    labels: list[str],
    decision: Decision,
) -> None:
    """One line for each held-out row: what it is, what was said, how sure; 9 significant digits.

    The answer stands in the column `label`; where a row may have several, in `labels` as a JSON
    list.
    """
    several = version.sets.several
    answers = said_of(labels, decision.labels(probabilities))
    cells = np.array([*version.sets.cells, ""], dtype=object)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            [
                *("index", "row", "true", "labels" if several else "label", "confidence"),
                *(f"p:{name}" for name in labels),
            ]
        )
        for row, name, values, said, sure in zip(
            rows.tolist(),
            version.names(rows),
            probabilities,
            answers,
            decision.confidence(probabilities),
            strict=True,
        ):
            true = cells[version.labels[row]]
            writer.writerow([row, name, true, said, f"{sure:.9g}", *(f"{v:.9g}" for v in values)])
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
