"""What a run has to beat: the score without transfer on the validation items of its data."""

from __future__ import annotations

from itertools import islice

from pages.sections.evaluate import test_score
from pages.shell import services
from tl_core.errors import NotFoundError
from tl_core.evaluate.measures import Score
from tl_core.evaluate.report import FILE, Report
from tl_core.registry.run import Run

_MOST = 8  # reports that are looked into


def without_transfer(run: Run) -> Score | None:
    """The score of the run's own report, else that of the newest run on the same dataset version
    that has one; None while nobody has measured it.

    A training measures it at its end, so that of an earlier run stands in until then.
    """
    if run.kind != "train":
        return None
    earlier = (
        other
        for other in services.runs().of_dataset(run.dataset)
        if other.kind == "train" and other.status == "done" and other.id != run.id
    )
    reports = (one for one in (run, *islice(earlier, _MOST)) if (one.folder / FILE).is_file())
    scores = (in_report(test_score.report_of(one)) for one in reports)
    return next((score for score in scores if score), None)


def in_report(report: Report) -> Score | None:
    """The score without transfer on the validation items, as a report has it."""
    if report["recipe"] == "baseline" and "validation" in report:
        return report["validation"]["accuracy"]
    measured = (
        splits["validation"]["accuracy"]
        for name, splits in report["baselines"].items()
        if name != "majority" and "validation" in splits
    )
    return next(measured, None)


def judged_items(run: Run) -> int:
    """How many validation items its data have; 0 when they are gone."""
    try:
        folder = services.datasets().get(run.dataset).folder
    except NotFoundError:
        return 0
    return services.version_info(folder).splits.get("validation", 0)
