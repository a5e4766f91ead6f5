"""Recipe `distillation` end to end: the student comes near its teacher, what that saves is told,
and what cannot teach is refused.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from tests_support.datasets import Poisoned, build, write_pictures, write_texts
from tests_support.finetuning import Ear, weights

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.errors import Cancelled, ConfigError, DataError
from tl_core.recipes import run_recipe
from tl_core.services.trainings import check_training

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
QUICK = {"max_length": 16, "baseline": False, "epochs": 3.0, "batch_size": 16}


def config_of(version, backbone, recipe, **options):
    return RunConfig(
        "train", "local", "d@1", str(version.folder), f"local:{backbone}", recipe, options
    )


def trained(version, folder, backbone, recipe="distillation", progress=None, **options):
    folder.mkdir(exist_ok=True)
    config = config_of(version, backbone, recipe, **{**QUICK, **options})
    config.write(folder)
    return run_recipe(config, version, folder, folder.parent / "cache", progress or Ear())


def two_tongues(path, labelled, rows, seed=0):
    """Each class has eighteen words, a text says three of them; few texts have a class."""
    random = np.random.default_rng(seed)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "split"])
        for split, count in (("train", rows), ("validation", 60), ("test", 200)):
            for number in range(count):
                words = random.choice(list(LETTERS[number % 2 :: 2]), 3)
                known = split != "train" or number < 2 * labelled
                writer.writerow([" ".join(words), f"c{number % 2}" if known else "", split])
    return path


@pytest.fixture(scope="module")
def taught(tmp_path_factory, tiny):
    """A version with few labels, one with all of them, and a teacher that has learnt from these."""
    home = tmp_path_factory.mktemp("taught")
    every = build(two_tongues(home / "every.csv", 400, 800), home / "every")
    few = build(two_tongues(home / "few.csv", 1, 800), home / "few")
    trained(every, home / "teacher", tiny("bert"), "finetune", learning_rate=3e-3, epochs=6.0)
    return few, home / "teacher" / "model", home


def test_a_student_comes_near_its_teacher(taught, tiny, tmp_path):
    version, teacher, _ = taught
    report = trained(
        version,
        tmp_path / "student",
        tiny("distilbert"),
        teacher=f"local:{teacher}",
        learning_rate=3e-3,
        epochs=6.0,
    )
    scores = {name: one["accuracy"]["value"] for name, one in report["beside"].items()}
    student = report["test"]["accuracy"]["value"]
    plain, big = scores["a probe of the student's backbone"], scores["the teacher"]
    assert big > 0.9 and big - plain > 0.1, scores
    assert student - plain >= (big - plain) / 2, (student, scores)
    facts = report["distillation"]
    assert facts["unlabelled"] + facts["left_out"] == 798 and facts["labelled"] == 2
    assert facts["agreement"] > 0.8
    for name in ("teacher_cost", "student_cost"):
        assert facts[name]["items_per_second"] > 0 and facts[name]["bytes"] > 4 * 1000
    assert facts["teacher_cost"]["parameters"] != facts["student_cost"]["parameters"]
    assert not (tmp_path / "student" / "teacher.npz").exists()


def test_it_goes_on_to_the_same_weights_and_test_labels_take_no_part(taught, tiny, tmp_path):
    version, teacher, _ = taught
    options = {"teacher": f"local:{teacher}"}
    whole = trained(version, tmp_path / "whole", tiny("bert"), **options)
    with pytest.raises(Cancelled):
        trained(version, tmp_path / "cut", tiny("bert"), progress=Ear(cancel_at=20), **options)
    assert (tmp_path / "cut" / "teacher.npz").exists()
    trained(Poisoned(version.folder), tmp_path / "cut", tiny("bert"), **options)
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert whole["test"]["n"] == 200


def test_a_student_of_photos_may_look_at_smaller_ones(tiny, tmp_path):
    version = build(write_pictures(tmp_path / "p", each=12), tmp_path / "v")
    photos = {"max_length": 256, "epochs": 1.0}  # of texts, so it is as it stands
    trained(version, tmp_path / "teacher", tiny("resnet"), "finetune", **photos)
    teacher = tmp_path / "teacher" / "model"
    small = {"input_size": 16, "teacher": f"local:{teacher}"}
    trained(version, tmp_path / "student", tiny("resnet"), **photos, **small)
    size = load_classifier(tmp_path / "student" / "model").processor.size
    assert 16 in dict(size).values()
    assert 16 not in dict(load_classifier(teacher).processor.size).values()


def test_classes_are_matched_by_their_names(taught, tiny, tmp_path):
    """A teacher with the same classes in another order, and one more that nobody asks about."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from tl_core.progress import Progress
    from tl_core.recipes.shared.teacher import open_teacher

    version, teacher, _ = taught
    model = AutoModelForSequenceClassification.from_pretrained(teacher)
    weight, bias = model.classifier.weight.data, model.classifier.bias.data
    model.config.id2label = {0: "other", 1: "C1", 2: "c0"}
    model.config.label2id = {"other": 0, "C1": 1, "c0": 2}
    model.config.num_labels = 3
    model.num_labels = 3
    head = torch.nn.Linear(weight.shape[1], 3)
    order = [1, 0]
    head.weight.data = torch.cat([torch.zeros_like(weight[:1]), weight[order]])
    head.bias.data = torch.cat([torch.full((1,), -5.0), bias[order]])
    model.classifier = head
    model.save_pretrained(tmp_path / "turned")
    AutoTokenizer.from_pretrained(teacher).save_pretrained(tmp_path / "turned")
    rows = version.rows_of("test")[:30]
    one, other = (
        open_teacher(f"local:{folder}", version, ["c0", "c1"]).says(version, rows, Progress())
        for folder in (teacher, tmp_path / "turned")
    )
    assert np.allclose(one, other, atol=1e-6) and np.allclose(one.sum(axis=1), 1)


def test_what_cannot_teach_is_refused_in_words(taught, tiny, tmp_path):
    version, teacher, home = taught
    with pytest.raises(ConfigError, match="needs a teacher"):
        trained(version, tmp_path / "none", tiny("bert"))
    with pytest.raises(ConfigError, match="needs a teacher"):
        check_training(config_of(version, tiny("bert"), "distillation"))
    other = build(write_texts(tmp_path / "o.csv", 60), tmp_path / "o")
    with pytest.raises(ConfigError, match="does not know 'bad', 'good'"):
        trained(other, tmp_path / "other", tiny("bert"), teacher=f"local:{teacher}")
    assert home.is_dir()


def test_a_teacher_of_other_items_is_refused(taught, tiny, tmp_path):
    version, _, _ = taught
    with pytest.raises(DataError, match="The teacher reads photos"):
        trained(version, tmp_path / "seen", tiny("bert"), teacher=f"local:{tiny('resnet')}")


def test_a_run_that_teaches_is_one_that_the_new_one_begins_with(taught, tiny):
    version, _, _ = taught
    config = config_of(version, tiny("bert"), "distillation", teacher="run:abc123")
    assert config.begins_with() == ["abc123"]
    assert "run:abc123" in config.backbones()
