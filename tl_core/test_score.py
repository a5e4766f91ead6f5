"""The test score stays closed until somebody asks for it, and every look is counted.

A guard against one's own temptation to choose by test items, not against a thief: the result is
computed with the run, after every choice of the training has been made, and lies in the run's
`sealed` folder until it is opened.
"""

from __future__ import annotations

from pathlib import Path

from tl_core.evaluate.report import (
    FILE,
    Baselines,
    Report,
    closed_headline,
    load_report,
    whose_items,
    write_report,
)
from tl_core.evaluate.report.schema import AdaptedModel, DomainFacts

_SEALED = "sealed"
_PREDICTIONS = "predictions.csv"


def looks(home: Path, owner: str, fingerprint: str) -> int:
    """How many runs of a person have shown what they make of the test items of the dataset version
    with this fingerprint; what others did with the same items is theirs.
    """
    seen = home / "looks" / owner / fingerprint
    return len(list(seen.iterdir())) if seen.is_dir() else 0


def count_look(home: Path, owner: str, run_id: str, fingerprint: str) -> int:
    """Note one run's look, and give their number; deleting a run does not undo its look."""
    seen = home / "looks" / owner / fingerprint
    seen.mkdir(parents=True, exist_ok=True)
    (seen / run_id).touch()
    return looks(home, owner, fingerprint)


def seal(folder: Path, report: Report) -> Report:
    """Put everything about the test items away, and give the report without it.

    Args:
        folder: of the run; `predictions.csv` moves, and the whole report is kept beside it.
        report: as a recipe gives it, with a `validation` section.
    """
    away = folder / _SEALED
    away.mkdir(exist_ok=True)
    write_report(away, report)
    if (folder / _PREDICTIONS).exists():
        (folder / _PREDICTIONS).replace(away / _PREDICTIONS)
    baselines: Baselines = {
        name: {split: score for split, score in scores.items() if split != "test"}
        for name, scores in report["baselines"].items()
    }
    if "domains" in report:
        report = {**report, "domains": _untested(report["domains"])}
    headline = closed_headline(report["validation"], report["modality"], baselines) + whose_items(
        report.get("domains"), closed=True
    )
    if "beside" in report:
        report = {**report, "beside": {}}
    return {
        **report,
        "test": None,
        "against_baseline": None,
        "test_looks": 0,
        "sealed": True,
        "predictions": "validation.csv",
        "baselines": baselines,
        "headline": _advice(report) + headline,
    }


def _untested(domains: DomainFacts) -> DomainFacts:
    """What is told of an adaptation without what the test items say of it."""
    models: list[AdaptedModel] = [{**model} for model in domains["models"]]
    for model in models:
        model.pop("test", None)
    out: DomainFacts = {**domains, "models": models}
    out.pop("gain", None)
    return out


def _advice(report: Report) -> str:
    """What a ladder or a search recommends, by the validation items alone."""
    if "ladder" in report:
        return f"{report['ladder']['advice']} "
    return f"{report['search']['sentence']} " if "search" in report else ""


def is_sealed(folder: Path) -> bool:
    """Whether the run in `folder` keeps its test score closed."""
    return (folder / _SEALED / FILE).is_file()


def open_test(folder: Path, home: Path, owner: str) -> Report:
    """Open the test score of a finished run of `owner`: counts the look and gives the whole report;
    opened again, the same one.

    Every step can be repeated, so an interruption loses nothing.

    Raises:
        StateError: when the run has no report.
    """
    away = folder / _SEALED
    if is_sealed(folder):
        report = load_report(away)
        fingerprint = report["data"]["fingerprint"]
        report["test_looks"] = count_look(home, owner, folder.name, fingerprint)
        if (away / _PREDICTIONS).exists():
            (away / _PREDICTIONS).replace(folder / _PREDICTIONS)
        write_report(folder, report)
        (away / FILE).unlink()
        away.rmdir()
    return load_report(folder)


def summary_of(report: Report) -> dict[str, object]:
    """What lists show of a report: accuracy on the test items, or on the validation items while
    it is closed; beside it micro F1 where an item may have several labels.
    """
    section = report["test"] or report["validation"]
    labels = {"micro_f1": section["micro_f1"]} if "micro_f1" in section else {}
    return {
        "accuracy": section["accuracy"],
        **labels,
        "n": section["n"],
        "seconds": report["timing"]["total"],
        "sealed": report["test"] is None,
    }
