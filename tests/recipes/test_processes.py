"""Several processes that share each batch."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest
import torch
from tests_support.datasets import build, write_pictures
from tests_support.finetuning import Ear, train, weights


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")


def kill_one_process() -> None:
    """The first training process that shows up dies of itself, as far as its launcher can tell."""
    while True:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if child.cmdline()[1:4] == ["-u", "-m", "tl_core.recipes.shared.distributed"]:
                    child.kill()
                    return
        time.sleep(0.05)


def test_two_processes_share_the_work_and_follow_the_same_curve_even_when_one_dies(
    tmp_path, tiny, pictures
):
    """gloo on two CPU processes; batch statistics frozen, no dropout, the same global batch."""
    options = {
        "strategy": "full",
        "augment": "none",
        "precision": "float32",
        "epochs": 2.0,
        "batch_size": 9,
    }
    alone, both = Ear(), Ear()
    train(pictures, tmp_path / "alone", tiny("resnet"), alone, **options)
    killer = threading.Thread(target=kill_one_process, daemon=True)
    killer.start()
    train(pictures, tmp_path / "both", tiny("resnet"), both, processes=2, **options)
    assert not killer.is_alive()
    one, two = ([point["log_loss"] for point in ear.curves["validation"]] for ear in (alone, both))
    np.testing.assert_allclose(two, one, atol=2e-4)
    first, second = weights(tmp_path / "alone"), weights(tmp_path / "both")
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=2e-4, rtol=2e-3)
