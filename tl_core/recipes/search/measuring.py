"""A few steps of an automatic search's plain fine-tuning, measured where it will be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.config import RunConfig
from tl_core.errors import UserError
from tl_core.progress import Part
from tl_core.recipes.analyses.estimate import measure
from tl_core.recipes.cluster.parts import do_elsewhere
from tl_core.recipes.search.candidates import Candidate
from tl_core.recipes.search.state import Search
from tl_core.recipes.shared import trials
from tl_core.results import ESTIMATE, Estimate


def estimate_of(search: Search, candidate: Candidate) -> Estimate | None:
    """Minutes and learning rate of the plain fine-tuning, from a few of its steps; None where it
    cannot be had.
    """
    place = search.folder / "trials" / "estimate"
    place.mkdir(parents=True, exist_ok=True)
    known = ESTIMATE.find(place)
    if known:
        return known
    own = replace(
        search.config,
        kind="preflight",
        recipe=candidate.recipe,
        backbone=candidate.backbone,
        options=candidate.options,
    )
    search.tell("Measuring a few steps")
    part = trials.Timed(search.progress, "Measuring", 0.02, search.budget, np.inf)
    try:
        if search.at_once > 1:  # where it will be trained
            return _estimate_elsewhere(search, own, place, part)
        estimate = measure(own, search.version, place, search.cache, part)
    except UserError as error:
        search.drop(candidate, error)
        return None
    ESTIMATE.write(place, estimate)
    return estimate


def _estimate_elsewhere(search: Search, own: RunConfig, place: Path, part: Part) -> Estimate:
    """The same on a machine of the cluster.

    Raises:
        TrainingError: where it cannot be had.
    """
    own.write(place)
    failed = do_elsewhere(
        {place: part}, 1, search.folder, search.cache, search.progress, called="Steps", share=0.02
    )
    if failed:
        raise failed[place]
    return ESTIMATE.load(place)
