"""Networks that are larger than the memory: shared out over processes (gloo on the CPU)."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress

import numpy as np
import psutil
import pytest
import torch
from tests_support.datasets import build, write_pictures
from tests_support.finetuning import Ear, train, weights
from transformers import AutoModelForImageClassification

from tl_core.config import FinetuneSettings
from tl_core.errors import ConfigError, TrainingError
from tl_core.train.loop.checkpoints import newest

CALM = {  # nothing by chance that depends on how a batch is cut
    "strategy": "full",
    "augment": "none",
    "precision": "float32",
    "epochs": 2.0,
    "batch_size": 9,
}


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")


@contextmanager
def killing(when, times):
    """Inside, the last training process is killed as soon as `when` is true, so many times."""
    done, over = [], threading.Event()

    def work():
        while len(done) < times and not over.wait(0.02):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    is_one = child.cmdline()[1:4] == [
                        "-u",
                        "-m",
                        "tl_core.recipes.shared.distributed",
                    ]
                    if is_one and child.pid not in done and when():
                        child.kill()
                        done.append(child.pid)
                        break

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield done
    over.set()
    thread.join()


def test_shared_out_weights_learn_the_same_even_when_a_process_dies_on_the_way(
    tmp_path, tiny, pictures
):
    """Same curve, same weights as one process; the saved folder is an ordinary one."""
    alone, parts, folder = Ear(), Ear(), tmp_path / "parts"
    train(pictures, tmp_path / "alone", tiny("vit"), alone, **CALM)
    with killing(lambda: newest(folder / "checkpoints"), 1) as killed:
        options = {**CALM, "activations": "recompute", "checkpoint_steps": 1}
        train(pictures, folder, tiny("vit"), parts, processes=2, sharing="fsdp", **options)
    assert killed
    one, two = ([point["log_loss"] for point in ear.curves["validation"]] for ear in (alone, parts))
    np.testing.assert_allclose(two[-len(one) :], one, atol=2e-4)
    first, second = weights(tmp_path / "alone"), weights(folder)
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=2e-4, rtol=2e-3)
    plain = AutoModelForImageClassification.from_pretrained(folder / "model").state_dict()
    assert all(torch.equal(plain[name], value) for name, value in second.items())


def test_a_process_that_dies_again_and_again_ends_the_run_in_words(tmp_path, tiny, pictures):
    with killing(lambda: True, 4), pytest.raises(TrainingError, match="process ended early"):
        train(pictures, tmp_path / "run", tiny("vit"), Ear(), sharing="fsdp", **CALM)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"sharing": "fsdp", "find_lr": True}, "find_lr"),
        ({"sharing": "fsdp", "penalty": "l2-sp"}, "keeps the pretraining"),
        ({"sharing": "fsdp", "optimizer": "adamw-8bit"}, "adamw-8bit"),
        ({"quantise": "4bit"}, "needs LoRA"),
    ],
)
def test_what_does_not_go_together_is_refused_at_once(options, word):
    with pytest.raises(ConfigError, match=word):
        FinetuneSettings.from_dict(options)
