"""Surgery on every family: what is meant to move moves, nothing else does, as the report says."""

from __future__ import annotations

import pytest
import torch
from tests_support.operated import batch_of, moved, open_plan, shake, state_of, take_steps
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.backbones.load import load_backbone
from tl_core.config import SurgeryPlan
from tl_core.errors import BackboneError, ConfigError
from tl_core.settings import Settings
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.layers import HEAD, POOLING
from tl_core.surgery.poolings import mean_layer

FAMILIES = (*TEXT_FAMILIES, *IMAGE_FAMILIES)
# Attention's softmax ignores a shift of the keys, so their biases get no gradient; the listed
# tables and tokens are not read by the forward pass of a classifier of this size.
IGNORED = (
    "key.bias",
    "k_proj.bias",
    "k_lin.bias",
    "key_proj.bias",
    "in_proj_bias",
    "mask_token",
    "token_type",
    "rel_embeddings",
    "relative_position_bias_table",
    "vision_model.post_layernorm",
    "vision_model.head.",
    "position_embeddings.weight",
    "wpe",
    "squeeze_excite",
)
PLANS = {
    "all": SurgeryPlan(),
    "head": SurgeryPlan(tune="head"),
    "last": SurgeryPlan(tune="last", blocks=1),
    "first": SurgeryPlan(tune="first", blocks=1),
    "norms": SurgeryPlan(tune="norms"),
    "lora": SurgeryPlan(lora=True),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", PLANS)
def test_traps_1_and_24_what_is_meant_to_move_moves_and_nothing_else_buffers_included(
    tiny, family, name
):
    """Three real steps in train mode; the optimiser is built after the surgery."""
    backbone, model, report = open_plan(tiny, family, PLANS[name])
    shake(model, family)
    before = state_of(model)
    take_steps(model, report, batch_of(backbone))
    changed, meant = moved(before, model), set(report.scale_of)
    assert changed <= meant
    still = {part for part in meant - changed if not any(word in part for word in IGNORED)}
    assert not still
    assert report.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layer_tree_from_the_meta_device_equals_the_loaded_model(tiny, family):
    plan = SurgeryPlan(tune="last", blocks=1, layer_decay=0.8)
    backbone, model, report = open_plan(tiny, family, plan)
    shapes, shadow, drawn = open_plan(tiny, family, plan, meta=True)
    assert drawn.groups == report.groups
    assert shapes.port == backbone.port
    assert (
        drawn.total
        == sum(p.numel() for p in model.parameters())
        == sum(p.numel() for p in shadow.parameters())
    )
    assert {name for name, _ in shadow.named_modules()} == {
        name for name, _ in model.named_modules()
    }
    assert all(parameter.is_meta for parameter in shadow.parameters())


@pytest.mark.parametrize("family", ("bert", "modernbert", "vit", "resnet", "timm"))
def test_trap_23_from_scratch_nothing_is_left_of_the_pretraining(tiny, family):
    _, model, report = open_plan(tiny, family, SurgeryPlan(scratch=True), seed=7)
    pretrained, _, _ = open_plan(tiny, family, SurgeryPlan())
    known = dict(pretrained.model.named_parameters())
    same = [
        name
        for name, value in model.named_parameters()
        if value.ndim > 1 and name in known and torch.equal(value, known[name])
    ]
    assert same == [] and report.notes == ["all weights are random"]


def test_trap_5_weights_that_are_no_finite_float32_numbers_are_refused(tiny):
    backbone = load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings())
    backbone.model.bert.pooler.dense.weight.data[0, 0] = float("nan")
    with pytest.raises(BackboneError, match="not a finite float32"):
        apply_plan(backbone, SurgeryPlan())


def test_the_mean_layer_never_learns_and_its_closed_form_trains_the_same(tiny):
    backbone, _, report = open_plan(tiny, "bert", SurgeryPlan(pooling="mean"))
    assert next(one for one in report.groups if one["name"] == POOLING)["trainable"] == 0
    inputs = batch_of(backbone)
    inputs.pop("labels")
    backbone.model.eval()
    with torch.no_grad():
        whole = backbone.model(**inputs).logits
        with mean_layer.training_shortcut(backbone.model):
            short = backbone.model(**inputs).logits
        again = backbone.model(**inputs).logits
    torch.testing.assert_close(short, whole, atol=1e-5, rtol=1e-4)
    assert torch.equal(again, whole)


def test_reinitialised_blocks_differ_and_the_others_stay(tiny):
    untouched, _, _ = open_plan(tiny, "vit", SurgeryPlan())
    backbone, model, report = open_plan(tiny, "vit", SurgeryPlan(reinit_top=1))
    known = dict(untouched.model.named_parameters())
    changed = {
        name for name, value in model.named_parameters() if not torch.equal(value, known[name])
    }
    assert changed and all(name.startswith("vit.layers.1.") for name in changed)
    weights = torch.cat(
        [value.flatten() for name, value in model.named_parameters() if name in changed]
    )
    assert float(weights.detach().std()) < 0.2
    assert report.reinitialised[-1]["name"] == "block 2"


def test_patterns_choose_by_name_and_say_when_nothing_matches(tiny):
    _, _, report = open_plan(tiny, "bert", SurgeryPlan(tune="pattern", pattern=r"attention\.self"))
    outside = [name for name in report.scale_of if report.group_of[name] != HEAD]
    assert outside and all("attention.self" in name for name in outside)
    with pytest.raises(ConfigError, match="matches the pattern"):
        open_plan(tiny, "bert", SurgeryPlan(tune="pattern", pattern="nowhere"))


def test_plans_that_contradict_themselves_are_refused_in_words():
    for options, words in (
        ({"scratch": True, "lora": True}, "From scratch"),
        ({"tune": "pattern"}, "no pattern"),
        ({"tune": "pattern", "pattern": "("}, "cannot be read"),
        ({"layer_decay": 0.9, "lr_slice": 10.0}, "both set"),
        ({"head": "mlp", "hidden": ()}, "mlp"),
    ):
        with pytest.raises(ConfigError, match=words):
            SurgeryPlan(**options)
