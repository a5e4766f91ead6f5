"""What is measured before a run."""

from __future__ import annotations

import pytest
from tests_support.datasets import build, write_texts
from tests_support.finetuning import Ear

from tl_core.config import RunConfig
from tl_core.recipes.analyses.estimate import measure


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")


def test_trap_36_cut_off_texts_are_counted_before_training(tmp_path, tiny, texts):
    config = RunConfig(
        "preflight",
        "local",
        "d@1",
        str(texts.folder),
        f"local:{tiny('bert')}",
        "finetune",
        {"max_length": 8, "batch_size": 8},
    )
    (tmp_path / "run").mkdir()
    estimate = measure(config, texts, tmp_path / "run", tmp_path / "cache", Ear())
    assert (
        estimate["cut_off"] > 0.5 and estimate["minutes"] > 0 and estimate["memory_bytes"] > 10**8
    )
    assert estimate["steps"] == 12 * estimate["steps_per_epoch"]
    probe = measure(
        RunConfig(
            "preflight", "local", "d@1", str(texts.folder), f"local:{tiny('bert')}", "probe", {}
        ),
        texts,
        tmp_path / "run",
        tmp_path / "cache",
        Ear(),
    )
    assert probe["trainable"] < estimate["trainable"]
