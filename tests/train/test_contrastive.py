"""Pairs of texts: which are drawn, and that learning from them pulls classes apart."""

from __future__ import annotations

from collections import Counter
from math import comb

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.config import ContrastiveSettings, RunConfig
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.train.loop.pair_tuning import draw_pairs


@pytest.mark.parametrize("counts", ((8, 8, 8), (20, 5), (2, 2), (1, 9)))
def test_as_many_alike_as_unlike_and_never_a_text_with_itself(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    pairs, alike, possible = draw_pairs(labels, 10**6, 0)
    assert possible == comb(len(labels), 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert (alike == (labels[pairs[:, 0]] == labels[pairs[:, 1]])).all()
    assert alike.sum() * 2 == len(pairs)
    seen = Counter(tuple(sorted(pair)) for pair in pairs.tolist())
    assert len(seen) == possible  # each pair at least once ...
    for kind in (0, 1):  # ... and none of a kind more than once oftener than another
        times = [
            count for pair, count in seen.items() if (labels[pair[0]] == labels[pair[1]]) == kind
        ]
        assert max(times) - min(times) <= 1


def test_pairs_are_capped_and_drawn_by_the_seed():
    labels = np.arange(3000) % 6
    pairs, alike, _ = draw_pairs(labels, 500, 1)
    assert len(pairs) == 500 and alike.sum() == 250
    assert np.array_equal(pairs, draw_pairs(labels, 500, 1)[0])
    assert not np.array_equal(pairs, draw_pairs(labels, 500, 2)[0])


def test_a_class_of_single_texts_has_only_unlike_pairs():
    pairs, alike, possible = draw_pairs(np.arange(4), 100, 0)
    assert len(pairs) == possible == 6 and not alike.any()


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 90), tmp_path / "v")


def trained(version, tmp_path, backbone, name="run", **options):
    (tmp_path / name).mkdir()
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        backbone,
        "contrastive",
        {"max_length": 16, "baseline": False, "pairs": 1600, "learning_rate": 1e-3, **options},
    )
    return run_recipe(config, version, tmp_path / name, tmp_path / "cache", Progress())


@pytest.mark.parametrize("family", ("bert", "distilbert", "gpt2"))
def test_the_encoder_moves_and_the_saved_folder_says_what_was_judged(
    family, version, tiny, tmp_path
):
    report = trained(version, tmp_path, f"local:{tiny(family)}")
    tuning = report["contrastive"]
    assert tuning["steps"] == tuning["planned_steps"] == 100 and tuning["pairs"] == 1600
    assert tuning["loss"] < 0.4  # where nothing is learnt: 0.5, all cosines near 1
    assert max(report["parity"]["pipeline"] or 0.0, report["parity"]["auto_classes"]) < 1e-4
    assert (
        report["validation"]["kind"] == "split"
    )  # a cross-validation would ask texts that the encoder has seen
    load_classifier(tmp_path / "run" / "model")


def test_the_same_seed_gives_the_same_weights(version, tiny, tmp_path):
    reports = [
        trained(version, tmp_path, f"local:{tiny('bert')}", name, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    losses = [report["test"]["log_loss"]["value"] for report in reports]
    assert losses[0] == losses[1] != losses[2]


def test_test_labels_take_no_part(version, tiny, tmp_path, monkeypatch):
    from tl_core.data.versions.store import DatasetVersion
    from tl_core.recipes import contrastive

    seen = []
    real = contrastive.pull_apart
    monkeypatch.setattr(
        contrastive,
        "pull_apart",
        lambda backbone, examples, *rest: (
            seen.append(np.array(examples.labels)),
            real(backbone, examples, *rest),
        )[1],
    )
    trained(version, tmp_path, f"local:{tiny('bert')}")
    assert (
        len(seen[0]) == len(DatasetVersion(version.folder).rows_of("train"))
        and (seen[0] >= 0).all()
    )


def test_pictures_are_refused_in_words(tiny, tmp_path):
    version = build(write_pictures(tmp_path / "p", each=8), tmp_path / "v")
    with pytest.raises(DataError, match="need texts"):
        trained(version, tmp_path, f"local:{tiny('resnet')}")


def test_the_loss_is_the_squared_error_of_the_cosine():
    """The objective as its paper has it, on vectors whose cosines are known."""
    one, other = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    wanted = torch.tensor([1.0, 1.0])
    loss = torch.nn.functional.mse_loss(torch.nn.functional.cosine_similarity(one, other), wanted)
    assert float(loss) == pytest.approx(0.5)
    assert ContrastiveSettings().pairs == 8000
