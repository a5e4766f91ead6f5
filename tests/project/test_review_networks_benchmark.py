"""Another domain of texts by networks, in small: cells, the table, and what is missing."""

from __future__ import annotations

import importlib
import json

import pytest
from tests_support.studio import ROOT

WORDS = {
    "films": ("a fine film", "a dull plot"),
    "meals": ("a fine meal", "a cold soup"),
}


@pytest.fixture
def benchmark(monkeypatch, tmp_path, tiny):
    """The module with two ways and a small network, writing into a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common, table, module = (
        importlib.import_module(name) for name in ("common", "domains_table", "review_networks")
    )
    results = tmp_path / "results"
    for one in (common, table, module):
        monkeypatch.setattr(one, "RESULTS", results)
    monkeypatch.setattr(module, "CELLS", results / "review_networks")
    monkeypatch.setattr(module, "TUNED", {**module.TUNED, "epochs": 1.0, "max_length": 8})
    for name, small in (
        ("BACKBONE", f"local:{tiny('bert')}"),
        ("WAYS", ("none", "deep_coral")),
        ("SEEDS", 2),
    ):
        monkeypatch.setattr(module, name, small)
    return module


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "review_domains"
    folder.mkdir(parents=True)
    for domain, (good, bad) in WORDS.items():
        lines = [
            f"{(good, bad)[number % 2]} {number},{('positive', 'negative')[number % 2]}"
            for number in range(40)
        ]
        (folder / f"{domain}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return tmp_path / "data"


def test_pairs_are_measured_once_and_missing_ones_are_named(benchmark, data, monkeypatch):
    seen, study = [], benchmark.Study
    keys = benchmark.wanted(data)
    assert len(keys) == 2 * 2 * 3 and keys[0] == ("films", "meals", "none", 0)

    class Noted(study):
        def accuracy(self, *key):
            seen.append(key)
            if key[3] or key[2] == "ceiling" and key[0] == "meals":
                benchmark.path_of(key).write_text(json.dumps({"accuracy": 0.5}))
                return 0.5
            return super().accuracy(*key)

    monkeypatch.setattr(benchmark, "Study", Noted)
    benchmark.main(data, only_table=False)
    assert seen == keys
    kept = {key: json.loads(benchmark.path_of(key).read_text())["accuracy"] for key in keys}
    assert all(0 <= one <= 1 for one in kept.values())
    for key in keys:
        if key[3] == 1 or key[:3] == ("meals", "films", "deep_coral"):
            benchmark.path_of(key).unlink()
    monkeypatch.setattr(benchmark, "Study", None)
    benchmark.main(data, only_table=True)
    figures = json.loads((benchmark.RESULTS / "review_networks.json").read_text())
    row = figures["rows"]["films to meals"]
    gain = kept["films", "meals", "deep_coral", 0] - kept["films", "meals", "none", 0]
    assert row["deep_coral"]["mean"] == pytest.approx(100 * gain, abs=0.06)
    assert row["ceiling"]["seeds"] == 1
    lines = "\n".join(importlib.import_module("domains_table")._reviews())
    assert "Not measured: meals-films-deep_coral-0, seed 1." in lines
    assert (
        f"| films to meals | 1 | {row['none']['mean']:.1f} | {row['deep_coral']['mean']:+.1f} |"
        in (lines)
    )
