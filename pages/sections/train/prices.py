"""What a training will take and give, from the project's own past runs; nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pages.shell.words import duration
from tl_core.config import STRATEGIES
from tl_core.evaluate.measures import Score
from tl_core.registry.run import Run

UNKNOWN = "not known yet"
_SEARCHED = ("probe", "finetune")  # what an automatic search tries
_ALIKE = 1.25  # two lengths of time that are told as one


@dataclass(frozen=True)
class Expectation:
    """Time and accuracy to expect, in words.

    Args:
        price: how long it takes.
        score: the range of accuracies that past runs reached.
        basis: what both are taken from, for a help text.
    """

    price: str = UNKNOWN
    score: str = UNKNOWN
    basis: str = "No run of this kind has been done on this project."


def of_past(
    runs: Sequence[Run], backbone: str = "", speed: float = 0.0, items: int = 0
) -> Expectation:
    """What runs of one kind took and gave.

    Args:
        runs: finished trainings of that kind on the project.
        backbone: the one in hand; its own runs tell the price, where there are any.
        speed: items a second that it reads here, measured; 0 where nobody has.
        items: rows that one pass reads; 0 where the price is not one pass.
    """
    usable = [run for run in runs if run.summary and "accuracy" in run.summary]
    same = [run for run in usable if run.backbone == backbone] if backbone else usable
    if same:
        price, source = _times(same), f"{_runs(len(same))} on this project"
    elif speed and items:
        price = duration(items / speed).removeprefix("about ")
        source = f"{items:,} items at the {speed:,.0f} a second that were measured here"
    elif usable:
        price, source = _times(usable), f"{_runs(len(usable))} with other backbones"
    else:
        return Expectation()
    basis = f"Time: {source}."
    if not usable:
        return Expectation(price, UNKNOWN, basis)
    return Expectation(price, _scores(usable), f"{basis} {_explained(usable)}")


def of_ways(
    runs: Sequence[Run], backbone: str, speed: float, items: int, minutes: float
) -> dict[str, Expectation]:
    """What each of the three ways to train will take and give."""
    probes = [run for run in runs if run.recipe == "probe"]
    searched = of_past([run for run in runs if run.recipe in _SEARCHED])
    return {
        "first": of_past(probes, backbone, speed, items),
        "auto": Expectation(
            f"{minutes:g} minutes, as you set",
            searched.score,
            "It keeps a probe at least, and what is clearly better. " + searched.basis,
        ),
        "own": of_past(runs),
    }


def by_strategy(named: Iterable[tuple[str, Run]]) -> dict[str, list[Run]]:
    """Runs by the strategy that their name begins with.

    Args:
        named: names as `tl_core.config.naming` gives them, each with its run.
    """
    cards = {strategy.title: key for key, strategy in STRATEGIES.items()}
    found: dict[str, list[Run]] = {}
    for name, run in named:
        title = name.partition(" · ")[0].removesuffix(", continued")
        found.setdefault(cards.get(title, run.recipe), []).append(run)
    return found


def _times(runs: Sequence[Run]) -> str:
    seconds = sorted(_seconds(run) for run in runs)
    if seconds[-1] <= _ALIKE * seconds[0]:
        return duration(seconds[-1]).removeprefix("about ")
    low, high = (duration(one).removeprefix("about ") for one in (seconds[0], seconds[-1]))
    return f"{low} to {high}"


def _seconds(run: Run) -> float:
    """What it took, in its own count, else from start to end."""
    told = (run.summary or {}).get("seconds")
    if isinstance(told, int | float):
        return float(told)
    return max((run.finished or 0.0) - (run.started or 0.0), 0.0)


def _accuracy(run: Run) -> Score:
    return cast(Score, cast(Mapping[str, object], run.summary)["accuracy"])


def _scores(runs: Sequence[Run]) -> str:
    values = sorted(100 * _accuracy(run)["value"] for run in runs)
    low, high = (f"{value:.0f}" for value in (values[0], values[-1]))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _explained(runs: Sequence[Run]) -> str:
    low = 100 * min(_accuracy(run)["low"] for run in runs)
    high = 100 * max(_accuracy(run)["high"] for run in runs)
    return (
        f"Accuracy: lowest to highest of {_runs(len(runs))}; with their 95 % intervals {low:.0f} to"
        f" {high:.0f} %. On validation items, or on test items where the test score is open."
    )


def _runs(count: int) -> str:
    return f"{count} past run{'s' * (count != 1)}"
