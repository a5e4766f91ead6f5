"""Trainings on the same data and backbone are told apart by their names."""

from __future__ import annotations

import pytest

from tl_core.config import SETTINGS, STRATEGIES, RunConfig
from tl_core.config.naming import name_of


def config(recipe, **options):
    return RunConfig(
        "train",
        "ann",
        "d@1",
        "/nowhere",
        "" if recipe == "baseline" else "starter:text",
        recipe,
        options,
    )


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (config("probe"), "Probe"),
        (config("probe", seed=3, baseline=False), "Probe · seed 3"),
        (config("finetune"), "Fine-tune from a probe (LP-FT)"),
        (
            config("finetune", strategy="lora", epochs=12, learning_rate=3e-4),
            "LoRA · epochs 12 · learning rate 0.0003",
        ),
        (config("finetune", strategy="full", lora=True), "Full fine-tuning · lora"),
        (config("finetune", lp_start=False), "Fine-tune from a probe (LP-FT) · no lp start"),
        (
            config("finetune").longer("3f9a0c12de", 3),
            "Fine-tune from a probe (LP-FT), continued · epochs 3",
        ),
        (config("auto", budget_minutes=5.0), "Automatic search · budget minutes 5"),
        (config("static_embeddings", head="cnn", vectors="tuned"), "Word vectors, convolutions"),
        (config("ladder"), "All strategies compared (ladder)"),
        (config("baseline"), "No transfer"),
    ],
)
def test_the_name_is_the_strategy_and_what_somebody_changed(made, name):
    assert name_of(made) == name


@pytest.mark.parametrize("key", STRATEGIES)
def test_every_card_alone_has_its_own_title_and_nothing_else(key):
    card = STRATEGIES[key]
    options = {"strategy": key} if card.recipe == "finetune" else dict(card.values)
    assert name_of(config(card.recipe, **options)) == card.title


@pytest.mark.parametrize("recipe", SETTINGS)
def test_another_seed_shows(recipe):
    if "seed" in SETTINGS[recipe].__dataclass_fields__:
        assert name_of(config(recipe, seed=1)) != name_of(config(recipe, seed=2))


def test_many_changes_are_counted():
    assert name_of(
        config("finetune", epochs=2, batch_size=8, seed=1, clip=0.5, warmup=0.2)
    ).endswith("1 more")
