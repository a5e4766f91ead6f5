"""Surgery on every family: what is meant to move moves, nothing else does, and the report says
so.
"""

from __future__ import annotations

import copy

import pytest
import torch
from PIL import Image
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.config import SurgeryPlan
from tl_core.errors import BackboneError, ConfigError
from tl_core.models import mean_layer, surgery
from tl_core.models.backbones import load_backbone, save_classifier
from tl_core.models.classifier import load_classifier
from tl_core.models.depth import HEAD, POOLING, layer_groups
from tl_core.models.lr_groups import parameter_groups, scales
from tl_core.models.modes import is_batchnorm
from tl_core.settings import Settings

FAMILIES = (*TEXT_FAMILIES, *IMAGE_FAMILIES)
TEXTS = ["my order is late", "a good film, the best", "money back", "is the film good?"]
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
BATCHNORM = ("resnet", "mobilenet_v2", "efficientnet", "timm")


def open_plan(tiny, family, plan, *, meta=False, **options):
    reference = f"local:{tiny(family)}"
    backbone = load_backbone(
        reference,
        ["a", "b", "c"],
        Settings(),
        pooling=plan.pooling,
        scratch=plan.scratch,
        meta=meta,
        **options,
    )
    return backbone, *surgery.apply(backbone, plan)


def batch_of(backbone):
    torch.manual_seed(0)
    pictures = [Image.effect_noise((40, 36), 80).convert("RGB") for _ in range(4)]
    inputs = backbone.encode(TEXTS if backbone.modality == "text" else pictures)
    return {**inputs, "labels": torch.tensor([0, 1, 2, 1])}


def state_of(model):
    return {
        name: value.detach().clone()
        for name, value in [*model.named_parameters(), *model.named_buffers()]
    }


def shake(model, family):
    """Trained norms and layer scales are not 0 or 1e-6, through which no gradient of three steps is
    seen.
    """
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if (
                value.ndim == 1
                and not name.endswith("bias")
                and "lora" not in name
                and family != "efficientnet"
            ):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))


def take_steps(model, report, batch, lr=1e-2):
    optimizer = torch.optim.Adam(
        [
            {"params": group["params"], "lr": group["lr"]}
            for group in parameter_groups(model, report.scale_of, report.group_of, lr, 0.0)
        ],
        eps=1e-30,
    )
    batch = dict(batch)
    labels = batch.pop("labels")
    for _ in range(3):
        model.train()
        torch.nn.functional.cross_entropy(model(**batch).logits, labels).backward()
        optimizer.step()
        optimizer.zero_grad()


def moved(before, model):
    return {name for name, value in state_of(model).items() if not torch.equal(before[name], value)}


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


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layer_tree_from_the_meta_device_equals_the_loaded_model(tiny, family):
    plan = SurgeryPlan(tune="last", blocks=1, layer_decay=0.8)
    backbone, model, report = open_plan(tiny, family, plan)
    shapes, shadow, drawn = open_plan(tiny, family, plan, meta=True)
    assert [vars(group) for group in drawn.groups] == [vars(group) for group in report.groups]
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
        == len([group for group in report.groups if group.name.startswith("block ")])
        >= 1
    )


@pytest.mark.parametrize(
    "family", ("bert", "gpt2", "vit", "swin", "convnext", "resnet", "mobilenet_v2", "timm")
)
def test_traps_3_and_15_lora_merged_saved_and_loaded_gives_equal_logits(tiny, tmp_path, family):
    """Batch statistics that followed the data included; tied weights are saved once."""
    plan = SurgeryPlan(lora=True, batchnorm="adapt")
    backbone, model, report = open_plan(tiny, family, plan)
    batch = batch_of(backbone)
    take_steps(model, report, batch)
    batch.pop("labels")
    model.eval()
    with torch.inference_mode():
        before = model(**batch).logits
    backbone.model = surgery.merge(model)
    save_classifier(backbone, tmp_path / "m")
    again = load_classifier(tmp_path / "m").model
    with torch.inference_mode():
        torch.testing.assert_close(again(**batch).logits, before, atol=5e-4, rtol=1e-3)
    assert not any("lora" in name for name, _ in again.named_parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_trap_4_every_layer_without_pretrained_weights_learns_under_lora(tiny, family):
    backbone, _, report = open_plan(tiny, family, SurgeryPlan(lora=True))
    learning = {surgery.plain_name(name) for name in report.scale_of}
    assert backbone.missing <= learning


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
        surgery.apply(backbone, SurgeryPlan())


def test_the_mean_layer_never_learns_and_its_closed_form_trains_the_same(tiny):
    backbone, _, report = open_plan(tiny, "bert", SurgeryPlan(pooling="mean"))
    assert next(group for group in report.groups if group.name == POOLING).trainable == 0
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


def test_an_unknown_family_is_refused_with_a_way_out(tiny):
    backbone = load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings())
    backbone.family = "unheard-of"
    with pytest.raises(BackboneError, match="module order"):
        surgery.apply(backbone, SurgeryPlan())
    _, report = surgery.apply(
        backbone, SurgeryPlan(unknown_layers="module order", tune="last", blocks=1)
    )
    assert [group.name for group in report.groups if group.trainable][-1] == HEAD
    assert [group.parameters for group in report.groups if group.name.startswith("block")] == [
        8544,
        8544,
    ]


def test_an_mlp_head_is_grafted_trained_and_found_again(tiny, tmp_path):
    plan = SurgeryPlan(head="mlp", hidden=(16.0, 8.0), activation="gelu", head_dropout=0.1)
    backbone, model, report = open_plan(tiny, "resnet", plan)
    assert report.reinitialised[-1] == {
        "name": "classifier.1",
        "old": [3, 16],
        "new": [16, 16, 8, 3],
    }
    batch = batch_of(backbone)
    take_steps(model, report, batch)
    batch.pop("labels")
    model.eval()
    with torch.inference_mode():
        before = model(**batch).logits
    save_classifier(backbone, tmp_path / "m")
    with torch.inference_mode():
        torch.testing.assert_close(load_classifier(tmp_path / "m").model(**batch).logits, before)


@pytest.mark.parametrize(
    "family", ("bert", "distilbert", "gpt2", "vit", "swin", "convnext", "resnet", "clip", "timm")
)
@pytest.mark.parametrize("pooling", ("cls", "mean", "max", "concat"))
def test_poolings_are_what_a_plain_loop_makes_of_the_last_hidden_state(
    tiny, tmp_path, family, pooling
):
    backbone, model, _ = open_plan(tiny, family, SurgeryPlan(pooling=pooling))
    if not backbone.graft:
        return  # these families average natively, which test_families covers
    inputs = batch_of(backbone)
    inputs.pop("labels")
    with torch.inference_mode():
        encoder = model.backbone
        hidden = (
            encoder.forward_features(inputs["pixel_values"])
            if family == "timm"
            else encoder(**inputs).last_hidden_state
        )
        if hidden.ndim == 4:
            hidden = hidden.flatten(2).transpose(1, 2)
        rows = []
        for number, row in enumerate(hidden):
            kept = (
                row[inputs["attention_mask"][number].bool()] if "attention_mask" in inputs else row
            )
            parts = {
                "cls": [row[0]],
                "mean": [kept.mean(0)],
                "max": [kept.max(0).values],
                "concat": [kept.mean(0), kept.max(0).values],
            }[pooling]
            rows.append(torch.cat(parts))
        expected = model.classifier(torch.stack(rows))
        torch.testing.assert_close(model(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
    save_classifier(backbone, tmp_path / "m")
    with torch.inference_mode():
        torch.testing.assert_close(
            load_classifier(tmp_path / "m").model(**inputs).logits, expected, atol=1e-5, rtol=1e-4
        )


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
