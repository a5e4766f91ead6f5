"""The loop: gradients of parts, scores, ways to end, memory that runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import Ear, gradients, open_setup, train, weights

from tl_core.errors import TrainingError
from tl_core.recipes.shared.finetune_job import make_job
from tl_core.train.loop import memory, trainer
from tl_core.train.loop.arguments import training_arguments
from tl_core.train.loop.best_state import probabilities


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")


@pytest.fixture
def several(tmp_path):
    """Texts with one or two of three labels."""
    lines = ["text,label"]
    lines += [f"good film {n},{('a', 'b', 'a;b', 'b;c')[n % 4]}" for n in range(60)]
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    return build(tmp_path / "s.csv", tmp_path / "several")


@pytest.mark.parametrize(
    ("family", "data"), (("bert", "texts"), ("resnet", "pictures"), ("bert", "several"))
)
def test_trap_11_parts_of_a_batch_add_up_to_the_batch_ragged_last_one_included(
    request, tmp_path, tiny, family, data
):
    """Gradients of one epoch, batch statistics frozen and dropout 0, in 1 and in 4 parts."""
    version, ear = request.getfixturevalue(data), Ear()
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
        assert len(setup.examples) % 8
        seen.append(gradients(setup, tmp_path / f"s{parts}", ear))
    assert len(seen[0]) == len(seen[1])
    for whole, added in zip(*seen, strict=True):
        torch.testing.assert_close(added, whole, atol=2e-5, rtol=2e-3)
    if data == "several":  # the loss of an item is the sum over its labels, however many there are
        assert ear.curves["training"][0]["loss"] == pytest.approx(3 * np.log(2), rel=0.2)


def test_trap_17_the_trainers_scores_are_those_of_a_plain_loop(tmp_path, tiny, texts):
    setup = open_setup(texts, tmp_path / "s", tiny("bert"))
    with setup.stack:
        job = make_job(setup, tmp_path / "s")
        (tmp_path / "s" / "checkpoints").mkdir()
        loop = trainer.GraftTrainer(job, Ear())
        scores = loop.evaluate()
        labels, hits, losses = setup.held_out.labels, 0, []
        setup.model.eval()
        for place in range(len(labels)):
            batch = setup.held_out.__getitems__([(0, place)])
            batch.pop("labels")
            with torch.no_grad():
                logits = setup.model(**batch).logits[0].double()
            hits += int(logits.argmax()) == labels[place]
            losses.append(float(torch.logsumexp(logits, 0) - logits[labels[place]]))
        assert scores["eval_accuracy"] == hits / len(labels)
        assert scores["eval_log_loss"] == pytest.approx(np.mean(losses), abs=1e-5)
        assert len(probabilities(setup.model, setup.held_out, 7, task="single_label")) == len(
            labels
        )


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
    training = report["training"]
    assert (
        training["steps"] < training["planned_steps"]
        and "Clearly worse on the validation rows for 2" in training["reason"]
    )
    kept = next(point for point in training["history"] if point["step"] == training["best_step"])
    assert training["best_step"] < training["steps"]
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

    def limited(model, batch, bf16, task, objectives):
        if len(batch["labels"]) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        step(model, batch, bf16, task, objectives)

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


def test_trap_31_the_arguments_exist_in_the_installed_trainer(tmp_path, tiny, texts):
    setup = open_setup(texts, tmp_path / "s", tiny("bert"))
    args = training_arguments(make_job(setup, tmp_path / "s"))
    assert (
        not args.fp16 and not args.bf16 and args.report_to == [] and args.label_names == ["labels"]
    )
    assert args.use_cpu is not torch.cuda.is_available()
    setup.stack.close()
