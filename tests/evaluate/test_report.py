"""`report.json`: what is written is read again, and older reports come in the shape of today."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NotRequired, get_origin, get_type_hints

import numpy as np
import pytest

from tl_core.errors import StateError
from tl_core.evaluate import report
from tl_core.evaluate.html import render
from tl_core.evaluate.measures import ScoredRows
from tl_core.evaluate.report.schema import Report

FIRST = json.loads("""{
 "dataset": "digits@1", "backbone": "starter:image", "recipe": "probe", "modality": "image",
 "labels": ["0", "1"],
 "test": {
  "kind": "split", "n": 4,
  "accuracy": {"value": 0.75, "low": 0.3, "high": 0.95, "level": 0.95, "method": "Wilson"},
  "per_class": [],
  "confusion": {"labels": ["0", "1"], "counts": [[2, 0], [1, 1]]}
 },
 "baselines": {"majority": {"test": {
  "accuracy": {"value": 0.5, "low": 0.15, "high": 0.85, "level": 0.95, "method": "Wilson"}
 }}},
 "headline": "Right 75 times in 100.",
 "data": {"fingerprint": "f", "splits": {"train": 8, "test": 4}, "findings": []},
 "environment": {"python": "3.11", "platform": "Linux", "packages": {"torch": "2.12.1"}},
 "predictions": "predictions.csv",
 "timing": {"total": 3.0}
}""")  # without a version, as the first reports were


def required(schema):
    """Keys of a typed dictionary that are not optional."""
    hints = get_type_hints(schema, include_extras=True)
    return {key for key, hint in hints.items() if get_origin(hint) is not NotRequired}


def a_report(**more):
    truth, probabilities = np.array([0, 1, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8]] * 2)
    section = report.evaluate_rows(truth, probabilities, ["a", "b"], "split")
    return report.build_report(
        report.Subject("d@1", "starter:text", "probe", "text", ["a", "b"], []),
        report.data_facts("f", {"train": 8, "test": 4}, []),
        section,
        None,
        {"majority": {"test": report.baseline_score(truth == 0)}},
        {"sweep": [{"c": 1.0, "loss": 0.5}]},
        settings={"c": 1.0},
        timing={"total": 1.0},
        against_baseline=None,
        test_looks=1,
        **more,
    )


def test_a_report_is_read_as_it_was_written(tmp_path):
    written = a_report()
    report.write_report(tmp_path, written)
    assert report.load_report(tmp_path) == written
    assert written["schema_version"] == report.SCHEMA_VERSION
    assert written["headline"].startswith("Right 50 times in 100")
    assert required(Report) <= written.keys() <= get_type_hints(Report).keys()
    assert required(ScoredRows) <= written["test"].keys()


def test_the_first_reports_are_brought_into_the_shape_of_today(tmp_path):
    (tmp_path / report.FILE).write_text(json.dumps(FIRST))
    read = report.load_report(tmp_path)
    assert read["schema_version"] == report.SCHEMA_VERSION
    assert required(Report) <= read.keys()
    assert (read["test_looks"], read["against_baseline"], read["settings"]) == (1, None, {})
    assert read["test"]["reliability"] == read["test"]["ranking"] == []
    assert {key: read[key] for key in FIRST if key != "test"} == {
        key: value for key, value in FIRST.items() if key != "test"
    }
    assert FIRST["test"].items() <= read["test"].items()
    assert report.rivals(read)["majority"]["value"] == 0.5
    assert "Class by class" in render(read)


def test_a_withheld_report_of_the_first_version_stays_withheld():
    read = report.migrate({**FIRST, "schema_version": 1, "test": None, "validation": {"n": 3}})
    assert read["test"] is None
    assert read["test_looks"] == 0
    assert read["validation"]["coverage"] == []


def test_a_report_of_a_newer_program_or_none_at_all_is_refused(tmp_path):
    with pytest.raises(StateError, match="newer version"):
        report.migrate({**FIRST, "schema_version": report.SCHEMA_VERSION + 1})
    with pytest.raises(StateError, match=r"no report\.json"):
        report.load_report(tmp_path)
    (tmp_path / report.FILE).write_text('{"test": ')
    with pytest.raises(StateError, match="cannot be read"):
        report.load_report(tmp_path)


def test_reports_and_results_are_read_without_heavy_libraries():
    code = (
        "import sys; import tl_core.evaluate.report, tl_core.results, tl_core.test_score\n"
        "heavy = {'torch', 'pandas', 'scipy', 'sklearn', 'datasets', 'transformers'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
