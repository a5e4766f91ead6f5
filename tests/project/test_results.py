"""Files of results: written and read by name, and told apart from those that are not there."""

from __future__ import annotations

import pytest

from tl_core import results
from tl_core.errors import StateError
from tl_core.json_files import write_json


def test_a_result_is_read_as_it_was_written(tmp_path):
    content = {"points": [], "ahead": [], "classes": [], "advice": "Wait."}
    assert results.LEARNING_CURVE.find(tmp_path) is None
    results.LEARNING_CURVE.write(tmp_path, content)
    assert results.LEARNING_CURVE.load(tmp_path) == content
    assert results.LEARNING_CURVE.find(tmp_path) == content
    assert [path.name for path in tmp_path.glob("curve*")] == ["curve.json"]


def test_a_result_that_is_not_there_or_damaged_is_said(tmp_path):
    with pytest.raises(StateError, match=r"no rank\.json"):
        results.RANKING.load(tmp_path)
    (tmp_path / "rank.json").write_text("[1]")
    with pytest.raises(StateError, match="no object"):
        results.RANKING.load(tmp_path)


def test_no_two_results_share_a_name():
    names = [one.name for one in vars(results).values() if isinstance(one, results.ResultFile)]
    assert len(names) == len(set(names)) >= 9


def test_a_number_that_json_does_not_know_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    assert path.read_text() == '{\n "a": 1\n}'
