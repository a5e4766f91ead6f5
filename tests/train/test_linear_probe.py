"""The probe against scikit-learn used by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from tl_core.progress import Progress
from tl_core.train.precision import choose_bf16
from tl_core.train.probe.linear_probe import ProbeSearch, fit_probe


def digits(classes=10, rows=600):
    data = load_digits(n_class=classes)
    return data.data[:rows].astype(np.float32), data.target[:rows]


def fit(train, validation, **options):
    defaults = {
        "classes": int(train[1].max()) + 1,
        "c_values": (1e-3, 1e-1, 1.0),
        "selection": "auto",
        "folds": 5,
        "balanced": False,
        "intercept": True,
        "seed": 0,
    }
    groups = np.arange(len(train[1]) + len(validation[1]))
    search = ProbeSearch(**{**defaults, **options})
    return fit_probe(train, validation, groups, search, Progress())


def test_the_best_c_on_validation_is_that_of_scikit_learn():
    x, y = digits()
    train, validation = (x[:400], y[:400]), (x[400:], y[400:])
    fitted = fit(train, validation, selection="validation")
    shift, scale = train[0].mean(), train[0].std()
    losses = {}
    for c in (1e-3, 1e-1, 1.0):
        model = LogisticRegression(C=c, max_iter=2000, tol=1e-6).fit(
            (train[0] - shift) / scale, train[1]
        )
        losses[c] = log_loss(validation[1], model.predict_proba((validation[0] - shift) / scale))
        if c == fitted.c:
            logits = validation[0] @ fitted.weight.T + fitted.bias
            own = np.exp(logits - logits.max(1, keepdims=True))
            np.testing.assert_allclose(
                own / own.sum(1, keepdims=True),
                model.predict_proba((validation[0] - shift) / scale),
                atol=0.02,
            )
    assert fitted.c == min(losses, key=losses.get)
    assert {point["c"]: pytest.approx(point["log_loss"], abs=0.01) for point in fitted.sweep} == {
        c: losses[c] for c in [point["c"] for point in fitted.sweep]
    }
    assert fitted.kind == "split"
    np.testing.assert_array_equal(fitted.held_out_rows, np.arange(400, 600))


def test_small_sets_are_cross_validated_and_every_row_is_held_out_once():
    x, y = digits(rows=300)
    fitted = fit((x[:200], y[:200]), (x[200:], y[200:]))
    assert fitted.kind == "cv"
    assert sorted(fitted.held_out_rows) == list(range(300))
    assert fitted.held_out.sum(axis=1) == pytest.approx(np.ones(300))
    assert (fitted.held_out.argmax(1) == y[fitted.held_out_rows]).mean() > 0.9


def test_two_classes_give_one_row():
    x, y = digits(classes=2)
    fitted = fit((x[:200], y[:200]), (x[200:300], y[200:300]))
    assert fitted.weight.shape == (1, 64)
    assert ((x @ fitted.weight.T + fitted.bias)[:, 0] > 0).astype(int).tolist() == y[
        : len(x)
    ].tolist()


def test_heads_without_bias_get_none():
    x, y = digits()
    fitted = fit((x[:400], y[:400]), (x[400:], y[400:]), intercept=False)
    assert not fitted.bias.any()


def test_balanced_weights_help_the_rare_class():
    random = np.random.default_rng(0)
    y = (random.random(900) < 0.06).astype(int)
    x = (random.normal(size=(900, 5)) + 0.8 * y[:, None]).astype(np.float32)
    plain = fit((x, y), (x[:0], y[:0]))
    balanced = fit((x, y), (x[:0], y[:0]), balanced=True)

    def recall_of(head):
        return ((x @ head.weight.T + head.bias)[:, 0] > 0)[y == 1].mean()

    assert recall_of(balanced) > recall_of(plain) + 0.2


def test_a_class_of_one_row_does_not_break_cross_validation():
    x, y = digits(rows=100)
    y = np.minimum(y, 3)
    y[np.flatnonzero(y == 2)[1:]] = 0
    fitted = fit((x, y), (x[:0], y[:0]))
    assert fitted.held_out.shape == (len(fitted.held_out_rows), 4)


def test_trap_19_cross_validation_keeps_groups_together():
    x, y = digits(rows=100)
    groups = np.arange(100) // 2
    y = y[groups * 2]
    noise = (
        np.random.default_rng(0).normal(size=(50, 30))[groups].astype(np.float32)
    )  # twins share a signature
    labels = np.random.default_rng(1).integers(0, 2, 50)[groups]
    search = ProbeSearch(
        classes=2,
        c_values=(10.0,),
        selection="cv",
        folds=5,
        balanced=False,
        intercept=True,
        seed=0,
    )
    nothing = noise[:0], labels[:0]
    together = fit_probe((noise, labels), nothing, groups, search, Progress())
    torn = fit_probe((noise, labels), nothing, np.arange(100), search, Progress())
    assert torn.sweep[0]["accuracy"] > 0.85
    assert together.sweep[0]["accuracy"] < 0.7


def test_trap_22_the_same_seed_gives_the_same_weights():
    x, y = digits(rows=200)
    first, again, other = (fit((x, y), (x[:0], y[:0]), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.weight, again.weight)
    assert (first.held_out != other.held_out).any()


def test_trap_21_the_cpu_is_never_asked_for_fp16(tiny, monkeypatch, tmp_path):
    import torch

    from tl_core.backbones.load import load_backbone
    from tl_core.settings import Settings

    formats = []
    plain = torch.autocast

    def recording(device, dtype, **options):
        formats.append((device, dtype))
        return plain(device, dtype, **options)

    monkeypatch.setattr(torch, "autocast", recording)
    backbone = load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings())
    with backbone.extracting() as extractor:
        batch = backbone.encode(["good film", "bad"])
        for setting in ("auto", "bf16", "float32"):
            use, why = choose_bf16(
                setting, backbone, extractor, batch, 5000, tmp_path / "precision.json"
            )
            extractor(batch, bf16=use)
            assert why
    assert formats
    assert {dtype for _, dtype in formats} == {torch.bfloat16}


def test_a_large_bias_rules_bf16_out(tiny, tmp_path):
    from tl_core.backbones.load import load_backbone
    from tl_core.settings import Settings

    backbone = load_backbone(f"local:{tiny('distilbert')}", ["a", "b"], Settings())
    with backbone.extracting() as extractor:
        use, why = choose_bf16("bf16", backbone, extractor, {}, 5000, tmp_path / "p.json")
    assert not use
    assert "loses" in why


def test_a_plan_of_folds_decides_what_is_held_out_together():
    """Against one logistic regression for each planned part, in a plain loop."""
    from sklearn.linear_model import LogisticRegression

    x, y = digits(rows=120)
    plan = np.arange(120) % 4
    fitted = fit((x, y), (x[:0], y[:0]), plan=plan, folds=4, c_values=(0.1,))
    scaled = (x - x.mean()) / x.std()
    expected = np.zeros((120, y.max() + 1))
    for part in range(4):
        model = LogisticRegression(C=0.1, max_iter=300).fit(scaled[plan != part], y[plan != part])
        expected[plan == part] = model.predict_proba(scaled[plan == part])
    np.testing.assert_allclose(fitted.held_out, expected, atol=2e-3)


def test_a_prior_of_nothing_is_scikit_learns_own_regression():
    """Without a bias both minimise the same; the bias is drawn to its start here, and free
    there.
    """
    from tl_core.train.probe.prior_head import PriorHead

    x, y = digits(classes=4, rows=200)
    x = (x - x.mean()) / x.std()
    own = PriorHead(
        np.zeros((4, x.shape[1])), np.zeros(4), 0.05, balanced=True, intercept=False
    ).fit(x, y)
    theirs = LogisticRegression(
        C=0.05, fit_intercept=False, class_weight="balanced", tol=1e-8, max_iter=5000
    ).fit(x, y)
    np.testing.assert_allclose(own.predict_proba(x), theirs.predict_proba(x), atol=2e-3)
    np.testing.assert_allclose(own.coef_, theirs.coef_, atol=5e-3)
    assert not own.intercept_.any()


def test_a_strong_pull_leaves_the_prior_and_a_class_without_rows_keeps_its_own():
    x, y = digits(classes=3, rows=120)
    random = np.random.default_rng(0)
    prior = random.normal(size=(3, x.shape[1])) / 50, random.normal(size=3)
    near = fit((x, y), (x[:0], y[:0]), c_values=(1e-7,), prior=prior)
    np.testing.assert_allclose(near.weight, prior[0], atol=1e-3)
    np.testing.assert_allclose(near.bias, prior[1], atol=1e-2)
    seen = y != 2
    held = fit((x[seen], y[seen]), (x[:0], y[:0]), classes=3, c_values=(1e-5,), prior=prior)
    assert held.weight.shape == (3, x.shape[1])
    assert held.held_out[:, 2].min() > 0


def test_a_part_of_the_columns_is_chosen_without_the_held_out_rows():
    """Of 60 columns five tell the classes apart; a tenth is kept, each fold choosing from its own
    training rows.
    """
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 240)
    x = random.normal(size=(240, 60)).astype(np.float32)
    for column in range(5):
        x[:, column] += 2.0 * (y == column % 3)
    fitted = fit((x, y), (x[:0], y[:0]), keep=0.1)
    used = np.flatnonzero(np.abs(fitted.weight).sum(axis=0))
    assert len(used) == 6 and set(range(5)) <= set(used)
    noise = fit((x[:, 5:], random.permutation(y)), (x[:0, 5:], y[:0]), keep=0.1, c_values=(1.0,))
    assert (
        noise.held_out.argmax(1) == y[noise.held_out_rows]
    ).mean() < 0.5  # chosen on held-out rows it would be more
