"""First step of an automatic search: the backbones at hand, ranked by a probe on a sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tl_core.backbones.describe import list_backbones
from tl_core.errors import UserError
from tl_core.recipes.analyses import backbone_ranking
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
    for number, reference in enumerate(references):
        until = (
            search.budget.spent + _SHARE * search.budget.seconds / (len(references) - 1)
            if scores
            else np.inf
        )
        try:
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
    folder = search.folder / "trials" / f"rank-{number}"
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
    return backbone_ranking.rank(own, search.blind, folder, search.cache, part)
