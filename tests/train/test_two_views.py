"""Two views of an item: the loss on numbers worked by hand, and that a network learns to tell
items apart.
"""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.datasets import build

from tl_core.backbones.load import load_backbone
from tl_core.config import FinetuneSettings
from tl_core.progress import Progress
from tl_core.settings import read_settings
from tl_core.train.features.examples import inputs_of
from tl_core.train.items.item_training import TrainingData, training_of
from tl_core.train.loop.pair_tuning import embedding
from tl_core.train.unlabelled.pretraining import Budget, pretrain
from tl_core.train.unlabelled.two_views import TwoViews, nt_xent


def test_pairs_that_are_equal_and_others_at_right_angles():
    """Each vector has its partner at cosine 1 and two others at 0: -log(e / (e + 2))."""
    views = torch.eye(2)
    assert float(nt_xent(views, 3 * views, 1.0)) == pytest.approx(log(exp(1) + 2) - 1)


def test_a_temperature_divides_the_cosines():
    """At .5: partner at 2, others at 0."""
    views = torch.eye(2)
    assert float(nt_xent(views, views, 0.5)) == pytest.approx(log(exp(2) + 2) - 2)


def test_it_is_that_of_a_plain_loop():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 5, 7))
    every = np.concatenate([first, second])
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    losses = []
    for one in range(10):
        partner = (one + 5) % 10
        others = sum(exp(every[one] @ every[k] / 0.2) for k in range(10) if k != one)
        losses.append(-log(exp(every[one] @ every[partner] / 0.2) / others))
    ours = nt_xent(torch.from_numpy(first), torch.from_numpy(second), 0.2)
    assert float(ours) == pytest.approx(np.mean(losses), rel=1e-5)


def checkered(root):
    """Pictures of sixteen coloured fields each, no two of them alike."""
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for number in range(14):
            fields = random.integers(0, 255, (4, 4, 3), dtype=np.uint8)
            picture = Image.fromarray(fields).resize((40, 40), Image.Resampling.NEAREST)
            picture.save(root / label / f"{number}.png")
    return root


@pytest.fixture
def objective(tmp_path, tiny):
    version = build(checkered(tmp_path / "p"), tmp_path / "v")
    backbone = load_backbone(f"local:{tiny('resnet')}", ["a", "b"], read_settings(), seed=0)
    rows = version.rows_of("train")
    labels = np.full(version.info.rows, -1)
    data = TrainingData(version, {"train": rows, "validation": rows[:0]}, labels, 0, tmp_path / "c")
    settings = FinetuneSettings(augment="light")
    prepared = training_of("image").examples(settings, backbone, data, Progress())
    return backbone, TwoViews(backbone, prepared.train, 0.2, 0)


def found(backbone, objective):
    """How often the other view is the most alike of all."""
    keys = [(2 + view, place) for view in (0, 1) for place in range(len(objective))]
    inputs, _ = inputs_of(objective._examples.__getitems__(keys), torch.device("cpu"))
    with torch.no_grad(), embedding(backbone) as embed:
        first, second = torch.nn.functional.normalize(embed(inputs), dim=1).chunk(2)
    return float(((first @ second.T).argmax(1) == torch.arange(len(first))).float().mean())


def test_a_network_learns_to_find_the_other_view(objective, tmp_path):
    backbone, views = objective
    before = found(backbone, views)
    head = backbone.model.get_submodule(backbone.port.names[0]).weight.clone()
    done = pretrain(views, Budget(10.0, 9, 3e-3), 0, tmp_path / "run", Progress())
    assert done.steps == done.planned and done.last_loss < done.first_loss
    assert found(backbone, views) > before
    assert torch.equal(head, backbone.model.get_submodule(backbone.port.names[0]).weight)
