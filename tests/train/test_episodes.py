"""Fast adaptation: the second-order gradient against finite differences, the sine-wave task,
episodes, formulas by hand, and generated tasks in which learning over episodes must pay.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from tl_core.progress import Progress
from tl_core.train.episodes.inner_loop import adapt
from tl_core.train.episodes.learners import Anil, EpisodeReading, Maml, Prototypes
from tl_core.train.episodes.meta_training import (
    OuterLoop,
    accuracies,
    choose_penalty,
    mean_accuracy,
    meta_train,
    probe_accuracies,
)
from tl_core.train.episodes.sampling import ClassSet, EpisodeShape, draw_many, split_classes

SHAPE = EpisodeShape(ways=5, shots=5, queries=10)


def sine(weights, x):
    """A network of one hidden layer that is asked for a sine wave (Finn et al., 2017, 5.1)."""
    inside = torch.tanh(functional.linear(x, weights["w1"], weights["b1"]))
    return functional.linear(inside, weights["w2"], weights["b2"])


def sine_weights(hidden, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    return {
        "w1": normal(hidden, 1),
        "b1": normal(hidden),
        "w2": normal(1, hidden) / math.sqrt(hidden),
        "b2": normal(1),
    }


def sine_task(random, rows=10):
    """Amplitude 0.1 to 5, phase 0 to pi, x from -5 to 5, as in the paper."""
    height, phase = random.uniform(0.1, 5.0), random.uniform(0, math.pi)
    x = random.uniform(-5, 5, (2, rows, 1))
    y = height * np.sin(x - phase)
    return [torch.from_numpy(part) for part in (x[0], y[0], x[1], y[1])]


def outer_loss(weights, task, *, first_order, steps=2, rate=0.02):
    x, y, asked, truth = task
    adapted = adapt(
        lambda some: functional.mse_loss(sine(some, x), y),
        weights,
        rate,
        steps,
        first_order=first_order,
    )
    return functional.mse_loss(sine(adapted, asked), truth)


def gradient(weights, task, *, first_order):
    leaves = {name: part.clone().requires_grad_() for name, part in weights.items()}
    outer_loss(leaves, task, first_order=first_order).backward()
    return {name: part.grad for name, part in leaves.items()}


def test_the_second_order_gradient_is_that_of_finite_differences():
    weights, task, step = sine_weights(6, 0), sine_task(np.random.default_rng(0)), 1e-6
    second = gradient(weights, task, first_order=False)
    for name, part in weights.items():
        for place in range(part.numel()):
            ends = []
            for sign in (1, -1):
                moved = {key: value.clone() for key, value in weights.items()}
                moved[name].view(-1)[place] += sign * step
                ends.append(float(outer_loss(moved, task, first_order=False)))
            slope = (ends[0] - ends[1]) / (2 * step)
            assert float(second[name].view(-1)[place]) == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_the_first_order_gradient_is_that_at_the_adapted_weights():
    weights, task = sine_weights(6, 1), sine_task(np.random.default_rng(1))
    x, y, asked, truth = task
    adapted = adapt(
        lambda some: functional.mse_loss(sine(some, x), y), weights, 0.02, 2, first_order=True
    )
    there = torch.func.grad(lambda some: functional.mse_loss(sine(some, asked), truth))(adapted)
    first, second = (gradient(weights, task, first_order=one) for one in (True, False))
    for name in weights:
        assert torch.allclose(first[name], there[name])
    assert not torch.allclose(first["w1"], second["w1"], rtol=1e-3)


def test_sine_waves_are_learnt_from_ten_points():
    weights = {
        name: part.requires_grad_() for name, part in sine_weights(32, 0, torch.float32).items()
    }

    def losses(tasks, **options):
        together = [torch.stack(parts).float() for parts in zip(*tasks, strict=True)]
        one = partial(outer_loss, weights, steps=5, rate=0.05, **options)
        return torch.func.vmap(lambda *task: one(task))(*together)

    held = [sine_task(np.random.default_rng(1000 + number)) for number in range(100)]
    before = float(losses(held, first_order=True).mean().detach())
    optimiser, random = torch.optim.Adam(weights.values(), lr=1e-2), np.random.default_rng(0)
    for _ in range(200):
        optimiser.zero_grad()
        losses([sine_task(random) for _ in range(16)], first_order=False).mean().backward()
        optimiser.step()
    assert float(losses(held, first_order=True).mean().detach()) < 0.5 * before


def families(seed=0, classes=30, each=40, width=40, telling=4):
    """Classes that differ in a few directions only, under much larger variation that all share."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(width, width)))[0]
    means = random.normal(size=(classes, telling)) * 2.0
    rows = np.repeat(means, each, axis=0) + random.normal(size=(classes * each, telling))
    noise = random.normal(size=(classes * each, width - telling)) * 5.0
    features = (np.concatenate([rows, noise], axis=1) @ turn).astype(np.float32)
    return ClassSet.of("made", features, np.repeat(np.arange(classes), each), SHAPE.shots)


@pytest.fixture(scope="module")
def judged():
    """Generated tasks: held-out episodes, and the accuracy of each way on them."""
    parts = split_classes([families()], seed=0)
    reading = EpisodeReading.of(parts.learn)
    episodes = draw_many(parts.judge, SHAPE, 40, seed=9)
    loop = OuterLoop(SHAPE, steps=100, rate=4e-3, seed=0)
    c = choose_penalty(parts, SHAPE, (1e-3, 1e-2, 1e-1, 1.0), seed=0)
    found = {"probe": probe_accuracies(episodes, c, 0)}
    torch.manual_seed(0)
    for name, learner in (
        ("prototypes", Prototypes(reading.width)),
        ("anil", Anil(reading.width, 5)),
    ):
        found[f"plain {name}"] = accuracies(learner, reading, episodes)
        found[name] = accuracies(
            meta_train(learner, reading, parts, loop, Progress()), reading, episodes
        )
    return found


@pytest.mark.parametrize("name", ["prototypes", "anil"])
def test_what_episodes_teach_beats_a_probe_from_zero(judged, name):
    learnt, probe = judged[name].mean(), judged["probe"].mean()
    assert learnt > probe + 0.1
    assert learnt > judged[f"plain {name}"].mean() + 0.1


@pytest.mark.parametrize("first_order", [False, True])
def test_maml_adapts_to_classes_that_it_has_not_seen(first_order):
    parts = split_classes([families(seed=3, width=16)], seed=0)
    reading = EpisodeReading.of(parts.learn)
    episodes = draw_many(parts.judge, SHAPE, 30, seed=9)
    torch.manual_seed(0)
    learner = Maml(reading.width, 32, 3, first_order=first_order)
    before = mean_accuracy(learner, reading, episodes)
    meta_train(learner, reading, parts, OuterLoop(SHAPE, 60, 1e-2, 0), Progress())
    assert mean_accuracy(learner, reading, episodes) > before + 0.1


def test_prototypes_are_the_nearest_class_mean_by_hand():
    learner = Prototypes(2)
    support = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [0.0, 6.0]])
    labels = torch.tensor([0, 0, 1, 1])
    query = torch.tensor([[1.0, 1.0], [0.0, 5.0], [3.0, 2.0]])
    logits = learner.logits(support, labels, query, 2)
    distances = torch.tensor([[1.0, 17.0], [26.0, 0.0], [8.0, 18.0]])  # to (1, 0) and (0, 5)
    expected = functional.log_softmax(-8.0 * distances, dim=1)
    assert torch.allclose(functional.log_softmax(logits, dim=1), expected, atol=1e-4)


def test_anil_is_gradient_descent_on_the_head_as_autograd_does_it():
    torch.manual_seed(0)
    learner = Anil(3, steps=4).double()
    learner.map.data = torch.randn(3, 3, dtype=torch.float64)
    support, labels = torch.randn(10, 3, dtype=torch.float64), torch.tensor([0, 1] * 5)
    query = torch.randn(6, 3, dtype=torch.float64)
    rate, mapped = learner.rate.exp(), support @ learner.map.T
    weight = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for _ in range(4):
        loss = functional.cross_entropy(mapped @ weight.T + bias, labels)
        ends = torch.autograd.grad(loss, (weight, bias), create_graph=True)
        weight, bias = weight - rate * ends[0], bias - rate * ends[1]
    expected = (query @ learner.map.T) @ weight.T + bias
    assert torch.allclose(learner.logits(support, labels, query, 2), expected)


def test_another_start_of_the_head_that_is_alike_for_all_classes_changes_nothing():
    support, labels = torch.randn(10, 4), torch.tensor([0, 1] * 5)
    moved = torch.randn(4)
    said = []
    for start in (torch.zeros(4), moved):
        weight = start.repeat(2, 1)
        for _ in range(5):
            truth = functional.one_hot(labels, 2).float()
            gap = functional.softmax(support @ weight.T, dim=1) - truth
            weight = weight - 0.5 * gap.T @ support / 10
        said.append(functional.softmax(support @ weight.T, dim=1))
    assert torch.allclose(*said, atol=1e-5)


@pytest.mark.parametrize("made", [Prototypes, lambda width: Anil(width, 5)])
def test_a_learner_folds_into_one_linear_classifier_on_the_features(made):
    source = families(classes=6, width=12)
    reading = EpisodeReading.of([source])
    torch.manual_seed(0)
    learner = made(reading.width)
    learner.map.data += 0.1 * torch.randn_like(learner.map)
    [episode] = draw_many([source], EpisodeShape(3, 5, 7), 1, seed=0)
    read = reading.read(episode.support), torch.from_numpy(episode.support_labels)
    expected = learner.logits(*read, reading.read(episode.query), 3)
    weight, bias = reading.fold(*learner.head(*read, 3))
    logits = torch.from_numpy(episode.query @ weight.T + bias)
    assert torch.allclose(
        functional.softmax(logits, dim=1).float(), functional.softmax(expected, dim=1), atol=1e-3
    )


def test_parts_share_no_class_and_small_sets_are_only_learnt_from():
    large, small = families(classes=12), families(classes=3)
    parts = split_classes([large, replace(small, name="small")], seed=0)
    taken = [set(one.classes) for one in (parts.learn[0], parts.choose[0], parts.judge[0])]
    assert set.union(*taken) == set(range(12)) and sum(map(len, taken)) == 12
    assert [len(one) for one in taken] == [6, 2, 4] and len(parts.learn[1].classes) == 3
    assert len(parts.choose) == len(parts.judge) == 1
    four = split_classes([families(classes=4)], seed=0)
    assert [len(part[0].classes) for part in (four.learn, four.judge)] == [2, 2] and not four.choose


def test_a_class_of_several_datasets_learns_or_judges_in_all_of_them():
    """Else it would be learnt from in one and be called unseen in another."""
    names = [f"kind {number}" for number in range(12)]
    one = replace(families(classes=12), name="one", called=tuple(names))
    shuffled = [*names[6:], *[f"other {number}" for number in range(6)]]
    two = replace(families(seed=4, classes=12), name="two", called=tuple(shuffled))
    three = replace(families(seed=5, classes=3), name="three", called=tuple(names[:3]))
    for seed in range(20):
        parts = split_classes([one, two, three], seed)
        seen = [
            {each.key(number) for each in part for number in each.classes}
            for part in (parts.learn, parts.choose, parts.judge)
        ]
        assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
        assert all(len(each.classes) > 1 for part in vars(parts).values() for each in part)
        assert parts.learn and parts.judge


def test_episodes_hold_what_their_shape_says_and_no_row_twice():
    source = families(classes=7, each=9)
    other = ClassSet.of("two", source.features[:18], source.labels[:18], 5)
    for episode in draw_many([source, other], SHAPE, 30, seed=1):
        ways = 5 if episode.source == "made" else 2
        assert episode.ways == ways
        assert np.bincount(episode.support_labels).tolist() == [5] * ways
        assert np.bincount(episode.query_labels).tolist() == [4] * ways  # all that are left
        rows = np.concatenate([episode.support, episode.query])
        assert len(np.unique(rows, axis=0)) == len(rows)
    again = draw_many([source, other], SHAPE, 3, seed=1)
    assert np.array_equal(again[2].query, draw_many([source, other], SHAPE, 3, seed=1)[2].query)


def test_classes_of_too_few_rows_are_in_no_episode():
    labels = np.array([0] * 5 + [1] * 6 + [2] * 9 + [-1] * 4)
    found = ClassSet.of("few", np.zeros((24, 2), dtype=np.float32), labels, shots=5)
    assert found.classes == (1, 2)
