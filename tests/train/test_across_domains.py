"""What adapts to another domain: formulas on numbers worked by hand, and against other people's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tl_core.config import FinetuneSettings
from tl_core.errors import ConfigError
from tl_core.surgery.chance.style_mixing import mix_styles, mixed_styles
from tl_core.train.features.examples import Examples
from tl_core.train.features.marked import Marked
from tl_core.train.objectives.adversary import (
    DomainAdversary,
    adaptation_share,
    reversed_gradient,
)
from tl_core.train.objectives.class_confusion import class_confusion
from tl_core.train.objectives.correlations import DeepCoral, DomainsAlike, correlation_distance
from tl_core.train.objectives.objective import Moment, Objectives, Step
from tl_core.train.objectives.target_reading import TargetReader
from tl_core.train.objectives.worst_domain import WorstDomains


def step_of(features, losses=None, domains=None, moment=None):
    """A step with these features, losses and domains."""
    logits = torch.zeros(len(features), 2)
    extras = {} if domains is None else {"domains": torch.tensor(domains)}
    return Step(
        {},
        torch.zeros(len(features), dtype=torch.long),
        logits,
        logits.sum(dim=1) if losses is None else losses,
        extras=extras,
        moment=moment,
        features=features,
    )


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_correlation_distance_by_hand_and_by_numpy():
    source = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])  # covariance [[2, 0], [0, 0]]
    target = torch.tensor([[0.0, 2.0], [0.0, -2.0]])  # covariance [[0, 0], [0, 8]]
    assert float(correlation_distance(source, target)) == pytest.approx((4 + 64) / 16)
    one, other = draw(9, 5), draw(7, 5, seed=1)
    apart = np.cov(one.numpy().T) - np.cov(other.numpy().T)
    expected = (apart**2).sum() / (4 * 5**2)
    assert float(correlation_distance(one, other)) == pytest.approx(expected, rel=1e-5)
    assert float(correlation_distance(one, one + 3)) == pytest.approx(0, abs=1e-10)
    scaled = DeepCoral(lambda _step: (other, other), 0.0)(step_of(one))
    assert float(scaled) == pytest.approx(5 * expected, rel=1e-5)
    assert float(DeepCoral(lambda _step: (other, other), 1.0)(step_of(one[:1]))) == 0


def test_training_domains_are_compared_pair_by_pair():
    features, domains = draw(12, 3), (0, 0, 0, 0, 2, 2, 2, 5, 5, 5, 5, 7)  # a single item of 7
    parts = [features[torch.tensor(domains) == one].double().numpy() for one in (0, 2, 5)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean(
        [
            ((parts[a].mean(axis=0) - parts[b].mean(axis=0)) ** 2).mean()
            + ((np.cov(parts[a].T) - np.cov(parts[b].T)) ** 2).mean()
            for a, b in pairs
        ]
    )
    alike = DomainsAlike(2.0)
    assert float(alike(step_of(features, domains=domains))) == pytest.approx(2 * expected, rel=1e-5)
    by_hand = torch.tensor([[1.0], [3.0], [5.0], [5.0]])  # means 2 and 5, variances 2 and 0
    assert float(DomainsAlike(1.0)(step_of(by_hand, domains=(0, 0, 1, 1)))) == pytest.approx(13)
    assert float(alike(step_of(features, domains=[4] * 12))) == 0


def test_class_confusion_is_that_of_a_plain_loop():
    logits = draw(6, 3)
    said = np.exp(logits.double().numpy() / 2.5)
    said /= said.sum(axis=1, keepdims=True)
    weights = [1 + math.exp(sum(p * math.log(p) for p in row)) for row in said]
    weights = [len(said) * one / sum(weights) for one in weights]
    matrix = [
        [sum(weights[i] * said[i][a] * said[i][b] for i in range(6)) for b in range(3)]
        for a in range(3)
    ]
    shares = [[cell / sum(row) for cell in row] for row in matrix]
    expected = sum(shares[a][b] for a in range(3) for b in range(3) if a != b) / 3
    assert float(class_confusion(logits)) == pytest.approx(expected, rel=1e-5)
    sure = torch.eye(3).repeat(2, 1) * 200
    assert float(class_confusion(sure)) == pytest.approx(0, abs=1e-6)
    assert float(class_confusion(torch.zeros(4, 3))) == pytest.approx(2 / 3, rel=1e-5)


def test_the_reversed_gradient_and_the_schedule_of_the_paper():
    values = torch.ones(2, requires_grad=True)
    (3 * reversed_gradient(values, 0.5)).sum().backward()
    assert values.grad.tolist() == [-1.5, -1.5]
    assert adaptation_share(0.0) == 0
    assert adaptation_share(0.1) == pytest.approx(2 / (1 + math.exp(-1)) - 1)
    assert adaptation_share(1.0) == pytest.approx(0.9999, abs=1e-4)


def test_the_adversary_learns_and_the_network_gets_its_gradient_turned_round():
    target = draw(5, 4, seed=1) + 1
    features = draw(5, 4).requires_grad_(True)
    adversary = DomainAdversary(
        lambda _step: (target, target), 4, 2.0, seed=0, device=torch.device("cpu")
    )
    step = step_of(features, moment=Moment(0, True, 0.1))
    value = adversary(step)
    plain = features.detach().clone().requires_grad_(True)
    said = adversary.network(torch.cat([plain, target])).squeeze(1)
    wanted = torch.tensor([1.0] * 5 + [0.0] * 5)
    expected = functional.binary_cross_entropy_with_logits(said, wanted)
    assert float(value.detach()) == pytest.approx(float(expected.detach()))
    value.backward()
    own = [one.grad.clone() for one in adversary.network.parameters()]
    expected.backward()
    torch.testing.assert_close(features.grad, -2 * adaptation_share(0.1) * plain.grad)
    for before, both in zip(own, adversary.network.parameters(), strict=True):
        torch.testing.assert_close(2 * before, both.grad)  # in full, and added to the first
    first = float(value.detach())
    for passes in range(1, 40):
        adversary(step_of(features.detach(), moment=Moment(passes, True, 0.1))).backward()
        adversary.stepped()
    assert float(adversary(step).detach()) < first / 2


def test_what_a_checkpoint_holds_of_an_adversary_lets_it_go_on_as_if_nothing_had_been():
    target = draw(5, 4, seed=1)

    def made():
        reader = lambda _step: (target, target)  # noqa: E731
        return DomainAdversary(reader, 4, 0.0, seed=3, device=torch.device("cpu"))

    def learn(adversary, passes):
        for number in passes:
            adversary(step_of(draw(5, 4, seed=number), moment=Moment(number, True, 0.5))).backward()
            adversary.stepped()

    whole, torn, again = made(), made(), made()
    learn(whole, range(6))
    learn(torn, range(3))
    kept = {name: value.clone() for name, value in Objectives([torn]).state().items()}
    Objectives([again]).restore(kept)
    learn(again, range(3, 6))
    for one, other in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_domains_with_a_high_loss_gain_weight_as_worked_by_hand():
    worst = WorstDomains(np.array([0.5, 0.25, 0.25]), 0.5)
    losses = torch.tensor([1.0, 3.0, 2.0, 4.0], requires_grad=True)
    value = worst(step_of(draw(4, 2), losses, (0, 0, 2, 2), Moment(0, True, 0.0)))
    # a third over its share: 2/3 for the first domain, 4/3 for the last
    assert float(value.detach()) == pytest.approx((-1 / 3 * 4 + 1 / 3 * 6) / 4, rel=1e-5)
    value.backward()
    np.testing.assert_allclose(losses.grad, np.array([-1, -1, 1, 1]) / 12, rtol=1e-5)
    worst.stepped()
    grown = np.array([math.exp(0.5 * 2), 1.0, math.exp(0.5 * 3)])
    np.testing.assert_allclose(worst.weights, grown / grown.sum(), rtol=1e-5)
    # a step without the first domain: its loss is the last one known
    worst(step_of(draw(1, 2), torch.tensor([5.0]), (1,), Moment(1, True, 0.0)))
    worst.stepped()
    grown *= [math.exp(0.5 * 2), math.exp(0.5 * 5), math.exp(0.5 * 3)]
    np.testing.assert_allclose(worst.weights, grown / grown.sum(), rtol=1e-5)
    again = WorstDomains(np.array([0.5, 0.25, 0.25]), 0.5)
    again.restore({name: one.clone() for name, one in worst.state().items()})
    for one in (worst, again):
        one(step_of(draw(1, 2), torch.tensor([1.0]), (2,), Moment(2, True, 0.0)))
        one.stepped()
    assert torch.equal(again.weights, worst.weights)
    measured = WorstDomains(np.full(3, 1 / 3), 0.5)
    measured(step_of(draw(4, 2), losses.detach(), (0, 0, 2, 2)))
    assert measured.weights.tolist() == pytest.approx([1 / 3] * 3)  # measuring teaches nothing


@pytest.mark.parametrize("parts", (1, 4, 16))
def test_a_rare_domain_with_a_high_loss_comes_to_count_in_however_many_parts(parts):
    """As in a plain loop of the paper that draws as many examples of each domain."""
    shares, losses, rate = np.array([0.6, 0.37, 0.03]), np.array([0.5, 0.6, 1.5]), 0.01
    random, worst = np.random.default_rng(0), WorstDomains(shares, rate)
    plain, gradient = np.full(3, 1 / 3), np.zeros(3)
    for number in range(500):
        places = random.choice(3, 32, p=shares)
        for part, some in enumerate(np.split(places, parts)):
            own = torch.tensor(losses[some], dtype=torch.float32, requires_grad=True)
            moment = Moment(number * parts + part, part == 0, 0.0)
            total = own.mean() + worst(step_of(draw(len(some), 2), own, tuple(some), moment))
            (total / parts).backward()
            if number >= 400:
                np.add.at(gradient, some, own.grad.numpy() / 100)
        worst.stepped()
        plain *= np.exp(rate * losses)
        plain /= plain.sum()
    np.testing.assert_allclose(worst.weights, plain, atol=0.03)
    np.testing.assert_allclose(gradient, plain, atol=0.2)


def test_mixed_styles_lie_between_two_pictures_and_keep_what_is_seen():
    torch.manual_seed(0)
    maps = 5 * draw(4, 3, 6, 6) + draw(4, 3, 1, 1, seed=1) * 10
    mixed = mix_styles(maps)
    mean, spread = maps.mean((2, 3)), maps.std((2, 3))
    own_mean, own_spread = mixed.mean((2, 3)), mixed.std((2, 3))
    for picture in range(4):
        fits = []
        for other in range(4):
            apart = mean[other] - mean[picture]
            share = ((own_mean[picture] - mean[picture]) * apart).sum() / apart.pow(2).sum()
            share = share.nan_to_num(0.0)
            between = torch.allclose(
                own_mean[picture], mean[picture] + share * apart, atol=1e-3
            ) and torch.allclose(
                own_spread[picture],
                spread[picture] + share * (spread[other] - spread[picture]),
                atol=1e-3,
            )
            fits.append(between and -1e-4 <= float(share) <= 1 + 1e-4)
        assert any(fits)
    bare = (maps - mean[..., None, None]) / spread[..., None, None]
    torch.testing.assert_close(
        (mixed - own_mean[..., None, None]) / own_spread[..., None, None],
        bare,
        atol=1e-4,
        rtol=1e-4,
    )
    assert (mixed - maps).abs().max() > 0.1


def test_styles_are_mixed_in_training_alone_and_the_network_is_plain_afterwards():
    block = nn.Conv2d(3, 4, 3)
    model, pictures = nn.Sequential(block), draw(4, 3, 8, 8)
    plain = model(pictures)
    with mixed_styles(model, [block], 1.0):
        assert not torch.equal(model.train()(pictures), plain)
        assert torch.equal(model.eval()(pictures), plain)
    assert torch.equal(model.train()(pictures), plain)


class Numbered(Examples):
    """Examples that are their own numbers."""

    def __init__(self, count):
        self.labels = np.full(count, -1)

    def __getitems__(self, keys):
        places = torch.tensor([float(place) for _, place in keys])
        return {"values": places[:, None], "labels": torch.full((len(keys),), -1)}


class Echo(nn.Module):
    """Answers with what it reads."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, values):
        self.seen.append(values.flatten().tolist())
        return type("Output", (), {"logits": values})()

    width = 1

    def features(self, inputs):
        return inputs["values"]


def test_each_item_of_the_target_is_read_once_before_any_is_read_again():
    echo = Echo()
    reader = TargetReader(echo, echo, Numbered(10), seed=0)
    steps = [step_of(draw(5, 1), moment=Moment(number, True, 0.0)) for number in range(4)]
    for step in steps:
        features, _ = reader(step)
        assert reader(step)[0] is features  # one pass for all who ask
    assert len(echo.seen) == 4
    assert sorted(echo.seen[0] + echo.seen[1]) == list(range(10))
    assert sorted(echo.seen[2] + echo.seen[3]) == list(range(10))
    assert echo.seen[:2] != echo.seen[2:]
    resumed = Echo()
    TargetReader(resumed, resumed, Numbered(10), seed=0)(steps[3])
    assert resumed.seen == echo.seen[3:]


def test_marked_examples_say_their_domain():
    marked = Marked(Numbered(4), np.array([1, 0, 2, 0]))
    batch = marked.__getitems__([(0, 2), (0, 3)])
    assert batch["domains"].tolist() == [2, 0] and batch["values"].flatten().tolist() == [2, 3]
    assert len(marked) == 4 and marked.lengths is None


@pytest.mark.parametrize(
    "options",
    (
        {"adaptation": "dann"},
        {"group_dro": 0.01},
        {"domain_coral": 1.0},
        {"domain_coral": 1.0, "domain_column": "shop", "processes": 2},
        {"target_domain": "sketch"},
        {"adaptation": "adabn", "target_domain": "unlabelled", "batchnorm": "freeze"},
        {"adaptation": "mcc", "target_domain": "unlabelled", "processes": 2},
        {"mix_style": 0.5, "compile": True},
        {"stochastic_norm": 0.5, "activations": "recompute"},
        {"stochastic_norm": 0.5, "adaptation": "mcc", "target_domain": "unlabelled"},
    ),
)
def test_settings_that_cannot_work_are_refused(options):
    with pytest.raises(ConfigError):
        FinetuneSettings.from_dict(options)
