"""Runs that differ in nothing but their seed: their mean and spread, and which of them is shown."""

from __future__ import annotations

import streamlit as st

from pages.shell import problems
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.evaluate.seed_spread import siblings, spread
from tl_core.registry.run import Run


def show(runs: list[Run], scores: dict[str, float], shown: str = "") -> None:
    """One line for each group of seeds among `runs`, of which `scores` (by id) are accuracies on
    the same items.
    """
    with problems.caught():
        configs = {run.id: RunConfig.read(run.folder) for run in runs if run.id in scores}
    for group in siblings(configs):
        if shown and shown not in group:
            continue
        config = configs[group[0]]
        own = f" This is seed {configs[shown].settings.seed}." if shown else ""
        st.caption(
            f":material/casino: {plain(config.recipe)} · {plain(config.backbone or 'no backbone')},"
            f" {spread([scores[key] for key in group]).sentence()}{own} They differ in the seed"
            " alone: expect their average on new items, not the best of them."
        )
