"""Which state of a training is kept, when it stops early, and what is decided where a person has
not.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tl_core.backbones.load import load_backbone
from tl_core.config import FinetuneSettings, SurgeryPlan
from tl_core.config.finetune_parts.across_domains import ADAPTATIONS
from tl_core.recipes.shared.scoring import score_with
from tl_core.settings import read_settings
from tl_core.surgery.lr_groups import scales
from tl_core.train.loop.best_state import Best
from tl_core.train.loop.schedules import factor, past_peak
from tl_core.train.setup.automatic import learning_rate, settle, size_of


def hear(best, losses, step, **options):
    return best.hear({"accuracy": 0.0}, np.array(losses, dtype=float), step, dict, **options)


def test_the_latest_state_within_a_standard_error_is_kept():
    random = np.random.default_rng(0)
    base, best = random.random(100), Best(0)
    hear(best, base + 1, 1)
    hear(best, base, 2)
    noise = random.normal(0, 0.3, 100)
    noise -= noise.mean()
    error = noise.std(ddof=1) / 10
    hear(best, base + noise + 0.9 * error, 3)
    assert best.step == 3  # worse, but not by more than chance
    hear(best, base + noise + 1.1 * error, 4)
    assert best.step == 3
    hear(best, base + 0.9 * error + noise, 5)
    assert best.step == 5  # measured against the best, not against the last one kept


def test_small_steps_downhill_do_not_add_up():
    """Each is within a standard error of the one before, but not of the best."""
    random = np.random.default_rng(1)
    base, best = random.random(400), Best(0)
    for step in range(20):
        noise = random.normal(0, 0.2, 400)
        hear(best, base + noise - noise.mean() + 0.008 * step, step)
    assert best.step <= 3


def test_patience_counts_only_once_it_has_begun_and_only_clear_losses():
    good, bad = np.linspace(0, 1, 50), np.linspace(0, 1, 50) + 1
    best = Best(2)
    hear(best, good, 0)
    assert not any(hear(best, bad, step, counts=False) for step in range(1, 6))
    assert (
        not hear(best, bad, 6)
        and not hear(best, good, 7)
        and not hear(best, bad, 8)
        and hear(best, bad, 9)
    )
    assert best.step == 7


def test_a_resumed_choice_goes_on_as_if_nothing_had_been():
    first, second = Best(3), Best(3)
    hear(first, [0.1, 0.2, 0.3], 1)
    hear(first, [1.1, 1.2, 1.4], 2)
    second.restore(first.facts(), dict(first.state))
    for best in (first, second):
        hear(best, [0.1, 0.2, 0.31], 3)
    assert (first.step, first.waited, first.losses.tolist()) == (
        second.step,
        second.waited,
        second.losses.tolist(),
    )


@pytest.mark.parametrize("kind", ("linear", "cosine", "one-cycle"))
@pytest.mark.parametrize("total", (1, 7, 424))
def test_patience_begins_when_the_rate_has_halved(kind, total):
    start = past_peak(total, kind, 0.1)
    rates = [factor(step, total, kind, 0.1) for step in range(total)]
    assert all(rate > 0.5 for rate in rates[int(np.argmax(rates)) : start])
    assert total < 10 or rates[start] <= 0.5 and start > 0.4 * total


def test_patience_begins_at_the_peak_where_the_rate_never_falls():
    assert past_peak(100, "constant", 0.2) == 20 and past_peak(0, "linear", 0.1) == 0


def test_a_state_that_only_overstates_what_it_knows_is_not_worse():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    logits = random.normal(0, 1, (300, 3)) + 1.5 * np.eye(3)[labels]

    def probabilities(scale):
        powers = np.exp(scale * logits)
        return powers / powers.sum(axis=1, keepdims=True)

    judge = score_with("single_label", labels, 3, "log_loss")
    (calm, plain), (sure, sharp) = judge(probabilities(1.0)), judge(probabilities(6.0))
    assert sure["log_loss"] > 1.5 * calm["log_loss"] and plain.mean() == pytest.approx(
        sharp.mean(), rel=1e-3
    )


def test_a_mistake_counts_by_its_class_for_macro_f1():
    labels = np.array([0] * 90 + [1] * 10)
    wrong = np.eye(2)[1 - labels]
    _, by_class = score_with("single_label", labels, 2, "macro_f1")(wrong)
    assert by_class[:90].sum() == pytest.approx(by_class[90:].sum())
    assert score_with("single_label", labels, 2, "accuracy")(wrong)[1].tolist() == [1.0] * 100


@pytest.mark.parametrize(
    ("examples", "epochs"), ((20, 12), (432, 12), (2_000, 8), (5_000, 5), (50_000, 5))
)
def test_small_sets_are_seen_more_often(examples, epochs):
    settled = settle(FinetuneSettings(), "image", examples=examples, batch=32, batch_norms=True)
    assert settled.epochs == epochs
    assert (
        settle(
            FinetuneSettings(epochs=3.0), "image", examples=examples, batch=32, batch_norms=True
        ).epochs
        == 3
    )


def settled(**values):
    options = {"modality": "image", "examples": 900, "batch": 32, "batch_norms": True}
    given = {name: values.pop(name) for name in list(values) if name in options}
    return settle(FinetuneSettings(**values), **{**options, **given})


def test_statistics_follow_where_there_is_enough_to_follow():
    assert settled().batchnorm == "adapt" and settled().schedule == "one-cycle"
    assert settled(examples=300).batchnorm == settled(batch_norms=False).batchnorm == "freeze"
    assert settled(tune="last").batchnorm == settled(lora=True).batchnorm == "freeze"
    assert settled(examples=300, batchnorm="adapt").batchnorm == "adapt"


@pytest.mark.parametrize("way", ADAPTATIONS)
def test_statistics_follow_few_pictures_where_a_network_is_adapted(way):
    target = {"adaptation": way, "domain_column": "place", "target_domain": "street"}
    follows = "freeze" if way == "none" else "adapt"
    assert settled(examples=300, **target).batchnorm == follows
    assert settled(examples=300, tune="last", **target).batchnorm == follows
    if way != "adabn":  # which is nothing without them
        assert settled(examples=300, batch_norms=False, **target).batchnorm == "freeze"
        assert settled(**target, batchnorm="freeze").batchnorm == "freeze"


def test_networks_with_batch_norm_take_larger_steps():
    def rate(modality="image", parameters=6e6, batch_norms=True, **values):
        return learning_rate(
            FinetuneSettings(**values), modality, int(parameters), batch_norms=batch_norms
        )

    assert rate(batchnorm="adapt") > rate(batchnorm="freeze") > rate(batch_norms=False)
    assert rate(parameters=90e6, batchnorm="freeze") < rate(batchnorm="freeze")
    assert rate("text", 100e6) < rate("text", 20e6) < rate("text", 20e6, lora=True)


def test_the_table_of_words_does_not_make_a_network_large():
    """multilingual-e5-small has 118 million weights, 96 of them for its 250,000 words; its encoder
    is MiniLM's size.
    """
    backbone = load_backbone("starter:multilingual", ["a", "b"], read_settings(), meta=True)
    total = sum(parameter.numel() for parameter in backbone.model.parameters())
    assert total > 100e6 and 20e6 < size_of(backbone.model) < 25e6
    assert (
        learning_rate(FinetuneSettings(), "text", size_of(backbone.model), batch_norms=False)
        == 1e-4
    )
    pictures = load_backbone("starter:image-small", ["a", "b"], read_settings(), meta=True).model
    assert size_of(pictures) == sum(parameter.numel() for parameter in pictures.parameters())


@pytest.mark.parametrize("kind", ("native", "max", "concat", "depth:1", "depth:all"))
def test_the_table_of_words_is_left_out_of_every_graft(tiny, kind):
    model = load_backbone(f"local:{tiny('bert')}", ["a", "b"], read_settings(), pooling=kind).model
    table = next(weight for name, weight in model.named_parameters() if "word_embeddings" in name)
    assert size_of(model) == sum(one.numel() for one in model.parameters()) - table.numel()


@pytest.mark.parametrize("blocks", (4, 12, 18, 50))
def test_decay_over_many_blocks_leaves_the_first_as_much_as_over_twelve(blocks):
    factors = scales(blocks + 2, SurgeryPlan(layer_decay=0.9), 1.0)
    assert len(factors) == blocks + 2 and factors[-2] == factors[-1] == 1
    assert factors[0] == pytest.approx(0.9 ** min(blocks, 12))
    assert all(
        math.isclose(factors[i] / factors[i + 1], factors[0] / factors[1]) for i in range(blocks)
    )
