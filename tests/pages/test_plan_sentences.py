"""What the Design page says of recipes that draw no layers."""

from __future__ import annotations

import pytest

from pages.sections.items.item_pages import pages_of
from pages.sections.train import plan
from tl_core.config import RunConfig
from tl_core.recipes import RECIPES

DRAWN = {"probe", "finetune", "ladder", "auto"}  # the layers, or words of their own
NEEDED = {"adapt": {"domain_column": "shop", "target_domain": "south"}}


@pytest.mark.parametrize("modality", ["text", "image", "audio"])
@pytest.mark.parametrize("recipe", sorted(set(RECIPES) - DRAWN))
def test_only_the_baseline_is_said_to_read_no_backbone(recipe, modality):
    options = NEEDED.get(recipe, {})
    config = RunConfig("train", "ann", backbone="starter:text", recipe=recipe, options=options)
    words = plan.sentence(config, modality)
    assert (pages_of(modality).baseline_features in words) == (recipe == "baseline")
