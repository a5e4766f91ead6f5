"""Scores at each level of class names, against scikit-learn on collapsed labels and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from tl_core.data.class_levels import split_names
from tl_core.evaluate import report
from tl_core.evaluate.html import render
from tl_core.evaluate.report.level_section import ancestors, summed
from tl_core.evaluate.scores.intervals import wilson

NAMES = ["animal/dog/poodle", "animal/dog/pug", "animal/cat", "plant/oak", "plant/rose", "stone"]


def drawn(rows=300, seed=0):
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(NAMES), rows)
    logits = random.normal(size=(rows, len(NAMES))) + 1.5 * np.eye(len(NAMES))[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, probabilities


def section_of(truth, probabilities, names=NAMES):
    levels = split_names(names, "/")
    answers = probabilities.argmax(axis=1)
    return report.level_section(truth, answers, probabilities, "/", levels.paths)


def test_scores_are_those_of_scikit_learn_on_collapsed_labels():
    truth, probabilities = drawn()
    section = section_of(truth, probabilities)
    answers = probabilities.argmax(axis=1)
    assert [part["level"] for part in section["levels"]] == [1, 2]
    for part in section["levels"]:
        level = part["level"]
        above = ["/".join(name.split("/")[:level]) for name in NAMES]
        true, said = [above[one] for one in truth], [above[one] for one in answers]
        assert part["accuracy"]["value"] == pytest.approx(accuracy_score(true, said))
        assert part["macro_f1"]["value"] == pytest.approx(f1_score(true, said, average="macro"))
        nodes = part["confusion"]["labels"]
        assert nodes == list(dict.fromkeys(above))
        sums = np.array(
            [[sum(row[i] for i, one in enumerate(above) if one == node) for node in nodes]
             for row in probabilities]
        )  # fmt: skip
        by_sum = [nodes[place] for place in sums.argmax(axis=1)]
        assert part["summed_accuracy"]["value"] == pytest.approx(accuracy_score(true, by_sum))
        order = np.argsort(nodes)
        expected = log_loss(true, sums[:, order], labels=[nodes[place] for place in order])
        assert part["log_loss"]["value"] == pytest.approx(expected)
        assert part["accuracy"]["low"] < part["accuracy"]["value"] < part["accuracy"]["high"]
        right = round(part["accuracy"]["value"] * len(truth))
        low, high = wilson(right, len(truth))
        assert (part["accuracy"]["low"], part["accuracy"]["high"]) == pytest.approx((low, high))


def test_wrong_but_right_one_level_up_by_hand():
    said = [1, 0, 2, 3, 4, 5, 0, 2]
    true = [0, 0, 0, 4, 2, 3, 5, 1]
    # poodle as pug: yes; right; poodle as cat: no (not a dog); rose as oak: yes; cat as rose: no;
    # oak as stone: no; stone has no level above; pug as cat: no
    probabilities = np.full((8, 6), 0.05)
    probabilities[np.arange(8), said] = 0.75
    section = section_of(np.array(true), probabilities)
    assert section["wrong"] == 7 and section["one_up"]["value"] == pytest.approx(2 / 7)


def test_summed_probabilities_can_name_another_ancestor():
    nodes, places = ancestors(split_names(NAMES, "/").paths, 1)
    row = np.array([[0.2, 0.2, 0.2, 0.3, 0.1, 0.0]])
    assert [node[0] for node in nodes] == ["animal", "plant", "stone"]
    assert np.allclose(summed(row, places), [[0.6, 0.4, 0.0]])
    section = section_of(np.array([0]), row)
    top = section["levels"][0]
    assert top["accuracy"]["value"] == 0 and top["summed_accuracy"]["value"] == 1


def test_a_class_that_is_an_ancestor_itself_agrees_with_its_children():
    names = ["animal", "animal/dog", "animal/cat", "plant", "plant/oak"]
    probabilities = np.eye(5)[[0, 1, 4]]
    section = section_of(np.array([1, 2, 3]), probabilities, names)
    assert section["levels"][0]["accuracy"]["value"] == 1
    assert section["one_up"]["value"] == pytest.approx(2 / 3)  # plant has no level above


def test_a_perfect_answer_leaves_nothing_wrong():
    truth, _ = drawn(60)
    section = section_of(truth, np.eye(len(NAMES))[truth])
    assert section["wrong"] == 0
    assert all(part["accuracy"]["value"] == 1 for part in section["levels"])


def a_report():
    truth, probabilities = drawn(40)
    return report.build_report(
        report.Subject("d@1", "starter:text", "probe", "text", NAMES, []),
        report.data_facts("f", {"train": 8, "test": 4}, []),
        report.evaluate_rows(truth, probabilities, NAMES, "split"),
        None,
        {"majority": {"test": report.baseline_score(truth == 0)}},
        {},
        settings={},
        timing={"total": 1.0},
        against_baseline=None,
        test_looks=1,
    )


def test_earlier_reports_have_no_levels_and_the_page_to_print_shows_them():
    old = {
        "schema_version": 2,
        "test": {"n": 3, "accuracy": {"value": 1.0}},
        "validation": {"n": 2, "levels": None},
    }
    read = report.migrate(old)
    assert read["test"]["levels"] is None and read["schema_version"] == report.SCHEMA_VERSION
    assert "levels" not in old["test"]
    content = a_report()
    content["test"]["levels"] = section_of(*drawn())
    page = render(content)
    assert "Level by level" in page and "one level above the true class" in page
    assert "Level by level" not in render(a_report())
