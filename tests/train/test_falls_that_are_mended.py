"""Data that was made so that plain training falls in a known way: what a setting of fine-tuning is
for, it mends by at least half.

Each test says what goes wrong, in which items, and what should help against it; plain training does
well where nothing has changed (`same`) and badly where something has (`moved`).
"""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tl_core.surgery.chance.stochastic_norm import stochastic_norms
from tl_core.train.loop.averages import DenseAverage, choose_mix
from tl_core.train.loop.checkpoints import copied_state, load_moving
from tl_core.train.objectives.correlations import DomainsAlike
from tl_core.train.objectives.objective import Step
from tl_core.train.objectives.singular_values import SpectralShrinkage
from tl_core.train.objectives.source_classes import CoTuning, SourceHead, relationship


def generator(seed):
    return torch.Generator().manual_seed(seed)


def classes(count, random):
    """Two classes (count,), and the same as -1 and 1."""
    labels = torch.randint(0, 2, (count,), generator=random)
    return labels, 2.0 * labels - 1


def right(model, points, labels):
    """Accuracy."""
    with torch.no_grad():
        return float((model(points).argmax(dim=1) == labels).float().mean())


def mended(plain, other, moved, same):
    """`plain` falls by at least ten points from `same` to `moved` items; `other` regains half."""
    here, there = right(plain, *same), right(plain, *moved)
    assert there < here - 0.1
    assert right(other, *moved) > there + (here - there) / 2


def state_of(model):
    return copied_state(model, {name for name, _ in model.named_parameters()})


def test_steps_that_jump_about_are_averaged_by_swad():
    """A fifth of the labels is wrong and steps are large: the last weights hold what chance has put
    on facts that say nothing, and these are loud in a domain that nobody has seen.
    """

    def items(count, seed, loud, wrong=0.0):
        random = generator(seed)
        labels, sign = classes(count, random)
        core = sign + 0.5 * torch.randn(count, generator=random)
        rest = loud * torch.randn(count, 20, generator=random)
        lies = torch.rand(count, generator=random) < wrong
        return torch.cat([core[:, None], rest], dim=1), torch.where(lies, 1 - labels, labels)

    points, labels = items(400, 0, 1.0, wrong=0.2)
    held, known = items(300, 50, 1.0, wrong=0.2)
    torch.manual_seed(0)
    plain, averaged = nn.Linear(21, 2), nn.Linear(21, 2)
    optimizer = torch.optim.SGD(plain.parameters(), 0.5)
    average, best = DenseAverage(), (np.inf, state_of(plain))
    for _ in range(12):
        for places in torch.randperm(400).split(4):
            loss = functional.cross_entropy(plain(points[places]), labels[places])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.follow(state_of(plain), 0)
        with torch.no_grad():
            loss = float(functional.cross_entropy(plain(held), known))
        average.heard(loss)
        if loss < best[0]:
            best = loss, state_of(plain)
    load_moving(plain, best[1])  # the state that plain training keeps
    load_moving(averaged, average.result())
    mended(plain, averaged, items(1000, 100, 3.0), items(1000, 150, 1.0))


def test_what_differs_between_training_domains_is_not_relied_on_by_coral():
    """A loud fact goes with the class in both training domains, more in one of them; in a third
    domain it goes against it.
    """

    def items(count, seed, loud):
        random = generator(seed)
        labels, sign = classes(count, random)
        core = sign + 0.5 * torch.randn(count, generator=random)
        shown = loud * sign + 0.3 * torch.randn(count, generator=random)
        return torch.stack([core, shown], dim=1), labels

    parts = [items(200, 0, 2.0), items(200, 1, 0.7)]
    points, labels = (torch.cat(one) for one in zip(*parts, strict=True))
    domains = torch.tensor([0] * 200 + [1] * 200)

    def learn(objective):
        torch.manual_seed(0)
        body, head = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 8)), nn.Linear(8, 2)
        optimizer = torch.optim.AdamW([*body.parameters(), *head.parameters()], 3e-3)
        for _ in range(400):
            places = torch.randperm(400)[:64]
            step(body, head, points[places], labels[places], optimizer, objective, domains[places])
        return nn.Sequential(body, head)

    mended(learn(None), learn(DomainsAlike(30.0)), items(1000, 2, -1.0), items(1000, 3, 1.3))


def step(body, head, points, labels, optimizer, objective, domains=None):
    """One step of a body and a head, with what an objective adds."""
    features = body(points)
    said = head(features)
    losses = functional.cross_entropy(said, labels, reduction="none")
    extras = {} if domains is None else {"domains": domains}
    made = Step({}, labels, said, losses, extras=extras, features=features)
    optimizer.zero_grad()
    (losses.mean() + (objective(made) if objective else 0.0)).backward()
    optimizer.step()


def test_a_faint_direction_that_happens_to_fit_is_shut_by_bss():
    """Three facts tell the class fairly well; a faint one tells it always, in the training items
    alone, and the opposite afterwards.
    """

    def items(count, seed, turned):
        random = generator(seed)
        labels, sign = classes(count, random)
        core = sign[:, None] + 1.2 * torch.randn(count, 3, generator=random)
        faint = 0.1 * (-sign if turned else sign) + 0.02 * torch.randn(count, generator=random)
        return torch.cat([core, faint[:, None]], dim=1), labels

    points, labels = items(200, 0, turned=False)

    def learn(objective):
        torch.manual_seed(0)
        body, head = nn.Linear(4, 4), nn.Linear(4, 2)
        with torch.no_grad():
            body.weight.copy_(torch.eye(4))
        optimizer = torch.optim.AdamW([*body.parameters(), *head.parameters()], 0.01)
        for _ in range(400):
            places = torch.randperm(200)[:32]
            step(body, head, points[places], labels[places], optimizer, objective)
        return nn.Sequential(body, head)

    moved, same = items(1000, 1, turned=True), items(1000, 2, turned=False)
    mended(learn(None), learn(SpectralShrinkage(1.0)), moved, same)


def test_batches_that_hold_one_class_each_are_learnt_with_stochastic_normalisation():
    """Items come class by class, as in bursts of one camera: statistics of the batch take away what
    tells the classes; afterwards they come mixed.
    """

    def items(count, seed):
        random = generator(seed)
        labels, sign = classes(count, random)
        return torch.stack([sign, sign / 2], dim=1) + 0.6 * torch.randn(
            count, 2, generator=random
        ), labels

    points, labels = items(400, 0)

    def learn(share, *, bursts=True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
        for _ in range(40):  # the pretraining knew all classes
            model(points[torch.randperm(400)[:64]])
        optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
        with stochastic_norms(model, share) if share else nullcontext():
            for number in range(200):
                rows = (
                    torch.nonzero(labels == number % 2).flatten() if bursts else torch.arange(400)
                )
                places = rows[torch.randperm(len(rows))[:32]]
                loss = functional.cross_entropy(model(points[places]), labels[places])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return model.eval()

    asked = items(1000, 1)
    here, there = right(learn(0.0, bursts=False), *asked), right(learn(0.0), *asked)
    assert there < here - 0.1
    assert right(learn(0.5), *asked) > there + (here - there) / 2


def test_a_network_that_few_items_have_bent_is_mixed_with_its_start_by_wise_ft():
    """Forty items teach thirty facts that say nothing; these are loud afterwards. The start knew
    the one that matters.
    """

    def items(count, seed, loud):
        random = generator(seed)
        labels, sign = classes(count, random)
        core = sign + 0.6 * torch.randn(count, generator=random)
        return torch.cat(
            [core[:, None], loud * torch.randn(count, 30, generator=random)], 1
        ), labels

    points, labels = items(40, 0, 1.0)
    held, known = items(200, 1, 1.0)
    torch.manual_seed(0)
    model, mixed = nn.Linear(31, 2), nn.Linear(31, 2)
    with torch.no_grad():
        for part in model.parameters():
            part.zero_()
        model.weight[:, 0] = torch.tensor([-2.0, 2.0])
    start = state_of(model)
    optimizer = torch.optim.AdamW(model.parameters(), 0.02, weight_decay=0.0)
    for _ in range(300):
        loss = functional.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def judge():
        with torch.no_grad():
            losses = functional.cross_entropy(mixed(held), known, reduction="none")
        return {"log_loss": float(losses.mean())}, losses.numpy()

    choose_mix(mixed, start, state_of(model), judge)
    mended(model, mixed, items(1000, 2, 3.0), items(1000, 3, 1.0))


def test_few_items_in_many_facts_are_learnt_with_the_old_classes_by_co_tuning():
    """Ten items, four facts that tell the old classes and the new ones, and forty that say nothing
    and are loud afterwards; the mean of six draws, since one is mended more than the other.
    """

    def items(count, seed, loud):
        random = generator(seed)
        labels, sign = classes(count, random)
        core = sign[:, None] + torch.randn(count, 4, generator=random)
        return torch.cat([core, loud * torch.randn(count, 40, generator=random)], 1), labels

    old = SourceHead([nn.Linear(4, 4, bias=False)])
    told = [[-1.0] * 4, [1.0] * 4, [-1.0, -1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0]]
    with torch.no_grad():
        old._linears[0].weight.copy_(torch.tensor(told) / 2)

    def learn(seed, strength):
        points, labels = items(10, 10 * seed, 1.0)
        mixtures = relationship(old, points[:, :4].numpy(), labels.numpy(), 2)
        torch.manual_seed(seed)
        body, head = nn.Linear(44, 4), nn.Linear(4, 2)
        with torch.no_grad():
            body.weight.copy_(torch.eye(4, 44))
            body.bias.zero_()
        optimizer = torch.optim.AdamW([*body.parameters(), *head.parameters()], 0.01)
        for _ in range(300):
            step(body, head, points, labels, optimizer, CoTuning(old, mixtures, strength))
        return nn.Sequential(body, head)

    scores = []
    for seed in range(6):
        moved, same = items(1000, 10 * seed + 1, 3.0), items(1000, 10 * seed + 2, 1.0)
        plain = learn(seed, 0.0)
        scores.append([right(plain, *same), right(plain, *moved), right(learn(seed, 10.0), *moved)])
    here, there, other = np.mean(scores, axis=0)
    assert there < here - 0.1
    assert other > there + (here - there) / 2
