"""From the source, on which everything is fitted and chosen, to the target that a model is meant
for.
"""

from __future__ import annotations

from tl_core.data.domains import tested_on_target
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.recipes.shared.proving import Move
from tl_core.surgery.modes import norms_of
from tl_core.train.loop.norm_statistics import follow_anew
from tl_core.train.setup.prepared import Setup


def move_of(setup: Setup, version: DatasetVersion, progress: Progress) -> Move | None:
    """AdaBN, and what adapts: the model is meant for the target, by whose statistics it goes. None
    where nothing changes.
    """
    target, model = setup.target, setup.backbone.model
    if target is None or not setup.backbone.keeper.following:
        return None

    def make() -> None:
        progress.log("From now on the batch statistics are those of the target.")
        follow_anew(model, norms_of(model), target)

    target_judges = tested_on_target(version, setup.settings)
    return Move(make, ("validation",) if target_judges else ("validation", "test"))
