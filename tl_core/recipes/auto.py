"""Recipe `auto`: the best model that can be found within some minutes.

The steps, top to bottom: rank the backbones at hand on a sample; probe the best, at its end and at
all depths; measure a few steps of fine-tuning, and share the time that is left among candidates by
successive halving; keep the training that leads on the items kept for choosing. No step sees a test
label; they are opened once, for the winner, which is then an ordinary run of its own recipe.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.errors import TrainingError, UserError
from tl_core.evaluate import search
from tl_core.evaluate.report import Report, noun_of, search_section
from tl_core.models.describe import list_backbones
from tl_core.progress import Progress
from tl_core.recipes import candidates, judging, preflight, trials
from tl_core.recipes import rank as ranking
from tl_core.recipes.candidates import Candidate
from tl_core.recipes.searching import Found, Search
from tl_core.results import ESTIMATE, RANKING, SEARCH, Estimate
from tl_core.settings import read_settings

_RANKING, _PROBING = 0.2, 0.15  # shares of the budget that may go to each
_ROWS = 500  # of the sample that backbones are ranked on
_MOST = 6  # backbones that are ranked
_CLOSE = 0.9  # share of the time left that a whole training is planned to take


def run(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Report:
    """Search, judge the winner, and say what was tried; the winner's model lands in
    `folder/model`.
    """
    found = Search(
        config,
        version,
        folder,
        cache,
        progress,
        trials.Budget(folder / SEARCH.name, 60 * config.settings.budget_minutes),
    )
    backbones = rank_backbones(found)
    probe_backbones(found, backbones)
    if found.best is None:
        raise TrainingError(
            "No backbone could be probed.",
            str(next((row["why"] for row in found.dropped), "")),
            "Choose another backbone.",
        )
    if len(found.held):
        finetune(found)
    return _judge(found)


def rank_backbones(found: Search) -> list[str]:
    """References of the backbones at hand, the best first by a probe on a sample; those too slow
    are left out.
    """
    modality = found.version.info.modality
    cards = [
        card["reference"]
        for card in list_backbones(read_settings())
        if card["modality"] == modality
        and not card["problem"]
        and not card["reference"].startswith("static:")
    ]
    asked = [found.config.backbone] if found.config.backbone else cards[:_MOST]
    if len(asked) == 1:
        return asked
    scores: dict[str, float] = {}
    for reference in asked:
        place = found.folder / "trials" / f"rank-{asked.index(reference)}"
        place.mkdir(parents=True, exist_ok=True)
        until = (
            found.budget.spent + _RANKING * found.budget.seconds / (len(asked) - 1)
            if scores
            else np.inf
        )
        told = RANKING.find(place)
        found.tell(f"Ranking {reference}")
        try:
            if not told:
                heard = trials.Timed(
                    found.progress,
                    f"Ranking {reference}",
                    0.1 / len(asked),
                    found.budget,
                    until,
                    firm=True,
                )
                asked_for = {"backbones": [reference], "rows": _ROWS}
                told = ranking.rank(
                    replace(found.config, kind="rank", options=asked_for),
                    found.blind,
                    place,
                    found.cache,
                    heard,
                )
        except UserError as error:
            found.drop(Candidate("rank", "Ranking", "", reference, {}, 0.0), error)
            continue
        one = told["ranking"][0]
        scores[reference] = one["probe"]["value"]
        found.ranked.append(
            {
                "title": "Ranked on a sample",
                "backbone": reference,
                "part": 0.0,
                "probe": False,
                "accuracy": one["probe"],
                "state": "ranked",
                "why": f"{told['n']} training items",
            }
        )
        if found.stopped():
            break
    return sorted(scores, key=lambda name: -scores[name])


def probe_backbones(found: Search, backbones: list[str]) -> None:
    """Probes: of the best backbone, of the next one, and of all depths of the better one, as far as
    time allows.
    """
    found.progress.log(
        "The first probe is waited for, even where it alone takes longer than the budget."
    )
    for number, reference in enumerate(backbones[:2]):
        until = found.budget.spent + _PROBING * found.budget.seconds if found.best else np.inf
        if found.best and found.stopped():
            return
        found.train(
            candidates.probe(number, reference, found.settings),
            0.05,
            until,
            firm=found.best is not None,
        )
    if found.best is None or found.stopped():
        return
    until = found.budget.spent + _PROBING * found.budget.seconds
    found.train(
        candidates.depths(found.best.candidate.backbone, found.settings), 0.05, until, firm=True
    )


def finetune(found: Search) -> None:
    """Successive halving over what may move, how far, and how pictures vary; then whole trainings
    while time allows.
    """
    if found.best is None or found.stopped():
        return
    backbone = next(
        one.candidate.backbone
        for one in sorted(found.found, key=lambda one: one.standing["log_loss"])
        if not one.candidate.options.get("depth")
    )
    pool = candidates.tuned(backbone, found.version, found.settings)
    estimate = _estimate(found, pool[0])
    if estimate is None:
        return
    whole, pool = 60 * estimate["minutes"], candidates.with_rates(pool, estimate["learning_rate"])
    epochs = estimate["steps"] / estimate["steps_per_epoch"]
    found.keep_for_reading(estimate["step_seconds"] * estimate["steps_per_epoch"])
    count = search.first_round(_CLOSE * found.left / whole, len(pool))
    for part, size in (
        ((search.QUICK, count), (search.HALF, search.second_round(count))) if count > 1 else ()
    ):
        if not size:
            break
        pool = pool[:size]
        tried = [
            one
            for one in (_short(found, candidate, part, epochs, count) for candidate in pool)
            if one
        ]
        pool = _order(tried, pool)
    for candidate in pool:
        seconds = max(
            [one.whole_seconds for one in found.found if one.candidate.recipe == candidate.recipe]
            or [whole]
        )
        share = min(1.0, _CLOSE * found.left / seconds)
        if found.stopped() or share * epochs < 1 or (share < 1 and candidate is not pool[0]):
            return
        found.train(candidate.whole(epochs, share), 0.4, found.budget.spent + found.left)


def _estimate(found: Search, candidate: Candidate) -> Estimate | None:
    """Minutes and learning rate of the plain fine-tuning, from a few of its steps; None where it
    cannot be had.
    """
    place = found.folder / "trials" / "estimate"
    place.mkdir(parents=True, exist_ok=True)
    told = ESTIMATE.find(place)
    if told:
        return told
    own = replace(
        found.config,
        kind="preflight",
        recipe=candidate.recipe,
        backbone=candidate.backbone,
        options=candidate.options,
    )
    found.tell("Measuring a few steps")
    try:
        heard = trials.Timed(found.progress, "Measuring", 0.02, found.budget, np.inf)
        told = preflight.measure(own, found.version, place, found.cache, heard)
    except UserError as error:
        found.drop(candidate, error)
        return None
    ESTIMATE.write(place, told)
    return told


def _short(
    found: Search, candidate: Candidate, part: float, epochs: float, count: int
) -> Found | None:
    """A part of a training, if there is time for it."""
    if found.stopped() or found.left <= 0:
        return None
    return found.train(
        candidate.shorter(part, epochs), 0.3 / (2 * count), found.budget.spent + found.left
    )


def _order(tried: list[Found], pool: list[Candidate]) -> list[Candidate]:
    """Candidates by what they showed; the plain one, the first of them, stays ahead of what is not
    clearly better.
    """
    if not tried:
        return pool[:1]
    by_name = {candidate.title: candidate for candidate in pool}
    order = sorted(tried, key=lambda one: one.standing["log_loss"])
    plain = next((one for one in tried if one.candidate.title == pool[0].title), order[0])
    if plain is not order[0] and not search.clearly_better(order[0].standing, plain.standing):
        order = [plain, *(one for one in order if one is not plain)]
    return [by_name[one.candidate.title] for one in order]


def _judge(found: Search) -> Report:
    """The report of the winner, with the search beside it."""
    best = found.best
    if best is None:  # only for the type checker: `run` has refused
        raise TrainingError("Nothing was trained.", "", "")
    found.tell("Writing the report")
    own = replace(
        found.config,
        recipe=best.candidate.recipe,
        backbone=best.candidate.backbone,
        options=best.candidate.options,
    )
    if not (found.folder / "model").exists():
        (best.folder / "model").rename(found.folder / "model")
    trained = replace(best.trained, yardstick=found.settings.baseline)
    report = judging.judge(own, found.version, trained, found.folder, found.cache, found.progress)
    board = found.board()
    minutes = found.budget.spent / 60
    said = search.sentence(board, minutes, noun_of(found.version.info.modality))
    report["headline"] = f"{said} {report['headline']}"
    report["search"] = search_section(
        said,
        board,
        minutes,
        found.settings.as_dict(),
        len(found.held),
        {"recipe": own.recipe, "backbone": own.backbone, "options": own.options},
    )
    report["timing"]["fit"] = sum(one.seconds for one in found.found)
    found.tell()
    return report
