"""Opening the test labels: scores, slices, yardsticks, prediction files and the report's frame."""

from __future__ import annotations

import csv
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.data.text_facts import SCRIPTS
from tl_core.evaluate import report
from tl_core.evaluate.calibration import conformal_sets
from tl_core.evaluate.compare import compare
from tl_core.evaluate.slices import slices
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.recipes.common import Floats, Ints
from tl_core.vault import count_look

_NUMBERS = {
    "chars": "length in characters",
    "words": "length in words",
    "light": "brightness",
    "contrast": "contrast",
    "sharpness": "sharpness",
}


def judge(
    config: RunConfig,
    version: DatasetVersion,
    trained: common.Trained,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Open the test labels, once, after every choice has been made, and give the report.

    With `config.sealed` nobody is to see it yet, so it counts as no look; `tl_core.vault` then puts
    it away.
    """
    clock = common.Clock()
    space, labels, test = common.label_space(version), version.labels, version.rows_of("test")
    progress.stage("Judging on unseen rows", share=0.02)
    closed = (
        config.sealed and len(trained.validation_rows) > 0
    )  # else there would be nothing to show
    progress.log(
        "The test rows are judged now, once, after every choice has been made"
        + ("; the result stays closed until you ask for it." if closed else ".")
    )
    sections: dict[str, Any] = {
        "test": report.evaluate_rows(labels[test], trained.test, space.names, "split", trained.seed)
    }
    correct = trained.test.argmax(axis=1) == labels[test]
    sections["test"]["slices"] = slices(correct, slice_facts(version, test))
    held = trained.validation_rows
    if len(held):
        sections["validation"] = report.evaluate_rows(
            labels[held], trained.validation, space.names, trained.kind, trained.seed
        )
        sections["validation"]["slices"] = slices(
            trained.validation.argmax(axis=1) == labels[held], slice_facts(version, held)
        )
        write_predictions(folder / "validation.csv", version, held, trained.validation, space.names)
        sections["test"]["conformal"] = conformal_sets(
            (labels[held], trained.validation), (labels[test], trained.test)
        )
    write_predictions(folder / "predictions.csv", version, test, trained.test, space.names)
    clock.mark("evaluate")
    baselines, against = common.majority_baseline(version), None
    for name, found in trained.baselines.items():
        baselines[name] = {"test": report.baseline_score(labels[test], found.argmax(axis=1))}
    if trained.yardstick:
        progress.stage("Training without transfer", len(version.rows_of("train")), share=0.08)
        baselines, theirs = common.run_yardstick(
            version, cache, progress, balanced=trained.balanced, seed=trained.seed
        )
        against = compare(
            correct,
            theirs,
            report.noun_of(version.info.modality),
            ("This model", "the one without transfer"),
        )
        clock.mark("baseline")
    timing = {
        name: trained.timing.get(name, 0.0) + seconds for name, seconds in clock.seconds.items()
    }
    return build_report(
        config,
        version,
        space,
        sections,
        baselines,
        settings=trained.settings,
        timing=timing,
        against_baseline=against,
        test_looks=0 if closed else count_look(cache.parent, folder.name, version.info.fingerprint),
        **trained.facts,
    )


def slice_facts(version: DatasetVersion, rows: Ints) -> dict[str, NDArray[Any]]:
    """What the rows can be sliced by: derived facts, and the columns that came with them."""
    known = (
        version.facts() if (version.folder / "facts.parquet").is_file() else {}
    )  # older versions have none
    found: dict[str, NDArray[Any]] = {
        title: known[name][rows].astype(np.float64)
        for name, title in _NUMBERS.items()
        if name in known
    }
    if "width" in known:
        width, height = (known[name][rows].astype(np.float64) for name in ("width", "height"))
        found |= {"size in pixels": width * height, "width to height": width / height}
    if "script" in known:
        found["script"] = np.array([*SCRIPTS, ""])[known["script"][rows]]
    table = version.table
    for name in table.column_names:
        if name not in ("image", "text", "name"):
            found[name] = _column(table.column(name).take(rows).to_pylist())
    return found


def _column(cells: list[Any]) -> NDArray[Any]:
    """A column as numbers where all of its cells are, else as words."""
    words = ["" if cell is None else str(cell).strip() for cell in cells]
    try:
        return np.array([float(word) if word else np.nan for word in words])
    except ValueError:
        return np.array(words)


def write_predictions(
    path: Path, version: DatasetVersion, rows: Ints, probabilities: Floats, labels: list[str]
) -> None:
    """One line for each held-out row: what it is, what was said, how sure; 9 significant digits."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["index", "row", "true", "label", "confidence", *(f"p:{name}" for name in labels)]
        )
        best = probabilities.argmax(axis=1)
        for row, name, values, place in zip(
            rows.tolist(), version.names(rows), probabilities, best, strict=True
        ):
            true = labels[version.labels[row]]
            writer.writerow(
                [
                    row,
                    name,
                    true,
                    labels[place],
                    f"{values[place]:.9g}",
                    *(f"{v:.9g}" for v in values),
                ]
            )
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def build_report(
    config: RunConfig,
    version: DatasetVersion,
    space: common.LabelSpace,
    sections: dict[str, Any],
    baselines: dict[str, Any],
    **facts: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """The report object of the contract; `facts` brings settings, timing, model and what the recipe
    found.
    """
    return {
        "schema_version": report.SCHEMA_VERSION,
        "dataset": config.dataset,
        "backbone": config.backbone,
        "recipe": config.recipe,
        "modality": version.info.modality,
        "labels": space.names,
        "classes_without_training_rows": space.lost,
        **sections,
        "baselines": baselines,
        "headline": report.headline(
            sections["test"],
            version.info.modality,
            baselines,
            is_baseline=config.recipe == "baseline",
        ),
        "data": {
            "fingerprint": version.info.fingerprint,
            "splits": version.info.splits,
            "findings": version.info.findings,
        },
        "environment": environment(),
        "predictions": "predictions.csv",
        **facts,
    }


def environment() -> dict[str, Any]:
    """Versions and machine, for whoever repeats the run."""
    from importlib.metadata import version as installed

    names = ("torch", "transformers", "scikit-learn", "datasets", "numpy", "tokenizers", "pillow")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: installed(name) for name in names},
    }
