"""Batch statistics: momentum in torch's meaning, and running statistics that belong to the weights
that are judged.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tl_core.backbones.open import settle_momentum
from tl_core.surgery.modes import norms_of
from tl_core.train.loop.norm_statistics import follow_anew, statistics_hash


class Pictures:
    """Random items of three channels, as the examples of a training give them."""

    def __init__(self, count, shift=2.0):
        self.values = (
            torch.randn(count, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 3 + shift
        )

    def __len__(self):
        return len(self.values)

    def __getitems__(self, keys):
        places = [place for _, place in keys]
        return {
            "pixel_values": self.values[places],
            "labels": torch.zeros(len(places), dtype=torch.long),
        }


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm2d(3, momentum=0.2), nn.Dropout(0.5)

    def forward(self, pixel_values):
        return self.drop(self.norm(pixel_values))


@pytest.mark.parametrize("family", ("mobilenet_v1", "mobilenet_v2", "efficientnet"))
def test_momenta_of_tensorflow_are_not_taken_for_torchs(family):
    """The share of the newest batch, not the share that stays; families whose numbers are torch's
    are left alone.
    """
    import transformers as t

    model = {
        "mobilenet_v1": lambda: t.MobileNetV1ForImageClassification(
            t.MobileNetV1Config(depth_multiplier=0.25)
        ),
        "mobilenet_v2": lambda: t.MobileNetV2ForImageClassification(
            t.MobileNetV2Config(depth_multiplier=0.35)
        ),
        "efficientnet": lambda: t.EfficientNetForImageClassification(
            t.EfficientNetConfig(width_coefficient=0.2, depth_coefficient=0.2, hidden_dim=64)
        ),
    }[family]()
    assert (
        max(module.momentum for module in norms_of(model)) > 0.9
    )  # else this test is no longer needed
    settle_momentum(model)
    assert {module.momentum for module in norms_of(model)} == {0.1}


def test_momenta_of_torch_and_plain_averages_stay():
    model = nn.Sequential(
        nn.BatchNorm2d(3, momentum=0.03), nn.BatchNorm2d(3, momentum=None), nn.BatchNorm2d(3)
    )
    settle_momentum(model)
    assert [module.momentum for module in model] == [0.03, None, 0.1]


@pytest.mark.parametrize("family", ("mobilenet_v2", "efficientnet"))
def test_every_way_to_open_a_network_settles_its_momentum(tiny, family):
    from tl_core.backbones.load import load_backbone
    from tl_core.settings import read_settings

    for scratch in (False, True):
        backbone = load_backbone(
            f"local:{tiny(family)}", ["a", "b"], read_settings(), scratch=scratch
        )
        assert all(module.momentum <= 0.5 for module in norms_of(backbone.model))


@pytest.mark.parametrize("count", (2, 63, 64, 130, 200))
def test_statistics_are_those_of_the_items(count):
    model, examples = Network(), Pictures(count)
    model.train()
    model.norm.running_mean.fill_(99.0)
    follow_anew(model, norms_of(model), examples)
    means, spreads = (how(examples.values, dim=(0, 2, 3)) for how in (torch.mean, torch.var))
    torch.testing.assert_close(model.norm.running_mean, means, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(model.norm.running_var, spreads, atol=1e-3, rtol=1e-3)
    assert model.training and model.norm.training and model.norm.momentum == 0.2


def test_what_lies_between_classes_is_in_the_variance_of_items_in_the_order_of_their_classes():
    model, examples = Network(), Pictures(256)
    within = examples.values.var(dim=(0, 2, 3))
    examples.values += torch.arange(4.0).repeat_interleave(64)[:, None, None, None] * 5
    follow_anew(model, norms_of(model), examples)
    whole = examples.values.var(dim=(0, 2, 3))
    assert (whole > within + 25).all()
    torch.testing.assert_close(model.norm.running_var, whole, atol=0.5, rtol=0.05)


def test_statistics_stay_where_nothing_follows_or_a_single_item_is_there():
    model = Network()
    before = statistics_hash(norms_of(model))
    follow_anew(model, [], Pictures(8))
    follow_anew(model, norms_of(model), Pictures(1))
    assert statistics_hash(norms_of(model)) == before
    follow_anew(model, norms_of(model), Pictures(8))
    assert statistics_hash(norms_of(model)) != before
