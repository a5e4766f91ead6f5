"""What each finding costs, and that a perfect set has a hundred."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from tests_support.datasets import build, write_texts

from tl_core.data.browse.concentration import Concentrated, concentrated
from tl_core.data.browse.health import PRICES, health_of
from tl_core.data.versions.store import VersionInfo

ROOT = Path(__file__).parents[2]


def info(*findings, rows=1000, classes=None):
    classes = classes or {"a": rows // 2, "b": rows - rows // 2}
    listed = [
        {
            "id": name,
            "severity": severity,
            "text": "",
            "count": count,
            "fix": "",
            "items": [],
            "actions": [],
        }
        for name, severity, count in findings
    ]
    return VersionInfo("text", "single_label", rows, classes, {}, {}, "f", "i", findings=listed)


def test_a_perfect_set_has_a_hundred_and_what_is_no_fault_costs_nothing():
    assert health_of(info()).score == 100
    told = ("script", "numeric_labels", "validation_as_test", "blank_splits")
    health = health_of(info(*((name, "info", 1000) for name in told)))
    assert health.score == 100 and health.sentence == "In good order."


def test_a_hundred_is_never_given_by_rounding():
    assert health_of(info(("leak", "problem", 1), rows=100_000)).score == 99


@pytest.mark.parametrize(
    ("finding", "count", "cost"),
    [
        ("leak", 10, 6.0),
        ("leak", 50, 30.0),
        ("leak", 900, 30.0),
        ("duplicates", 100, 2.5),
        ("few_test", 3, 10.0),
        ("unseen_classes", 1, 25.0),
    ],
)
def test_a_finding_costs_in_proportion_until_its_most(finding, count, cost):
    [found] = health_of(info((finding, "warning", count))).findings
    assert found.cost == pytest.approx(cost) and found.why


def test_imbalance_costs_by_its_ratio():
    def cost(common, rare):
        classes = {"a": common, "b": rare}
        [found] = health_of(
            info(("imbalance", "info", common), rows=common + rare, classes=classes)
        ).findings
        return found.cost

    assert cost(200, 100) == 0 and cost(2000, 100) == pytest.approx(10)
    assert 0 < cost(300, 100) < cost(900, 100) < 10 and cost(9000, 100) == 10


def test_the_dearest_come_first_and_the_score_never_falls_below_nothing():
    health = health_of(
        info(
            ("duplicates", "info", 500),
            ("leak", "problem", 50),
            ("script", "warning", 1000),
            ("numeric_labels", "info", 2),
        )
    )
    order = [one.finding["id"] for one in health.findings]
    assert order == ["leak", "duplicates", "script", "numeric_labels"]
    assert health.score == 65 and "will show" in health.sentence
    worst = health_of(info(*((name, "problem", 1000) for name in PRICES)))
    assert worst.score == 0 and worst.sentence == "Too few rows to train on."


def test_a_finding_of_a_later_release_costs_by_how_serious_it_is():
    costs = {
        severity: health_of(info(("new", severity, 5))).findings[0].cost
        for severity in ("problem", "warning", "info")
    }
    assert costs == {"problem": 20, "warning": 5, "info": 0}


def test_every_finding_that_the_checks_can_make_has_a_price():
    made = set()
    for path in (ROOT / "tl_core/data").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
                "Finding",
                "RowFinding",
                "finding",
            ):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    made.add(first.value)
    made |= {"one_class_test", "one_class_validation"}
    assert len(made) > 30 and made == set(PRICES)


def test_the_guide_tells_what_each_finding_costs():
    guide = (ROOT / "docs/guide/data.md").read_text()
    lines = {
        line.split("|")[1].strip(): line.split("|")[2].strip()
        for line in guide.splitlines()
        if line.startswith("| ") and line.split("|")[1].strip().isdecimal()
    }
    for name, price in PRICES.items():
        share = {
            "": "",
            "ratio": f" (from {price.full:g} times on)",
        }.get(price.per, f" ({100 * price.full:g} % of the {price.per})")
        if price.most:
            assert f"{name.replace('_', ' ')}{share}" in lines[f"{price.most:g}"].split(", ")


def test_a_finding_that_is_most_of_a_class_or_a_domain_is_how_these_look(tmp_path):
    lines = ["text,label,shop"]
    lines += [f"a film of {n} parts and {n * 7} scenes,{'ab'[n % 2]},north" for n in range(60)]
    lines += [f"{'pq'[n % 2]}{'abcdefghijkl'[n // 2]},{'ab'[n % 2]},south" for n in range(24)]
    lines += [f"{'pq'[n % 2]}{n},c,north" for n in range(6)]  # few, whatever they are
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v")
    rows = version.finding_rows("short_texts")
    assert len(rows) == 30
    assert concentrated(version, rows) == [Concentrated("shop", "south", 24, 24)]
    classes = concentrated(version, np.flatnonzero(version.labels == 0)[:-2])
    assert [(one.column, one.name, one.total - one.rows) for one in classes] == [("", "a", 2)]


def test_a_real_version_has_a_score(tmp_path):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    health = health_of(version.info)
    assert 0 < health.score < 100  # too few test rows, copies
    assert len(health.findings) == len(version.info.findings)
