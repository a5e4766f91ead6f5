"""Soft labels: the loss on numbers worked by hand, against torch, and its gradient."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
import torch

from tl_core.train.features.examples import TEACHER
from tl_core.train.objectives.objective import Objectives, Pass
from tl_core.train.unlabelled.soft_labels import FromTeacher, Teaching, taught_losses


def test_two_classes_by_hand():
    """Teacher .8 and .2, student undecided, temperature 2.

    Softened, the teacher says sqrt(.8) and sqrt(.2) over their sum, which is 2/3 and 1/3; the
    divergence from one half each is log 2 - H(2/3, 1/3).
    """
    entropy = -(2 / 3 * log(2 / 3) + 1 / 3 * log(1 / 3))
    expected = 0.5 * 4 * (log(2) - entropy) + 0.5 * 1.25
    loss = taught_losses(
        torch.tensor([1.25]), torch.zeros(1, 2), torch.tensor([[0.8, 0.2]]), Teaching(2.0, 0.5)
    )
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_it_is_that_of_a_plain_loop():
    random = np.random.default_rng(0)
    big, small = random.normal(size=(2, 4, 5))
    hard = random.random(4)
    expected = []
    for teacher, student, labels in zip(big, small, hard, strict=True):
        aim, said = ([exp(z / 3) for z in logits] for logits in (teacher, student))
        aim, said = ([value / sum(side) for value in side] for side in (aim, said))
        gap = sum(p * log(p / q) for p, q in zip(aim, said, strict=True))
        expected.append(0.7 * 9 * gap + 0.3 * labels)
    loss = taught_losses(
        torch.from_numpy(hard),
        torch.from_numpy(small),
        torch.softmax(torch.from_numpy(big), dim=1),
        Teaching(3.0, 0.7),
    )
    assert loss.numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("temperature", (1.0, 4.0))
def test_nothing_is_lost_where_both_agree(temperature):
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = taught_losses(
        torch.zeros(3),
        logits,
        torch.softmax(logits.detach(), dim=1),
        Teaching(temperature, 1.0),
    )
    loss.sum().backward()
    assert float(loss.detach().abs().max()) < 1e-5 and float(logits.grad.abs().max()) < 1e-5


def test_a_teacher_that_is_certain_gives_numbers():
    logits = torch.zeros(1, 3, requires_grad=True)
    loss = taught_losses(
        torch.zeros(1), logits, torch.tensor([[1.0, 0.0, 0.0]]), Teaching(2.0, 1.0)
    )
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_it_adds_what_makes_the_loss_of_the_labels_the_mixture():
    """As an addition to the mean loss of a batch, in parts or as a whole."""
    random = torch.Generator().manual_seed(1)
    logits, other = torch.randn(6, 3, generator=random), torch.randn(6, 3, generator=random)
    said, losses = torch.softmax(other, dim=1), torch.rand(6, generator=random)
    teaching = Teaching(2.0, 0.7)
    wanted = taught_losses(losses, logits, said, teaching).mean()

    def added(some):
        made = Pass(
            {}, torch.zeros(6)[some], logits[some], losses[some], extras={TEACHER: said[some]}
        )
        return Objectives([FromTeacher(teaching)]).added(made)

    assert float(losses.mean() + added(slice(None))) == pytest.approx(float(wanted), rel=1e-6)
    halves = [losses[part].mean() + added(part) for part in (slice(0, 3), slice(3, 6))]
    assert float(sum(halves) / 2) == pytest.approx(float(wanted), rel=1e-6)
