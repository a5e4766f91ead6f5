"""Fine-tuning end to end on tiny networks: strategies, averages, going on from a finished run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import Ear, train, weights

from tl_core.config import STRATEGIES, RunConfig
from tl_core.data.overlays.overlay import Overlay
from tl_core.errors import ConfigError, NotFoundError
from tl_core.recipes import run_recipe


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")


@pytest.mark.parametrize(
    "strategy", [name for name, one in STRATEGIES.items() if one.recipe == "finetune"]
)
@pytest.mark.parametrize(("kind", "family"), (("texts", "bert"), ("pictures", "resnet")))
def test_trap_12_every_strategy_trains_judges_and_saves(
    request, tmp_path, tiny, strategy, kind, family
):
    """LoRA's runs return validation scores like all others; the saved folder is what judged."""
    version, ear = request.getfixturevalue(kind), Ear()
    report = train(version, tmp_path / "run", tiny(family), ear, strategy=strategy)
    json.dumps(report, allow_nan=False)
    assert len(ear.curves["validation"]) >= 2 and "accuracy" in ear.curves["validation"][0]
    assert report["parity"]["pipeline"] < 1e-4
    assert report["test"]["n"] == version.info.splits["test"]
    assert report["training"]["steps"] == report["training"]["planned_steps"]
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert not any(name.suffix == ".bin" for name in (tmp_path / "run").rglob("*"))
    if strategy == "scratch":
        assert report["model"]["weights_sha256"] != report["model"]["pretrained_sha256"]
    if strategy == "two_stage":
        unfrozen = [text for text in ear.logs if text.startswith("Learning now")]
        assert unfrozen[0] == "Learning now: classifier" and len(unfrozen) > 2


def test_trap_22_the_same_seed_gives_the_same_weights_and_another_one_does_not(
    tmp_path, tiny, pictures
):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(pictures, tmp_path / name, tiny("resnet"), seed=seed, lp_start=False)
    first, same, other = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_wise_ft_mixes_the_two_ends_and_keeps_what_validates_best(tmp_path, tiny, texts):
    report = train(
        texts,
        tmp_path / "run",
        tiny("bert"),
        average="wise-ft",
        learning_rate=3e-3,
        best_by="accuracy",
    )
    tried = report["mixture"]["tried"]
    assert [point["share"] for point in tried] == [round(0.1 * i, 1) for i in range(11)]
    best = max(tried, key=lambda point: (point["accuracy"], -point["log_loss"]))
    assert report["mixture"]["share"] == best["share"]
    assert report["validation"]["accuracy"]["value"] == pytest.approx(best["accuracy"])


@pytest.mark.parametrize("average", ["wise-ft", "swad"])
def test_an_average_that_validation_rows_choose_is_refused_without_any(
    tmp_path, tiny, texts, average
):
    """Silently it would be no average, or another one."""
    version = Overlay(texts, splits=np.where(texts.splits == "validation", "apart", texts.splits))
    with pytest.raises(ConfigError, match=f"average={average} needs labelled validation rows"):
        train(version, tmp_path / "run", tiny("bert"), average=average)
    assert train(version, tmp_path / "ema", tiny("bert"), average="ema")["test"]


def test_a_finished_run_is_trained_further_from_its_end(tmp_path, tiny, texts):
    first = train(texts, tmp_path / "3f9a0c12de", tiny("bert"), learning_rate=3e-3)
    config = RunConfig.read(tmp_path / "3f9a0c12de").longer("3f9a0c12de", 1)
    (tmp_path / "next").mkdir()
    still = {**config.options, "learning_rate": 1e-12}
    report = run_recipe(
        RunConfig(**{**vars(config), "options": still}),
        texts,
        tmp_path / "next",
        tmp_path / "cache",
        Ear(),
    )
    assert report["test"]["log_loss"]["value"] == pytest.approx(
        first["test"]["log_loss"]["value"], abs=1e-5
    )
    with pytest.raises(NotFoundError, match="There is no run"):
        run_recipe(
            RunConfig(**{**vars(config), "owner": "somebody"}),
            texts,
            tmp_path / "theirs",
            tmp_path / "cache",
            Ear(),
        )
    with pytest.raises(ConfigError, match="another classifier or backbone"):
        run_recipe(
            RunConfig(**{**vars(config), "backbone": f"local:{tiny('gpt2')}"}),
            texts,
            tmp_path / "wrong",
            tmp_path / "cache",
            Ear(),
        )


def test_rare_classes_and_other_losses_train(tmp_path, tiny, texts):
    report = train(
        texts,
        tmp_path / "run",
        tiny("bert"),
        loss="focal",
        label_smoothing=0.1,
        class_weights="custom",
        custom_weights=(1.0, 3.0),
        oversample=True,
        penalty="l2-sp",
    )
    assert report["class_weights"]["good"] == pytest.approx(
        3 * report["class_weights"]["bad"], rel=1e-3
    )
    mixed = build(write_pictures(tmp_path / "p", each=10), tmp_path / "mixed")
    assert (
        train(
            mixed,
            tmp_path / "mix",
            tiny("vit"),
            mix="cutmix",
            head="mlp",
            hidden=(8.0,),
            lp_start=False,
            strategy="full",
        )["parity"]["pipeline"]
        is None
    )


def test_compiling_without_a_compiler_is_refused_in_words(tmp_path, tiny, texts, monkeypatch):
    monkeypatch.setattr("tl_core.train.setup.set_up.shutil.which", lambda _: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="cannot compile"):
        train(texts, tmp_path / "run", tiny("bert"), compile=True)
