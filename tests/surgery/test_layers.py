"""The layers of a backbone from input to output."""

from __future__ import annotations

import pytest
import torch
from tests_support.operated import batch_of, open_plan
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.backbones.load import load_backbone
from tl_core.config import SurgeryPlan
from tl_core.errors import BackboneError
from tl_core.settings import Settings
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.layers import HEAD

FAMILIES = (*TEXT_FAMILIES, *IMAGE_FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_are_ordered_from_input_to_output(tiny, family):
    """The gradient's way: a block's outputs exist before those of the next one."""
    backbone, model, report = open_plan(tiny, family, SurgeryPlan())
    place = {name: report.group_of[name] for name in report.group_of}
    seen = []
    for path, module in model.named_modules():
        own = [f"{path}.{name}" for name, _ in module.named_parameters(recurse=False)]
        group = place.get(own[0], "") if own else ""
        if group.startswith("block "):
            module.register_forward_hook(
                lambda _m, _i, _o, group=group: seen.append(int(group.split()[1]))
            )
    inputs = batch_of(backbone)
    inputs.pop("labels")
    with torch.no_grad():
        model(**inputs)
    assert seen == sorted(seen)
    assert (
        len(set(seen))
        == len([group for group in report.groups if group["name"].startswith("block ")])
        >= 1
    )


def test_an_unknown_family_is_refused_with_a_way_out(tiny):
    backbone = load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings())
    backbone.family = "unheard-of"
    with pytest.raises(BackboneError, match="module order"):
        apply_plan(backbone, SurgeryPlan())
    _, report = apply_plan(
        backbone, SurgeryPlan(unknown_layers="module order", tune="last", blocks=1)
    )
    assert [group["name"] for group in report.groups if group["trainable"]][-1] == HEAD
    assert [
        group["parameters"] for group in report.groups if group["name"].startswith("block")
    ] == [
        8544,
        8544,
    ]
