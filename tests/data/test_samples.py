"""The built-in samples are what they claim to be."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest
from tests_support.datasets import build

from tl_core.data.sources.samples import sample_source
from tl_core.errors import DataError
from tl_core.train.items.text_baseline import text_features


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    with sample_source("messages", tmp_path_factory.mktemp("m")).open() as handle:
        return list(csv.DictReader(handle))


def test_messages_are_many_short_and_different(messages):
    assert len(messages) >= 400
    assert len({row["text"].casefold() for row in messages}) == len(messages)
    assert len(Counter(row["label"] for row in messages)) == 6
    assert max(len(row["text"]) for row in messages) < 200


def test_messages_follow_no_template(messages):
    grams = Counter()
    for row in messages:
        words = re.findall(r"\w+", row["text"].lower())
        grams.update({tuple(words[i : i + 4]) for i in range(len(words) - 3)})
    assert grams.most_common(1)[0][1] <= 0.01 * len(messages)


def test_messages_are_neither_trivial_nor_hopeless(messages):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(text_features(), LogisticRegression(C=10, max_iter=300))
    found = cross_val_score(
        model, [r["text"] for r in messages], [r["label"] for r in messages], cv=5
    ).mean()
    assert 0.6 < found < 0.9


def test_digits_are_real_pictures(tmp_path):
    version = build(sample_source("digits", tmp_path), tmp_path / "v")
    assert version.info.rows == 1797
    assert version.info.labels == [str(i) for i in range(10)]


def test_an_unknown_sample_is_refused(tmp_path):
    with pytest.raises(DataError, match="Did you mean digits"):
        sample_source("digit", tmp_path)
