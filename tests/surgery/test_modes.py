"""Which parts of a network are in training mode while it trains."""

from __future__ import annotations

import copy

import pytest
import torch
from tests_support.operated import batch_of, moved, open_plan, state_of, take_steps

from tl_core.config import SurgeryPlan
from tl_core.surgery.layers import layer_groups
from tl_core.surgery.modes import is_batchnorm

BATCHNORM = ("resnet", "mobilenet_v2", "efficientnet", "timm")


@pytest.mark.parametrize("family", BATCHNORM)
def test_batch_statistics_follow_the_data_only_when_asked(tiny, family):
    for policy, expected in (("freeze", False), ("eval", False), ("adapt", True)):
        backbone, model, report = open_plan(
            tiny, family, SurgeryPlan(batchnorm=policy, tune="head")
        )
        before = state_of(model)
        take_steps(model, report, batch_of(backbone))
        statistics = [name for name in moved(before, model) if "running_" in name]
        assert bool(statistics) is expected
        assert any(is_batchnorm(module) for module in model.modules())


@pytest.mark.parametrize("family", ("bert", "vit", "distilbert", "swin"))
def test_trap_2_a_frozen_trunk_says_the_same_twice_in_train_mode(tiny, family):
    def spread(plan):
        backbone, model, _ = open_plan(tiny, family, plan)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.5
        for module in model.modules():  # attention drops by a number of its own
            for attribute in ("dropout_prob", "attention_dropout"):
                if isinstance(getattr(module, attribute, None), float):
                    setattr(module, attribute, 0.5)
        seen = []
        first = next(
            module
            for name, module in model.named_modules()
            if backbone.family in name or name == ""
        )
        trunk = getattr(first, "base_model", first)
        trunk.register_forward_hook(lambda _m, _i, out: seen.append(out[0].detach().clone()))
        inputs = batch_of(backbone)
        inputs.pop("labels")
        for _ in range(2):
            model.train()
            model(**inputs)
        return float((seen[0] - seen[1]).abs().max())

    assert spread(SurgeryPlan(tune="head")) == 0
    assert spread(SurgeryPlan(tune="head", frozen_dropout=True)) > 0


def test_a_copy_of_the_model_keeps_its_modes(tiny):
    """The hook that settles the modes survives what loops do to a model."""
    backbone, model, _ = open_plan(tiny, "resnet", SurgeryPlan(tune="head"))
    twin = copy.deepcopy(model)
    inputs = batch_of(backbone)
    inputs.pop("labels")
    twin.train()
    twin(**inputs)
    assert layer_groups(twin, "resnet", ["classifier.1"])
    backbone.model.train()
    backbone.model(**inputs)
    assert not any(module.training for module in backbone.model.modules() if is_batchnorm(module))
