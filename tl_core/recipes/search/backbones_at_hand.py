"""First step of an automatic search: the backbones at hand, ranked by a probe on a sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.backbones.describe import list_backbones
from tl_core.errors import TrainingError, UserError
from tl_core.recipes.analyses import backbone_ranking
from tl_core.recipes.cluster.parts import do_elsewhere
from tl_core.recipes.search.candidates import Candidate
from tl_core.recipes.search.state import Search
from tl_core.recipes.shared import trials
from tl_core.results import RANKING, RankedBackbones
from tl_core.settings import Settings, read_settings

_SHARE = 0.2  # of the budget that may go to the ranking
_ROWS = 500  # of the sample
_MOST = 6  # backbones that are ranked


def rank_backbones(search: Search) -> list[str]:
    """References of the backbones at hand, the best first by a probe on a sample; those too slow
    are left out.
    """
    references = _at_hand(search)
    if len(references) == 1:
        return references
    scores: dict[str, float] = {}
    errors = _rank_elsewhere(search, references) if search.at_once > 1 else {}
    for number, reference in enumerate(references):
        until = (
            search.budget.spent + _SHARE * search.budget.seconds / (len(references) - 1)
            if scores
            else np.inf
        )
        try:
            if error := errors.get(reference):
                raise error
            ranking = _rank(search, reference, number, 0.1 / len(references), until)
        except UserError as error:
            search.drop(Candidate("rank", "Ranking", "", reference, {}, 0.0), error)
            continue
        accuracy = ranking["ranking"][0]["probe"]
        scores[reference] = accuracy["value"]
        search.ranked.append(
            {
                "title": "Ranked on a sample",
                "backbone": reference,
                "part": 0.0,
                "probe": False,
                "accuracy": accuracy,
                "state": "ranked",
                "why": f"{ranking['n']} training items",
            }
        )
        if search.stopped():
            break
    return sorted(scores, key=lambda name: -scores[name])


def _rank_elsewhere(search: Search, references: list[str]) -> dict[str, TrainingError]:
    """Rank each on a machine of the cluster, all but the first in a share of the time; gives what
    went wrong.
    """
    places = [_folder(search, number) for number in range(len(references))]
    parts = backbone_ranking.write_parts(search.config, references, places, rows=_ROWS)
    end = search.budget.spent + _SHARE * search.budget.seconds
    heard = {
        part: trials.Timed(
            search.progress,
            f"Ranking {reference}",
            1.0,
            search.budget,
            end if number else np.inf,
            firm=True,
        )
        for number, (part, reference) in enumerate(zip(parts, references, strict=True))
        if RANKING.find(part) is None
    }
    if not heard:
        return {}
    search.tell("Ranking backbones")
    failed = do_elsewhere(
        heard,
        search.at_once,
        search.folder,
        search.cache,
        search.progress,
        called="Backbones",
        share=0.1,
    )
    return {references[parts.index(part)]: error for part, error in failed.items()}


def _folder(search: Search, number: int) -> Path:
    return search.folder / "trials" / f"rank-{number}"


def _at_hand(search: Search) -> list[str]:
    """The backbone that was chosen, or those that read such items."""
    if search.config.backbone:
        return [search.config.backbone]
    modality, settings = search.version.info.modality, read_settings()
    references: list[str] = [
        card["reference"]
        for card in list_backbones(settings)
        if card["modality"] == modality
        and not card["problem"]
        and not card["reference"].startswith("static:")
        and not _may_be_of_others(card["reference"], settings)
    ]
    return references[:_MOST]


def _may_be_of_others(reference: str, settings: Settings) -> bool:
    """Whether it was uploaded to a server where several people sign in: then it is only taken when
    it was chosen, which the registry has allowed.
    """
    kind, _, name = reference.partition(":")
    uploaded = settings.home_path / "models" / name
    return bool(settings.sign_in) and kind == "local" and uploaded.exists()


def _rank(
    search: Search, reference: str, number: int, share: float, until: float
) -> RankedBackbones:
    """The ranking of one backbone alone, or what was kept of it before an interruption.

    Raises:
        UserError: when it cannot be used, or is too slow.
    """
    folder = _folder(search, number)
    folder.mkdir(parents=True, exist_ok=True)
    known = RANKING.find(folder)
    search.tell(f"Ranking {reference}")
    if known:
        return known
    part = trials.Timed(
        search.progress, f"Ranking {reference}", share, search.budget, until, firm=True
    )
    options = {"backbones": [reference], "rows": _ROWS}
    own = replace(search.config, kind="rank", options=options)
    backbone_ranking.rank_one(own, search.blind, folder, search.cache, part)
    return RANKING.load(folder)
