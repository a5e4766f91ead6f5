"""Recipe `auto`: the best model that can be found within some minutes.

The steps, top to bottom: rank the backbones at hand on a sample; probe the best, at its end and at
all depths; measure a few steps of fine-tuning, and share the time that is left among candidates by
successive halving; keep the training that leads on the validation items. No step sees a test
label; they are opened once, for the winner, which is then an ordinary run of its own recipe.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import TrainingError
from tl_core.evaluate import search as halving
from tl_core.evaluate.report import Report, search_section
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.recipes.search import candidates
from tl_core.recipes.search.backbones_at_hand import rank_backbones
from tl_core.recipes.search.candidates import Candidate
from tl_core.recipes.search.measuring import estimate_of
from tl_core.recipes.search.state import Search, Tried
from tl_core.recipes.shared import judging, trials
from tl_core.results import SEARCH

_PROBING = 0.15  # share of the budget that may go to each probe but the first
_CLOSE = 0.9  # share of the time left that a whole training is planned to take


def run(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Report:
    """Search, judge the winner, and say what was tried; the winner's model lands in
    `folder/model`.
    """
    search = Search(
        config,
        version,
        folder,
        cache,
        progress,
        trials.Budget(folder / SEARCH.name, 60 * config.settings.budget_minutes),
    )
    backbones = rank_backbones(search)
    probe_backbones(search, backbones)
    if search.best is None:
        raise TrainingError(
            "No backbone could be probed.",
            str(next((row["why"] for row in search.dropped), "")),
            "Choose another backbone.",
        )
    if len(search.held):
        finetune(search)
    return _judge(search)


def probe_backbones(search: Search, backbones: list[str]) -> None:
    """Probes: of the best backbone, of the next one, and of all depths of the better one, as far as
    time allows.
    """
    search.progress.log(
        "The first probe is waited for, even where it alone takes longer than the budget."
    )
    for number, reference in enumerate(backbones[:2]):
        until = search.budget.spent + _PROBING * search.budget.seconds if search.best else np.inf
        if search.best and search.stopped():
            return
        search.train(
            candidates.probe(number, reference, search.settings),
            0.05,
            until,
            firm=search.best is not None,
        )
    if search.best is None or search.stopped():
        return
    until = search.budget.spent + _PROBING * search.budget.seconds
    search.train(
        candidates.depths(search.best.candidate.backbone, search.settings), 0.05, until, firm=True
    )


def finetune(search: Search) -> None:
    """Successive halving over what may move, how far, and how pictures vary; then whole trainings
    while time allows.
    """
    if search.best is None or search.stopped():
        return
    backbone = next(
        one.candidate.backbone
        for one in sorted(search.tried, key=lambda one: one.standing["log_loss"])
        if not one.candidate.options.get("depth")
    )
    pool = candidates.tuned(backbone, search.version, search.settings)
    estimate = estimate_of(search, pool[0])
    if estimate is None:
        return
    whole, pool = 60 * estimate["minutes"], candidates.with_rates(pool, estimate["learning_rate"])
    epochs = estimate["steps"] / estimate["steps_per_epoch"]
    search.keep_for_reading(estimate["step_seconds"] * estimate["steps_per_epoch"])
    pool = _halve(search, pool, epochs, whole)
    for first in range(0, len(pool), search.at_once):
        chosen = _planned(search, pool[first : first + search.at_once], epochs, whole, first)
        if search.stopped() or not chosen:
            return
        search.train_all(chosen, 0.4)


def _planned(
    search: Search, pool: list[Candidate], epochs: float, whole: float, first: int
) -> list[Candidate]:
    """Those of `pool`, which begins at place `first`, that there is time to train: whole, or the
    very first one in part.
    """
    chosen = []
    for number, candidate in enumerate(pool, first):
        seconds = max(
            [one.whole_seconds for one in search.tried if one.candidate.recipe == candidate.recipe]
            or [whole]
        )
        share = min(1.0, _CLOSE * search.left / seconds)
        if share * epochs < 1 or (share < 1 and number):
            break
        chosen.append(candidate.whole(epochs, share))
    return chosen


def _halve(search: Search, pool: list[Candidate], epochs: float, whole: float) -> list[Candidate]:
    """The candidates by what short trainings showed, the best first; a whole training takes
    `whole` seconds.
    """
    count = halving.first_round(_CLOSE * search.left / whole, len(pool), search.at_once)
    rounds = ((halving.QUICK, count), (halving.HALF, halving.second_round(count)))
    for part, size in rounds if count > 1 else ():
        if not size:
            break
        pool = pool[:size]
        short = [candidate.shorter(part, epochs) for candidate in pool]
        pool = _order(search.train_all(short, 0.3 / (2 * count)), pool)
    return pool


def _order(tried: list[Tried], pool: list[Candidate]) -> list[Candidate]:
    """Candidates by what they showed; the plain one, the first of them, stays ahead of what is not
    clearly better.
    """
    if not tried:
        return pool[:1]
    by_name = {candidate.title: candidate for candidate in pool}
    order = sorted(tried, key=lambda one: one.standing["log_loss"])
    plain = next((one for one in tried if one.candidate.title == pool[0].title), order[0])
    if plain is not order[0] and not halving.clearly_better(order[0].standing, plain.standing):
        order = [plain, *(one for one in order if one is not plain)]
    return [by_name[one.candidate.title] for one in order]


def _judge(search: Search) -> Report:
    """The report of the winner, with the search beside it."""
    best = search.best
    if best is None:  # only for the type checker: `run` has refused
        raise TrainingError("Nothing was trained.", "", "")
    search.tell("Writing the report")
    own = replace(
        search.config,
        recipe=best.candidate.recipe,
        backbone=best.candidate.backbone,
        options=best.candidate.options,
    )
    if not (search.folder / "model").exists():
        (best.folder / "model").rename(search.folder / "model")
    trained = replace(best.trained, yardstick=search.settings.baseline)
    report = judging.judge(
        own, search.version, trained, search.folder, search.cache, search.progress
    )
    board = search.board()
    minutes = search.budget.spent / 60
    sentence = halving.sentence(board, minutes, items_of(search.version.info.modality))
    report["headline"] = f"{sentence} {report['headline']}"
    report["search"] = search_section(
        sentence,
        board,
        minutes,
        search.settings.as_dict(),
        len(search.held),
        {"recipe": own.recipe, "backbone": own.backbone, "options": own.options},
    )
    report["timing"]["fit"] = sum(one.seconds for one in search.tried)
    search.tell()
    return report
