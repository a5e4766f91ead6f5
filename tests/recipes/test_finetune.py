"""Fine-tuning from end to end on tiny networks: every strategy, every way to end, and the traps of
the loop.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.config import STRATEGIES, FinetuneSettings, RunConfig
from tl_core.errors import Cancelled, ConfigError, NotFoundError, TrainingError
from tl_core.models.classifier import load_classifier
from tl_core.progress import Progress
from tl_core.recipes import common, finetune, run_recipe
from tl_core.recipes.preflight import measure
from tl_core.train import memory, trainer
from tl_core.train.arguments import training_arguments
from tl_core.train.judging import probabilities
from tl_core.train.setup import set_up

ROOT = Path(__file__).parents[2]
QUICK = {
    "baseline": False,
    "epochs": 2.0,
    "batch_size": 8,
    "max_length": 16,
    "augment": "light",
    "patience": 0,
}


class Ear(Progress):
    """Remembers what a run says; can ask it to stop or cancel at a step."""

    def __init__(self, stop_at=0, cancel_at=0):
        self.logs, self.curves, self.at, self.stop_at, self.cancel_at = (
            [],
            {},
            0,
            stop_at,
            cancel_at,
        )
        self.training = False

    def stage(self, name, total=0, share=0.0):
        self.training, self.at = name == "Training", 0

    def log(self, text):
        self.logs.append(text)

    def curve(self, name, **values):
        self.curves.setdefault(name, []).append(values)

    def batch(self, done, total):
        self.at = done if self.training else 0
        if self.cancel_at and self.at >= self.cancel_at:
            raise Cancelled

    def should_stop(self):
        return bool(self.stop_at) and self.at >= self.stop_at


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")


def train(version, folder, backbone, progress=None, **options):
    folder.mkdir(exist_ok=True)
    known = {
        key: value
        for key, value in QUICK.items()
        if key not in ({"augment"} if version.info.modality == "text" else {"max_length"})
    }
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{backbone}",
        "finetune",
        {**known, **options},
    )
    config.write(folder)
    return run_recipe(config, version, folder, folder.parent / "cache", progress or Ear())


def weights(folder):
    return load_classifier(folder / "model").model.state_dict()


@pytest.mark.parametrize(
    "strategy", [name for name, found in STRATEGIES.items() if found.recipe == "finetune"]
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
        thawed = [text for text in ear.logs if text.startswith("Learning now")]
        assert thawed[0] == "Learning now: classifier" and len(thawed) > 2


def open_setup(version, folder, backbone, **options):
    known = {
        key: value
        for key, value in QUICK.items()
        if key not in ({"augment"} if version.info.modality == "text" else {"max_length"})
    }
    settings = FinetuneSettings.from_dict({**known, "lp_start": False, **options})
    space = common.label_space(version)
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    return set_up(
        settings,
        f"local:{backbone}",
        version,
        space.to_model(version.labels),
        space.model_names,
        folder,
        folder.parent / "cache",
        Ear(),
    )


@pytest.mark.parametrize("family", ("bert", "resnet"))
def test_trap_11_parts_of_a_batch_add_up_to_the_batch_ragged_last_one_included(
    request, tmp_path, tiny, family
):
    """Gradients of one epoch, batch statistics frozen and dropout 0, in 1 and in 4 parts."""
    version = request.getfixturevalue("texts" if family == "bert" else "pictures")
    seen = []
    for parts in (1, 4):
        setup = open_setup(
            version,
            tmp_path / f"s{parts}",
            tiny(family),
            accumulate=parts,
            clip=0.0,
            precision="float32",
            **({"augment": "none"} if family == "resnet" else {}),
        )
        for module in setup.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        job = finetune.make_job(setup, tmp_path / f"s{parts}")
        job.score = None
        (tmp_path / f"s{parts}" / "checkpoints").mkdir()
        loop = trainer.GraftTrainer(job, Ear())
        gradients = []

        class Look(trainer.TrainerCallback):
            def on_pre_optimizer_step(self, *_, found=gradients, model=setup.model, **__):
                found.append(
                    torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
                )

        loop.add_callback(Look())
        loop.train()
        assert len(job.examples) % 8
        seen.append(gradients)
        setup.stack.close()
    assert len(seen[0]) == len(seen[1])
    for whole, added in zip(*seen, strict=True):
        torch.testing.assert_close(added, whole, atol=2e-5, rtol=2e-3)


def test_trap_17_the_trainers_scores_are_those_of_a_plain_loop(tmp_path, tiny, texts):
    setup = open_setup(texts, tmp_path / "s", tiny("bert"))
    with setup.stack:
        job = finetune.make_job(setup, tmp_path / "s")
        (tmp_path / "s" / "checkpoints").mkdir()
        loop = trainer.GraftTrainer(job, Ear())
        found = loop.evaluate()
        labels, hits, losses = setup.held_out.labels, 0, []
        setup.model.eval()
        for place in range(len(labels)):
            batch = setup.held_out.__getitems__([(0, place)])
            batch.pop("labels")
            with torch.no_grad():
                logits = setup.model(**batch).logits[0].double()
            hits += int(logits.argmax()) == labels[place]
            losses.append(float(torch.logsumexp(logits, 0) - logits[labels[place]]))
        assert found["eval_accuracy"] == hits / len(labels)
        assert found["eval_log_loss"] == pytest.approx(np.mean(losses), abs=1e-5)
        assert len(probabilities(setup.model, setup.held_out, 7)) == len(labels)


def test_trap_16_a_last_example_alone_trains_with_batch_statistics_that_follow(
    tmp_path, tiny, pictures
):
    count = len(pictures.rows_of("train"))
    size = next(size for size in range(4, count) if count % size == 1)
    report = train(
        pictures, tmp_path / "run", tiny("resnet"), batch_size=size, batchnorm="adapt", epochs=1.0
    )
    assert (
        report["training"]["steps"] == count // size + 1
    )  # of like size, none of a single example


def test_trap_22_the_same_seed_gives_the_same_weights_and_another_one_does_not(
    tmp_path, tiny, pictures
):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(pictures, tmp_path / name, tiny("resnet"), seed=seed, lp_start=False)
    first, same, other = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("kind", "family", "extra"),
    (
        ("texts", "bert", {"word_dropout": 0.2}),
        ("texts", "bert", {"strategy": "lora"}),
        ("pictures", "resnet", {"augment": "strong", "batchnorm": "adapt", "average": "ema"}),
        ("texts", "distilbert", {"strategy": "two_stage"}),
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
    whole = train(version, tmp_path / "whole", tiny(family), **options)
    with pytest.raises(Cancelled):
        train(version, tmp_path / "torn", tiny(family), Ear(cancel_at=9), **options)
    again = Ear()
    resumed = train(version, tmp_path / "torn", tiny(family), again, **options)
    assert any("Going on from step" in text for text in again.logs), again.logs
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert resumed["training"]["history"] == whole["training"]["history"]
    assert resumed["test"]["log_loss"]["value"] == whole["test"]["log_loss"]["value"]


def test_a_worker_killed_in_mid_epoch_resumes_to_the_same_weights(tmp_path, tiny, texts):
    """SIGKILL, as the machine would; a checkpoint that was being written does not count."""
    script = (
        "import sys, json; from pathlib import Path; from tl_core.log import quiet_libraries;"
        " quiet_libraries()\nfrom tl_core.config import RunConfig; from tl_core.data.store import"
        " DatasetVersion\nfrom tl_core.progress import Progress; from tl_core.recipes import"
        " run_recipe\nfolder = Path(sys.argv[1]); config = RunConfig.read(folder)\nversion ="
        " DatasetVersion(Path(config.dataset_dir))\nrun_recipe(config, version, folder,"
        " folder.parent / 'cache', Progress())"
    )
    options = {
        **{key: value for key, value in QUICK.items() if key != "augment"},
        "checkpoint_steps": 2,
        "epochs": 12.0,
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

    assert start("whole").wait() == 0
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
    assert start("torn").wait() == 0
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert all(torch.equal(first[name], second[name]) for name in first)


def kill_one_process() -> None:
    """The first training process that shows up dies of itself, as far as its launcher can tell."""
    while True:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if child.cmdline()[1:4] == ["-u", "-m", "tl_core.recipes.processes"]:
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


def test_stopping_keeps_the_best_state_and_makes_a_report(tmp_path, tiny, texts):
    report = train(texts, tmp_path / "run", tiny("bert"), Ear(stop_at=3), epochs=50.0)
    assert report["training"]["steps"] == 3 < report["training"]["planned_steps"]
    assert "You stopped it" in report["training"]["reason"]
    assert (tmp_path / "run" / "model" / "config.json").exists()


def test_patience_ends_a_training_that_gets_clearly_worse_and_keeps_its_good_state(
    tmp_path, tiny, texts
):
    report = train(
        texts,
        tmp_path / "run",
        tiny("bert"),
        epochs=60.0,
        patience=2,
        learning_rate=0.02,
        schedule="constant",
        clip=0.0,
    )
    told = report["training"]
    assert (
        told["steps"] < told["planned_steps"]
        and "Clearly worse on the validation rows for 2" in told["reason"]
    )
    kept = next(point for point in told["history"] if point["step"] == told["best_step"])
    assert told["best_step"] < told["steps"]
    assert report["validation"]["accuracy"]["value"] == pytest.approx(kept["accuracy"])


def test_a_training_that_only_fluctuates_runs_to_its_end(tmp_path, tiny, texts):
    report = train(
        texts, tmp_path / "run", tiny("bert"), epochs=10.0, patience=1, learning_rate=1e-7
    )
    assert (
        report["training"]["steps"]
        == report["training"]["planned_steps"]
        == report["training"]["best_step"]
    )


def test_trap_26_a_training_that_comes_apart_is_stopped_with_a_cause(tmp_path, tiny, texts):
    with pytest.raises(TrainingError) as caught:
        train(
            texts,
            tmp_path / "run",
            tiny("bert"),
            lp_start=False,
            learning_rate=10.0,
            schedule="constant",
            warmup=0.0,
            clip=0.0,
            epochs=30.0,
        )
    assert (
        "learning rate of 10" in caught.value.why
        and "Set learning_rate to 1" in caught.value.try_this
    )


def test_memory_that_runs_out_halves_the_parts_and_says_so(tmp_path, tiny, texts, monkeypatch):
    """The real step is taken; only its limit is ours."""
    step = memory.step_once

    def limited(model, batch, bf16):
        if len(batch["labels"]) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        step(model, batch, bf16)

    monkeypatch.setattr(memory, "step_once", limited)
    ear = Ear()
    report = train(texts, tmp_path / "run", tiny("bert"), ear, strategy="full", precision="float32")
    assert report["settings"]["accumulate"] == 4
    assert sum("do not fit into the memory" in text for text in ear.logs) == 2
    monkeypatch.setattr(memory, "step_once", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(TrainingError, match="Not even two examples"):
        train(texts, tmp_path / "other", tiny("bert"), strategy="full", precision="float32")


def test_memory_that_runs_out_on_the_way_costs_no_step(tmp_path, tiny, texts, monkeypatch):
    """The result is that of a run in parts from the start, up to the order of sums."""
    options = {"strategy": "full", "precision": "float32", "epochs": 3.0, "checkpoint_steps": 100}
    train(texts, tmp_path / "whole", tiny("bert"), **options)
    real, ear = trainer.GraftTrainer.compute_loss, Ear()

    def fails_once(self, model, inputs, *rest, **named):
        if self.state.global_step == 7 and len(inputs["labels"]) > 4:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(self, model, inputs, *rest, **named)

    monkeypatch.setattr(trainer.GraftTrainer, "compute_loss", fails_once)
    report = train(texts, tmp_path / "torn", tiny("bert"), ear, **options)
    assert "Going on from step 7." in ear.logs and report["settings"]["accumulate"] == 2
    assert report["training"]["steps"] == report["training"]["planned_steps"]
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=2e-3, rtol=1e-2)


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


def test_finding_a_rate_leaves_no_trace(tmp_path, tiny, texts):
    """Same weights, same chance afterwards; the found rate is used and reported."""
    with_it = open_setup(texts, tmp_path / "a", tiny("bert"), find_lr=True)
    state = torch.random.get_rng_state()
    without = open_setup(texts, tmp_path / "b", tiny("bert"))
    assert torch.equal(state, torch.random.get_rng_state())
    for (name, value), other in zip(
        with_it.model.named_parameters(), without.model.parameters(), strict=True
    ):
        assert torch.equal(value, other), name
    assert with_it.plan["lr"] != without.plan["lr"] and len(with_it.lr_curve) > 20


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
    found = measure(config, texts, tmp_path / "run", tmp_path / "cache", Ear())
    assert found["cut_off"] > 0.5 and found["minutes"] > 0 and found["memory_bytes"] > 10**8
    assert found["steps"] == 12 * found["steps_per_epoch"]
    probe = measure(
        RunConfig(
            "preflight", "local", "d@1", str(texts.folder), f"local:{tiny('bert')}", "probe", {}
        ),
        texts,
        tmp_path / "run",
        tmp_path / "cache",
        Ear(),
    )
    assert probe["trainable"] < found["trainable"]


def test_trap_31_the_arguments_exist_in_the_installed_trainer(tmp_path, tiny, texts):
    setup = open_setup(texts, tmp_path / "s", tiny("bert"))
    args = training_arguments(finetune.make_job(setup, tmp_path / "s"))
    assert (
        not args.fp16 and not args.bf16 and args.report_to == [] and args.label_names == ["labels"]
    )
    assert args.use_cpu is not torch.cuda.is_available()
    setup.stack.close()


def test_compiling_without_a_compiler_is_refused_in_words(tmp_path, tiny, texts, monkeypatch):
    monkeypatch.setattr("tl_core.train.setup.shutil.which", lambda _: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="cannot compile"):
        train(texts, tmp_path / "run", tiny("bert"), compile=True)
