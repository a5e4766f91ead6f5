"""What adds to the loss: formulas on numbers worked by hand, nothing at the start, and gradients
only where they belong.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from tests_support import tiny_backbones
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import open_setup
from torch import nn

from tl_core.backbones.load import load_backbone
from tl_core.config import FinetuneSettings, SurgeryPlan
from tl_core.errors import ConfigError
from tl_core.settings import Settings
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.layers import HEAD
from tl_core.train.features.examples import inputs_of
from tl_core.train.objectives.objective import Pass, Step
from tl_core.train.objectives.singular_values import SpectralShrinkage
from tl_core.train.objectives.source_classes import (
    CoTuning,
    SourceHead,
    WithoutForgetting,
    relationship,
)
from tl_core.train.objectives.towards_features import FeaturePull
from tl_core.train.objectives.towards_weights import WeightPull


def step_of(features, labels=(0,), mixed=None, kept=1.0, **inputs):
    """A step with these features."""
    extras = {"mixed_labels": torch.tensor(mixed), "kept": torch.tensor(kept)} if mixed else {}
    logits = torch.zeros(len(features), 2)
    return Step(
        inputs,
        torch.tensor(labels),
        logits,
        logits.sum(dim=1),
        extras=extras,
        features=features,
    )


def made(model, batch):
    """A pass of a network over a batch, as the loop makes it."""
    inputs, labels = inputs_of(batch, torch.device("cpu"))
    logits = model(**inputs).logits
    return Pass(inputs, labels, logits, logits.sum(dim=1))


class Fixed:
    """Stands for what a network was seen to give."""

    def __init__(self, *values):
        self._values = list(values)

    def now(self):
        return self._values

    def maps(self, _step):
        return self._values

    def features(self, _step):
        return self._values


def head_of(*rows):
    """A classifier of the pretraining with these weights and no bias."""
    linear = nn.Linear(len(rows[0]), len(rows), bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(rows))
    return SourceHead([linear])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return build(write_pictures(folder / "d", each=14), folder / "v")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    return build(write_texts(folder / "t.csv", 60), folder / "v")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """`known(family)`: a small network with the classes of its pretraining."""
    made = {}

    def make(family):
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family)
            tiny_backbones.write_with_classes(family, made[family])
        return made[family]

    return make


def test_trap_35_the_pull_to_the_start_is_zero_at_the_start_and_leaves_the_head_alone(tiny):
    backbone = load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings())
    model, report = apply_plan(backbone, SurgeryPlan())
    names = set(report.scale_of)
    new = {name for name, group in report.group_of.items() if group == HEAD}
    pull, step = WeightPull(model, names, new, "l2-sp", 0.5), step_of(torch.zeros(1, 2))
    assert float(pull(step).detach()) == 0
    with torch.no_grad():
        for name, value in model.named_parameters():
            value += 1.0 if name in new else 0.01
    count = sum(value.numel() for name, value in model.named_parameters() if name in names - new)
    assert float(pull(step).detach()) == pytest.approx(0.5 * 0.5 * count * 0.01**2, rel=1e-3)
    pull(step).backward()
    assert all(value.grad is None for name, value in model.named_parameters() if name in new)
    plain = WeightPull(model, names, new, "l2", 2.0)
    expected = sum(float(value.detach().pow(2).sum()) for value in model.parameters())
    assert float(plain(step).detach()) == pytest.approx(expected, rel=1e-4)


def test_bss_is_the_sum_of_the_smallest_squared_singular_values():
    by_hand = torch.zeros(3, 5)
    by_hand[0, 1], by_hand[1, 4], by_hand[2, 0] = 3.0, 2.0, 1.0
    assert float(SpectralShrinkage(0.1)(step_of(by_hand))) == pytest.approx(0.1)
    assert float(SpectralShrinkage(0.1, 2)(step_of(by_hand))) == pytest.approx(0.5)
    assert float(SpectralShrinkage(0.1, 9)(step_of(by_hand))) == pytest.approx(1.4)
    features = torch.randn(8, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    expected = np.sort(np.linalg.svd(features.detach().double().numpy(), compute_uv=False))
    value = SpectralShrinkage(1.0, 2)(step_of(features))
    assert float(value.detach()) == pytest.approx((expected[:2] ** 2).sum(), rel=1e-4)
    value.backward()
    u, s, v = np.linalg.svd(features.detach().double().numpy(), full_matrices=False)
    wanted = 2 * sum(s[i] * np.outer(u[:, i], v[i]) for i in (-1, -2))
    np.testing.assert_allclose(features.grad, wanted, atol=1e-5)


def test_delta_by_hand_over_maps_tokens_and_channels_at_the_end():
    """Half of the strength, times the mean over examples of what changed for what there was."""
    then = torch.zeros(2, 3, 2, 2)
    then[0, 0], then[1, 1] = 2.0, 1.0  # mean 4, and mean 1
    now = then.clone()
    now[0, 1] = 2.0  # one channel by 2 at each of its four positions: mean 4
    now[1, 0, 0, 0] = 4.0  # 16 at one position of four: mean 4
    now[1, 2] = 1.0  # and one more channel by 1: mean 1
    step = step_of(torch.zeros(2, 1))
    value = FeaturePull(Fixed(now), Fixed(then), 3.0)(step)
    assert float(value) == pytest.approx(0.5 * 3 * (4 / 4 + 5 / 1) / 2)
    last = FeaturePull(Fixed(now.permute(0, 2, 3, 1)), Fixed(then.permute(0, 2, 3, 1)), 3.0)(step)
    assert float(last) == pytest.approx(float(value))
    both = FeaturePull(Fixed(now, 100 * now), Fixed(then, 100 * then), 3.0)(step)
    assert float(both) == pytest.approx(2 * float(value))  # however large the maps of a network
    tokens, start = torch.full((1, 4, 3), 3.0), torch.ones(1, 4, 3)
    tokens[0, 2:] = 100.0  # what only fills up does not count
    masked = step_of(torch.zeros(1, 1), attention_mask=torch.tensor([[1, 1, 0, 0]]))
    assert float(FeaturePull(Fixed(tokens), Fixed(start), 1.0)(masked)) == pytest.approx(0.5 * 4)
    nothing = FeaturePull(Fixed(then * 0), Fixed(then * 0), 1.0)(step)
    assert float(nothing) == 0


def test_co_tuning_by_hand_mixed_examples_included():
    head = head_of([1.0, 0.0], [0.0, 1.0], [0.0, 0.0])
    features = torch.tensor([[np.log(2.0), 0.0], [0.0, np.log(3.0)]], dtype=torch.float32)
    mixtures = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    first = -(0.5 * np.log(2 / 4) + 0.25 * np.log(1 / 4) + 0.25 * np.log(1 / 4))
    second = -np.log(3 / 5)
    value = CoTuning(head, mixtures, 2.3)(step_of(features, (0, 1)))
    assert float(value) == pytest.approx(2.3 * (first + second) / 2, rel=1e-5)
    other = -(0.5 * np.log(1 / 5) + 0.25 * np.log(3 / 5) + 0.25 * np.log(1 / 5))
    mixed = CoTuning(head, mixtures, 1.0)(step_of(features[1:], (1,), mixed=(0,), kept=0.7))
    assert float(mixed) == pytest.approx(0.7 * second + 0.3 * other, rel=1e-5)


def test_what_a_class_is_made_of_is_the_mean_answer_about_its_rows():
    head = head_of([1.0, -1.0], [0.5, 0.0], [0.0, 2.0])
    random = np.random.default_rng(0)
    features, labels = (
        random.normal(size=(7, 2)).astype(np.float32),
        np.array([0, 1, 1, 0, 2, 2, 2]),
    )
    expected = np.zeros((3, 3))
    for row, label in zip(features, labels, strict=True):
        said = np.exp(np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]]) @ row)
        expected[label] += said / said.sum() / (labels == label).sum()
    own = relationship(head, features, labels, 3)
    np.testing.assert_allclose(own, expected, atol=1e-6)
    np.testing.assert_allclose(own.sum(axis=1), 1)


def test_learning_without_forgetting_by_hand():
    """A divergence of softened answers; none where nothing has changed."""
    head = head_of([1.0, 0.0], [0.0, 1.0])
    before = torch.tensor([[3 * np.log(3.0), 0.0], [0.0, 0.0]], dtype=torch.float32)
    now = torch.tensor([[0.0, 0.0], [0.0, 0.0]], dtype=torch.float32, requires_grad=True)
    value = WithoutForgetting(head, Fixed(before), 4.0, 3.0)(step_of(now, (0, 0)))
    divergence = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    assert float(value.detach()) == pytest.approx(4 * divergence / 2, rel=1e-5)
    value.backward()
    assert now.grad[0].abs().sum() > 0 and now.grad[1].abs().sum() == 0
    assert head._linears[0].weight.grad is None
    same = WithoutForgetting(head, Fixed(before), 4.0, 3.0)(step_of(before, (0, 0)))
    assert float(same) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(
    ("family", "data", "options"),
    (
        ("resnet", "pictures", {"delta": 1.0, "lwf": 4.0}),
        ("vit", "pictures", {"delta": 1.0, "lwf": 4.0, "head": "mlp", "hidden": (8.0,)}),
        ("swin", "pictures", {"delta": 1.0}),
        ("bert", "texts", {"delta": 1.0}),
        ("bert", "texts", {"delta": 1.0, "lora": True}),
    ),
)
def test_trap_35_what_keeps_the_network_is_zero_at_the_start_and_moves_only_what_moves(
    request, tmp_path, tiny, known, family, data, options
):
    """Without chance in the network; afterwards it is what a plain loop over the maps says."""
    folder = known(family) if "lwf" in options else tiny(family)
    setup = open_setup(request.getfixturevalue(data), tmp_path / "s", folder, **options)
    with setup.stack:
        setup.model.eval()
        batch = next(setup.batches())

        def added():
            return setup.objectives.added(made(setup.model, batch))

        assert float(added().detach()) == pytest.approx(0, abs=1e-6)
        with torch.no_grad():
            for name, value in setup.model.named_parameters():
                if setup.report.group_of.get(name) != HEAD and value.requires_grad:
                    value.add_(0.05 * torch.randn_like(value))
        moved = added()
        assert float(moved.detach()) > 1e-4
        moved.backward()
        heads = [
            value
            for name, value in setup.model.named_parameters()
            if setup.report.group_of.get(name) == HEAD
        ]
        assert heads and all(value.grad is None for value in heads)
        source = setup.objectives.parts[0]._source._model
        assert all(value.grad is None for value in source.parameters())
        assert any(value.grad is not None for value in setup.model.parameters())


def test_the_source_stays_what_it_was_while_the_network_moves(tmp_path, known, pictures):
    setup = open_setup(pictures, tmp_path / "s", known("resnet"), delta=1.0, stochastic_norm=0.5)
    with setup.stack:
        source = setup.objectives.parts[0]._source._model
        before = {name: value.clone() for name, value in source.state_dict().items()}
        setup.model.train()
        for _ in range(3):
            setup.objectives.added(made(setup.model, next(setup.batches()))).backward()
        assert all(torch.equal(before[name], value) for name, value in source.state_dict().items())


def test_nothing_chosen_hangs_nothing_on_the_network(tmp_path, tiny, pictures):
    setup = open_setup(pictures, tmp_path / "s", tiny("resnet"))
    with setup.stack:
        assert not setup.objectives and setup.objectives.head_input is None
        looking = [name for name, module in setup.model.named_modules() if module._forward_hooks]
        assert not looking
        assert not any("forward" in vars(module) for module in setup.model.modules())
    kept = open_setup(pictures, tmp_path / "k", tiny("resnet"), delta=1.0, bss=0.001)
    kept.stack.close()
    assert not any(module._forward_hooks for module in kept.model.modules())


@pytest.mark.parametrize(
    ("family", "options", "words"),
    (
        ("vit", {"stochastic_norm": 0.5}, "has none"),
        ("resnet", {"co_tuning": 2.3}, "comes without a classifier"),
        ("resnet", {"lwf": 4.0}, "comes without a classifier"),
    ),
)
def test_what_a_network_lacks_is_refused_in_words_before_a_training_and_in_its_plan(
    tmp_path, tiny, pictures, family, options, words
):
    from tl_core.backbones.describe import layer_tree

    with pytest.raises(ConfigError) as caught:
        open_setup(pictures, tmp_path / "s", tiny(family), **options)
    assert words in caught.value.why and caught.value.try_this
    settings = FinetuneSettings.from_dict(options)
    with pytest.raises(ConfigError, match="needs? a"):
        layer_tree(f"local:{tiny(family)}", Settings(), 2, settings)


@pytest.mark.parametrize(
    "options",
    (
        {"delta": 1.0, "strategy": "scratch"},
        {"lwf": 4.0, "reinit_top": 1},
        {"stochastic_norm": 0.5, "batchnorm": "freeze"},
        {"bss": 0.001, "compile": True},
    ),
)
def test_settings_that_contradict_each_other_are_refused(options):
    with pytest.raises(ConfigError):
        FinetuneSettings.from_dict(options)


def test_several_labels_and_other_features_are_refused_for_the_classes_of_the_pretraining(
    tmp_path, known
):
    lines = ["file,label"]
    write_pictures(tmp_path / "d", each=14)
    for number, path in enumerate(sorted((tmp_path / "d").rglob("*.png"))):
        path.rename(tmp_path / "d" / f"{number}.png")
        lines.append(f"{number}.png,{('a', 'b', 'a;b')[number % 3]}")
    (tmp_path / "d" / "metadata.csv").write_text("\n".join(lines) + "\n")
    several = build(tmp_path / "d", tmp_path / "several")
    assert several.sets.several
    with pytest.raises(ConfigError, match="exactly one class"):
        open_setup(several, tmp_path / "s", known("resnet"), co_tuning=2.3)
    setup = open_setup(several, tmp_path / "t", known("resnet"), lwf=4.0, delta=1.0)
    setup.stack.close()


def test_another_pooling_is_refused_for_the_classes_of_the_pretraining(tmp_path, known, pictures):
    with pytest.raises(ConfigError, match="other features"):
        open_setup(pictures, tmp_path / "s", known("vit"), co_tuning=2.3, pooling="mean")


def test_stochastic_norm_takes_each_channel_from_one_of_the_two_and_leaves_a_plain_network():
    from tl_core.surgery.chance.stochastic_norm import stochastic_norms

    torch.manual_seed(0)
    norm = nn.BatchNorm2d(40)
    with torch.no_grad():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    model = nn.Sequential(norm)
    maps = 3 + 2 * torch.randn(6, 40, 4, 4)
    mean, var = maps.mean((0, 2, 3)), maps.var((0, 2, 3), unbiased=False)
    by_batch = (maps - mean[:, None, None]) / torch.sqrt(var + 1e-5)[:, None, None]
    running_mean, running_var = norm.running_mean.clone(), norm.running_var.clone()
    by_running = (maps - running_mean[:, None, None]) / torch.sqrt(running_var + 1e-5)[
        :, None, None
    ]
    with stochastic_norms(model, 0.5):
        maps.requires_grad_(True)
        said = model.train()(maps)
        said.sum().backward()
        chosen = []
        for channel in range(40):
            near = [
                torch.allclose(said[:, channel], other[:, channel], atol=1e-4)
                for other in (by_batch, by_running)
            ]
            assert sum(near) == 1
            chosen.append(near[1])
        assert 8 < sum(chosen) < 32
        torch.testing.assert_close(norm.running_mean, 0.9 * running_mean + 0.1 * mean)
        model.eval()
        norm.training = True  # as while statistics are computed anew
        torch.testing.assert_close(model(maps), by_batch, atol=1e-4, rtol=1e-4)
        norm.training = False
        plain = nn.BatchNorm2d(40).eval()
        plain.load_state_dict(norm.state_dict())
        assert torch.equal(model(maps), plain(maps))
    assert "forward" not in vars(norm) and type(norm) is nn.BatchNorm2d


def test_the_copy_is_read_once_a_step_however_many_ask(tmp_path, known, pictures):
    setup = open_setup(pictures, tmp_path / "s", known("resnet"), delta=1.0, lwf=4.0)
    with setup.stack, ExitStack() as counting:
        passes = []
        source = setup.objectives.parts[0]._source._model
        handle = source.register_forward_hook(lambda *_: passes.append(1))
        counting.callback(handle.remove)
        setup.objectives.added(made(setup.model, next(setup.batches())))
        assert len(passes) == 1
