"""Losses and schedules against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tl_core.train.loop.averages import DenseAverage, choose_mix, mix
from tl_core.train.loop.callbacks import Average
from tl_core.train.loop.losses import asymmetric_losses, binary_losses, losses_of
from tl_core.train.loop.lr_finder import suggest
from tl_core.train.loop.schedules import factor
from tl_core.train.tasks.multi_label_training import MULTI_LABEL_TRAINING


def test_losses_are_those_of_a_plain_loop():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(6, 4, generator=generator), torch.tensor([0, 3, 2, 1, 1, 0])
    weights = torch.tensor([0.5, 1.0, 2.0, 1.5])
    for gamma in (0.0, 2.0):
        for smoothing in (0.0, 0.1):
            expected = []
            for row, label in zip(logits.double(), labels.tolist(), strict=True):
                logs = row - torch.log(torch.exp(row).sum())
                target = torch.full((4,), smoothing / 4, dtype=torch.float64)
                target[label] += 1 - smoothing
                expected.append(
                    -(target * weights.double() * logs).sum() * (1 - logs[label].exp()) ** gamma
                )
            own = losses_of(logits, labels, weights=weights, gamma=gamma, smoothing=smoothing)
            torch.testing.assert_close(own.double(), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_focal_loss_is_torchvisions_for_two_classes():
    from torchvision.ops import sigmoid_focal_loss

    z = torch.linspace(-3, 3, 7)
    logits, labels = torch.stack([torch.zeros(7), z], dim=1), torch.tensor([0, 1, 0, 1, 0, 1, 0])
    theirs = sigmoid_focal_loss(z, labels.float(), alpha=-1, gamma=2.0)
    torch.testing.assert_close(losses_of(logits, labels, gamma=2.0), theirs)


def test_schedules_are_those_of_torch_and_transformers():
    from torch.optim.lr_scheduler import OneCycleLR
    from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

    def curve(make):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule, out = make(optimizer), []
        for _ in range(50):
            out.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return np.array(out)

    for kind, make in (
        ("linear", lambda o: get_linear_schedule_with_warmup(o, 5, 50)),
        ("cosine", lambda o: get_cosine_schedule_with_warmup(o, 5, 50)),
    ):
        np.testing.assert_allclose(
            [factor(step, 50, kind, 0.1) for step in range(50)], curve(make), atol=1e-9
        )
    theirs = curve(
        lambda o: OneCycleLR(o, 1.0, total_steps=51, pct_start=0.3, cycle_momentum=False)
    )[:50]
    np.testing.assert_allclose(
        [factor(step, 51, "one-cycle", 0.3) for step in range(50)], theirs, atol=1e-6
    )
    assert [factor(step, 10, "constant", 0.0) for step in range(3)] == [1.0] * 3


def test_the_average_follows_slowly_and_counts_are_copied():
    average = Average(0.9)
    average.follow({"w": torch.tensor([0.0]), "n": torch.tensor(1)}, 0)
    expected = 0.0
    for step in range(1, 30):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * 1.0
        average.follow({"w": torch.tensor([1.0]), "n": torch.tensor(step)}, step)
    assert float(average.state["w"]) == pytest.approx(expected, rel=1e-5)
    assert int(average.state["n"]) == 29


def swad_by_hand(losses, epoch):
    """Which steps count, by the paper's rule over all judgements; step s has weight s."""
    count = len(losses)
    begins = [i for i in range(count - 2) if losses[i] == min(losses[i : i + 3])]
    if not begins:
        return range((count - 1) * epoch, count * epoch)
    begin = begins[0]
    limit = 1.3 * sum(losses[begin : begin + 3]) / 3
    ends = [i for i in range(begin, count) if min(losses[i : i + 6]) > limit]
    return range(begin * epoch, (ends[0] if ends else count) * epoch)


@pytest.mark.parametrize(
    "losses",
    (
        (5, 3, 2, 2.2, 2.1, 2.3, 2.2),  # never rises clearly
        (5, 3, 2, 2.2, 2.1, 9, 9, 9, 9, 9, 9, 9, 9),  # clearly over
        (5, 3, 2, 2.2, 2.1, 9, 9, 2.5, 9, 9, 9, 9, 9, 9, 9),  # a later dip counts them in
        (5, 4, 3, 2, 1),  # still falling
        (1, 2, 3),
        (4,),
    ),
)
def test_swad_averages_every_step_of_the_valley_also_over_an_interruption(losses):
    epoch = 4
    for torn in (False, True):
        average = DenseAverage()
        for number, loss in enumerate(losses):
            for step in range(number * epoch, (number + 1) * epoch):
                if torn and step % 7 == 3:
                    kept = {key: value.clone() for key, value in average.as_state().items()}
                    average = DenseAverage()
                    average.restore(kept, {"w": torch.zeros(1), "n": torch.tensor(0)})
                average.follow({"w": torch.tensor([float(step)]), "n": torch.tensor(step)}, step)
            average.heard(float(loss))
        steps = swad_by_hand(losses, epoch)
        result = average.result()
        assert float(result["w"]) == pytest.approx(np.mean(steps), rel=1e-5)
        assert int(result["n"]) == steps[-1]


@pytest.mark.parametrize("average", (Average(0.9), DenseAverage()))
def test_a_restored_average_is_where_the_weights_are(average):
    """A checkpoint is read onto the CPU; a weight elsewhere (here: of another type) is followed."""
    average.follow({"w": torch.ones(1)}, 0)
    state = average.state if isinstance(average, Average) else average.as_state()
    current = {"w": torch.zeros(1, dtype=torch.float64)}
    average.restore({name: value.clone() for name, value in state.items()}, current)
    average.follow({"w": torch.full((1,), 3.0, dtype=torch.float64)}, 1)
    if isinstance(average, DenseAverage):
        average.heard(1.0)
    after = average.state if isinstance(average, Average) else average.result()
    assert after["w"].dtype == torch.float64 and 1 < float(after["w"]) < 3
    assert float(current["w"]) == 0


def test_mixtures_lie_between_their_ends():
    start, end = {"w": torch.tensor([0.0, 2.0])}, {"w": torch.tensor([1.0, 0.0])}
    assert mix(start, end, 0.25)["w"].tolist() == [0.25, 1.5]


def test_the_suggested_rate_lies_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-6, 1, 61)
    losses = 2.0 - 1.5 / (1 + np.exp(-4 * (np.log10(rates) + 3))) + 50 * np.maximum(0, rates - 0.1)
    rate = suggest(
        [{"lr": float(lr), "loss": float(loss)} for lr, loss in zip(rates, losses, strict=True)]
    )
    assert 3e-4 < rate < 3e-3


def test_a_yes_or_no_for_each_label_is_torchs_own_loss():
    from torchvision.ops import sigmoid_focal_loss

    logits, labels = torch.randn(6, 4), torch.randint(0, 2, (6, 4))
    plain = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, labels.float(), reduction="none"
    )
    torch.testing.assert_close(binary_losses(logits, labels), plain)
    torch.testing.assert_close(MULTI_LABEL_TRAINING.losses(logits, labels), plain.sum(1))
    focal = sigmoid_focal_loss(logits, labels.float(), alpha=-1, gamma=2.0)
    torch.testing.assert_close(binary_losses(logits, labels, gamma=2.0), focal)
    weights = torch.tensor([[1.0, 1.0, 1.0, 1.0], [3.0, 1.0, 0.5, 2.0]])
    weighted = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, labels.float(), pos_weight=weights[1], reduction="none"
    )
    torch.testing.assert_close(
        MULTI_LABEL_TRAINING.losses(logits, labels, weights=weights), weighted.sum(1)
    )


def test_the_asymmetric_loss_by_hand():
    """p = .7: a yes costs -ln .7; a no first loses the margin of .05, then counts by its power 4:
    -ln(1 - .65) * .65^4. A no of p = .04 costs nothing.
    """
    logit = torch.logit(torch.tensor([[0.7, 0.7, 0.04]]))
    found = asymmetric_losses(logit, torch.tensor([[1, 0, 0]]))[0]
    wanted = [-np.log(0.7), -np.log(0.35) * 0.65**4, 0.0]
    assert found.tolist() == pytest.approx(wanted, abs=1e-6)


def test_balanced_weights_make_both_sides_of_each_label_alike():
    labels = np.array([[1, 0], [0, 0], [0, 1], [0, 1], [0, 1], [0, 1]])
    counts = MULTI_LABEL_TRAINING.counts(labels, 2)
    no, yes = MULTI_LABEL_TRAINING.class_weights(labels, counts, "balanced")
    assert (counts * yes).tolist() == pytest.approx(((6 - counts) * no).tolist())
    assert (counts * yes + (6 - counts) * no).tolist() == pytest.approx([6, 6])
    plain = MULTI_LABEL_TRAINING.class_weights(labels, counts, "none")
    assert np.allclose(plain, 1)


def test_a_mixture_is_chosen_by_the_losses_by_which_states_are():
    """Not by the raw log loss, which is mended after the training: fine-tuned ends overstate."""
    model = nn.Linear(1, 1, bias=False)
    start, end = {"weight": torch.zeros(1, 1)}, {"weight": torch.ones(1, 1)}

    def judge():
        share = float(model.weight.detach())
        return {"log_loss": 0.1 + share}, np.full(4, abs(share - 0.7))

    share, tried = choose_mix(model, start, end, judge)
    assert share == 0.7 and float(model.weight.detach()) == pytest.approx(0.7)
    assert [round(one["share"], 1) for one in tried] == [n / 10 for n in range(11)]
