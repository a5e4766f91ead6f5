"""Shifts that are known, because they were made: a network of the source alone falls, and what
adapts or prepares it regains at least half.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tl_core.surgery.chance.style_mixing import mixed_styles
from tl_core.train.objectives.adversary import DomainAdversary
from tl_core.train.objectives.class_confusion import ClassConfusion
from tl_core.train.objectives.correlations import DeepCoral
from tl_core.train.objectives.objective import Learner, Moment, Step
from tl_core.train.objectives.worst_domain import WorstDomains

STEPS = 300
MEANS = torch.tensor([[2.0, 0.0], [-1.0, 1.8], [-1.0, -1.8]])


def blobs(count, seed, moved=False):
    """Points (count, 2) of three classes; those of the target are scaled and moved."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=random)
    points = MEANS[labels] + 0.4 * torch.randn(count, 2, generator=random)
    return (points * 0.8 + torch.tensor([1.2, 0.9]) if moved else points), labels


def marked(count, seed, moved=False):
    """Points (count, 2) of two classes: one fact tells them; a louder one does so in the source; in
    the target it says nothing but that it is the target.
    """
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (count,), generator=random)
    sign = 2.0 * labels - 1
    core = sign + 0.4 * torch.randn(count, generator=random)
    noise = torch.randn(count, generator=random)
    return torch.stack([core, 2.5 + noise if moved else 1.5 * sign + noise], dim=1), labels


def learn(way, items=blobs, steps=STEPS):
    """Accuracy on target and source of a small network that learns from the source's labels."""
    torch.manual_seed(0)
    body, head = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 8)), nn.Linear(8, 3)
    source, labels = items(300, 0)
    target, _ = items(300, 1, moved=True)

    def read(step):
        places = torch.arange(step.moment.passes * 64, (step.moment.passes + 1) * 64) % 300
        features = body(target[places])
        return features, head(features)

    objective = way(read) if way else None
    optimizer = torch.optim.AdamW([*body.parameters(), *head.parameters()], 3e-3)
    for number in range(steps):
        places = torch.randperm(300)[:64]
        features = body(source[places])
        losses = functional.cross_entropy(head(features), labels[places], reduction="none")
        loss = losses.mean()
        if objective:
            moment = Moment(number, True, number / steps)
            made = (labels[places], head(features), losses)
            loss = loss + objective(Step({}, *made, moment=moment, features=features))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if isinstance(objective, Learner):
            objective.stepped()
    points, truth = items(600, 2, moved=True)
    inside, known = items(600, 3)
    with torch.no_grad():
        there = float((head(body(points)).argmax(1) == truth).float().mean())
        here = float((head(body(inside)).argmax(1) == known).float().mean())
    return there, here


@pytest.fixture(scope="module")
def plain():
    return learn(None)


@pytest.mark.parametrize(
    "way",
    (
        pytest.param(lambda read: DeepCoral(read, 0.0), id="deep_coral"),
        pytest.param(lambda read: ClassConfusion(read, 1.0), id="mcc"),
    ),
)
def test_a_target_that_is_scaled_and_moved_is_reached(plain, way):
    there, here = plain
    assert there < here - 0.1
    adapted, still = learn(way)
    assert adapted > there + (here - there) / 2 and still > 0.85


def test_what_gives_the_target_away_is_no_longer_relied_on():
    """DANN: the network unlearns what tells the domains apart."""
    there, here = learn(None, marked, 2 * STEPS)
    assert there < here - 0.1
    adapted, still = learn(
        lambda read: DomainAdversary(read, 8, 1.0, seed=0, device=torch.device("cpu")),
        marked,
        2 * STEPS,
    )
    assert adapted > there + (here - there) / 2 and still > 0.85


def test_a_domain_with_few_items_is_learnt_as_well():
    """In most items a loud fact goes with the class; in one domain it goes against it."""

    def items(count, seed, against):
        random = torch.Generator().manual_seed(seed)
        labels = torch.randint(0, 2, (count,), generator=random)
        sign = 2.0 * labels - 1
        core = sign + 0.8 * torch.randn(count, generator=random)
        loud = (-sign if against else sign) * 2 + 0.3 * torch.randn(count, generator=random)
        return torch.stack([core, loud], dim=1), labels

    parts = [items(380, 0, False), items(20, 1, True)]
    points, labels = (torch.cat(one) for one in zip(*parts, strict=True))
    domains = torch.tensor([0] * 380 + [1] * 20)
    asked = {against: items(500, 2 + against, against) for against in (False, True)}

    def worst(objective):
        torch.manual_seed(0)
        model = nn.Linear(2, 2)
        optimizer = torch.optim.AdamW(model.parameters(), 0.01)
        for number in range(STEPS):
            places = torch.randperm(400)[:128]
            said = model(points[places])
            losses = functional.cross_entropy(said, labels[places], reduction="none")
            extras = {"domains": domains[places]}
            moment = Moment(number, True, number / STEPS)
            step = Step({}, labels[places], said, losses, extras=extras, moment=moment)
            optimizer.zero_grad()
            (losses.mean() + (objective(step) if objective else 0.0)).backward()
            optimizer.step()
            if objective:
                objective.stepped()
        scores = [float((model(x).argmax(1) == y).float().mean()) for x, y in asked.values()]
        return min(scores), max(scores)

    low, high = worst(None)
    assert low < high - 0.1
    evened, _ = worst(WorstDomains(np.array([0.95, 0.05]), 0.05))
    assert evened > low + (high - low) / 2


def test_a_network_that_has_seen_mixed_styles_does_not_rely_on_style():
    """Brightness tells the class in training and lies afterwards; the pattern always tells it."""

    def pictures(count, seed, lies):
        random = torch.Generator().manual_seed(seed)
        labels = torch.randint(0, 2, (count,), generator=random)
        stripes = torch.ones(8, 8)
        stripes[::2] = -1
        shown = torch.where(labels[:, None, None] == 1, stripes, stripes.T)
        light = (2.0 * labels - 1) * (-1 if lies else 1)
        noise = 0.8 * torch.randn(count, 8, 8, generator=random)
        return (shown + noise + 1.5 * light[:, None, None]).unsqueeze(1), labels

    def lied_to(share):
        torch.manual_seed(0)
        block = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())
        top = nn.Sequential(
            nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
        )
        model = nn.Sequential(block, top)
        optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
        shown, labels = pictures(256, 0, lies=False)
        with mixed_styles(model, [block], share):
            model.train()
            for _ in range(150):
                places = torch.randperm(256)[:64]
                loss = functional.cross_entropy(model(shown[places]), labels[places])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            return [
                float((model(x).argmax(1) == y).float().mean())
                for x, y in (pictures(400, 1, lies=True), pictures(400, 2, lies=False))
            ]

    fallen, before = lied_to(0.0)
    assert fallen < before - 0.1
    regained, _ = lied_to(1.0)
    assert regained > fallen + (before - fallen) / 2
