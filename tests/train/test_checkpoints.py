"""Interrupted trainings end with the weights of those that ran through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import QUICK, Ear, train, weights
from tests_support.tiny_backbones import write_with_classes

from tl_core.config import RunConfig
from tl_core.errors import Cancelled

ROOT = Path(__file__).parents[2]


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")


@pytest.mark.parametrize(
    ("kind", "family", "extra"),
    (
        ("texts", "bert", {"word_dropout": 0.2}),
        ("texts", "bert", {"strategy": "lora"}),
        ("pictures", "resnet", {"augment": "strong", "batchnorm": "adapt", "average": "ema"}),
        ("texts", "bert", {"average": "swad", "epochs": 5.0}),
        ("pictures", "with classes", {"stochastic_norm": 0.5, "delta": 1.0, "bss": 0.001}),
        ("pictures", "with classes", {"co_tuning": 2.3, "lwf": 4.0, "penalty": "l2-sp"}),
        pytest.param("texts", "distilbert", {"strategy": "two_stage"}, marks=pytest.mark.whole),
    ),
)
def test_trap_25_an_interrupted_training_ends_with_the_weights_of_one_that_ran_through(
    request, tmp_path, tiny, kind, family, extra
):
    """Stopped in mid-epoch and taken up from its checkpoint, adapters, averages and best state
    included.
    """
    version, options = (
        request.getfixturevalue(kind),
        {
            "checkpoint_steps": 2,
            "epochs": 3.0,
            **extra,
        },
    )
    backbone = tmp_path / "backbone" if family == "with classes" else tiny(family)
    if not backbone.exists():
        write_with_classes("resnet", backbone)
    whole = train(version, tmp_path / "whole", backbone, **options)
    with pytest.raises(Cancelled):
        train(version, tmp_path / "torn", backbone, Ear(cancel_at=9), **options)
    again = Ear()
    resumed = train(version, tmp_path / "torn", backbone, again, **options)
    assert any("Going on from step" in text for text in again.logs), again.logs
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert resumed["training"]["history"] == whole["training"]["history"]
    assert resumed["test"]["log_loss"]["value"] == whole["test"]["log_loss"]["value"]


def test_a_worker_killed_in_mid_epoch_resumes_to_the_same_weights(tmp_path, tiny, texts):
    """SIGKILL, as the machine would; a checkpoint that was being written does not count."""
    script = (
        "import sys, json; from pathlib import Path; from tl_core.log import quiet_libraries;"
        " quiet_libraries()\nfrom tl_core.config import RunConfig; from "
        "tl_core.data.versions.store import"
        " DatasetVersion\nfrom tl_core.progress import Progress; from tl_core.recipes import"
        " run_recipe\nfolder = Path(sys.argv[1]); config = RunConfig.read(folder)\nversion ="
        " DatasetVersion(Path(config.dataset_dir))\nrun_recipe(config, version, folder,"
        " folder.parent / 'cache', Progress())"
    )
    options = {
        **{key: value for key, value in QUICK.items() if key != "augment"},
        "checkpoint_steps": 2,
        "epochs": 6.0,
        "precision": "float32",
    }
    for name in ("whole", "torn"):
        (tmp_path / name).mkdir()
        RunConfig(
            "train", "local", "d@1", str(texts.folder), f"local:{tiny('bert')}", "finetune", options
        ).write(tmp_path / name)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def start(name):
        return subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / name)], env=environment, cwd=ROOT
        )

    undisturbed = start("whole")
    child, checkpoints = start("torn"), tmp_path / "torn" / "checkpoints"
    while child.poll() is None and not (
        checkpoints.is_dir()
        and any(
            path.name.startswith("checkpoint-") and int(path.name.rpartition("-")[2]) >= 10
            for path in checkpoints.iterdir()
        )
    ):
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    (checkpoints / "checkpoint-999").mkdir()
    assert start("torn").wait() == 0 == undisturbed.wait()
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert all(torch.equal(first[name], second[name]) for name in first)
