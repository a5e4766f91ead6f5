"""Learning rates and decay of every parameter."""

from __future__ import annotations

import pytest
from tests_support.operated import open_plan
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.config import SurgeryPlan
from tl_core.surgery.lr_groups import parameter_groups, scales

FAMILIES = (*TEXT_FAMILIES, *IMAGE_FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_trap_14_every_moving_parameter_is_in_one_group_and_vectors_never_decay(tiny, family):
    _, model, report = open_plan(tiny, family, SurgeryPlan(layer_decay=0.7))
    groups = parameter_groups(model, report.scale_of, report.group_of, 1e-3, 0.01)
    placed = [parameter for group in groups for parameter in group["params"]]
    assert len(placed) == len({id(p) for p in placed}) == len(report.scale_of)
    for group in groups:
        assert all(
            (p.ndim > 1) == (group["weight_decay"] > 0) or name.endswith(".bias")
            for p, name in zip(group["params"], group["names"], strict=True)
        )


def test_learning_rates_decay_towards_the_input_or_follow_a_slice():
    decayed = scales(5, SurgeryPlan(layer_decay=0.5), 10.0)
    assert decayed == [0.125, 0.25, 0.5, 1.0, 10.0]
    sliced = scales(3, SurgeryPlan(lr_slice=100.0), 10.0)
    assert sliced == pytest.approx([0.01, 0.1, 1.0])


def test_layer_decay_is_timms(tiny):
    """Against timm's own param_groups_layer_decay, on its own network."""
    from timm.optim import param_groups_layer_decay

    _, model, report = open_plan(tiny, "timm", SurgeryPlan(layer_decay=0.75, head_lr=1.0))
    theirs = param_groups_layer_decay(model.timm_model, weight_decay=0.05, layer_decay=0.75)
    scale = {id(p): group["lr_scale"] for group in theirs for p in group["params"]}
    ours = {id(p): report.scale_of[name] for name, p in model.named_parameters()}
    head = {id(p) for p in model.timm_model.get_classifier().parameters()}
    top = max(scale[key] for key in scale if key not in head)
    for key, value in ours.items():
        if key not in head:
            assert value == pytest.approx(scale[key] / top)
