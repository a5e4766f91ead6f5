"""The test score stays closed until somebody asks for it, and every look is counted.

A guard against one's own temptation to choose by test items, not against a thief: the result is
computed with the run, after every choice of the training has been made, and lies in the run's
`sealed` folder until it is opened.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tl_core.data.store import write_json
from tl_core.evaluate.report import closed_headline

_SEALED = "sealed"
_TOLD: dict[str, Any] = {
    "test": None,
    "against_baseline": None,
    "test_looks": 0,
    "sealed": True,
    "predictions": "validation.csv",
}  # what a closed report says instead


def looks(home: Path, fingerprint: str) -> int:
    """How many runs have shown what they make of the test items of the dataset version with this
    fingerprint.
    """
    seen = home / "looks" / fingerprint
    return len(list(seen.iterdir())) if seen.is_dir() else 0


def count_look(home: Path, run_id: str, fingerprint: str) -> int:
    """Note one run's look, and give their number; deleting a run does not undo its look."""
    seen = home / "looks" / fingerprint
    seen.mkdir(parents=True, exist_ok=True)
    (seen / run_id).touch()
    return looks(home, fingerprint)


def seal(folder: Path, report: dict[str, Any]) -> dict[str, Any]:
    """Put everything about the test items away, and give the report without it.

    Args:
        folder: of the run; `predictions.csv` moves, and the whole report is kept beside it.
        report: as a recipe gives it, with a `validation` section.
    """
    away = folder / _SEALED
    away.mkdir(exist_ok=True)
    write_json(away / "report.json", report)
    if (folder / "predictions.csv").exists():
        (folder / "predictions.csv").replace(away / "predictions.csv")
    baselines = {
        name: {part: score for part, score in scores.items() if part != "test"}
        for name, scores in report["baselines"].items()
    }
    advice = (
        f"{report['ladder']['advice']} "
        if "ladder" in report
        else f"{report['search']['sentence']} "
        if "search" in report
        else ""
    )
    return {
        **report,
        **_TOLD,
        "baselines": baselines,
        "headline": advice + closed_headline(report["validation"], report["modality"], baselines),
    }


def is_sealed(folder: Path) -> bool:
    """Whether the run in `folder` keeps its test score closed."""
    return (folder / _SEALED / "report.json").is_file()


def open_test(folder: Path, home: Path) -> dict[str, Any]:
    """Open the test score of a finished run: counts the look and gives the whole report; opened
    again, the same one.

    Every step can be repeated, so an interruption loses nothing.
    """
    away = folder / _SEALED
    if is_sealed(folder):
        report = json.loads((away / "report.json").read_text(encoding="utf-8"))
        report["test_looks"] = count_look(home, folder.name, report["data"]["fingerprint"])
        if (away / "predictions.csv").exists():
            (away / "predictions.csv").replace(folder / "predictions.csv")
        write_json(folder / "report.json", report)
        (away / "report.json").unlink()
        away.rmdir()
    opened: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return opened


def summary_of(report: dict[str, Any]) -> dict[str, Any]:
    """What lists show of a report: accuracy on the test items, or on those kept for choosing while
    it is closed.
    """
    section = report["test"] or report["validation"]
    return {
        "accuracy": section["accuracy"],
        "n": section["n"],
        "seconds": report["timing"]["total"],
        "sealed": report["test"] is None,
    }
