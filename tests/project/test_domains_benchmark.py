"""The benchmark of domains in miniature: no item of the target is learnt from with its class, cells
are not measured twice, and the table says what was found.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests_support.datasets import write_pictures

from tl_core.train.objectives.class_confusion import class_confusion
from tl_core.train.objectives.correlations import correlation_distance

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch, tmp_path, tiny):
    """The module with tiny networks and two seeds, writing into a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common, module, table = (
        importlib.import_module(name) for name in ("common", "domains", "domains_table")
    )
    for one in (common, table):
        monkeypatch.setattr(one, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "CELLS", tmp_path / "results" / "domains")
    monkeypatch.setattr(module, "SEEDS", 2)
    monkeypatch.setattr(module, "STRENGTHS", (1.0,))
    monkeypatch.setattr(
        module,
        "STARTERS",
        {"review_domains": f"local:{tiny('bert')}", "pacs": f"local:{tiny('convnext')}"},
    )
    module.table = table
    return module


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "review_domains"
    folder.mkdir(parents=True)
    for shop, before in (("films", "the"), ("products", "my my"), ("restaurants", "late late")):
        lines = ["text,label"]
        lines += [
            f"{before} {('good film', 'bad order')[n % 2]} {n},{('good', 'bad')[n % 2]}"
            for n in range(40)
        ]
        (folder / f"{shop}.csv").write_text("\n".join(lines))
    for kind in ("cartoon", "photo", "sketch"):
        write_pictures(tmp_path / "data" / "pacs" / kind, each=10)
    return tmp_path / "data"


def test_cells_are_measured_once_and_the_table_names_every_pair(benchmark, data, monkeypatch):
    benchmark.main(data, only_table=False)
    cells = {path.stem: path for path in benchmark.CELLS.glob("*.json")}
    assert len(cells) == 2 * (6 + 1 + 2)
    one = json.loads(cells["review_domains-films-products-0"].read_text())
    assert set(one["accuracy"]) == {"none", "standardise", "coral", "subspace", "weights"}
    assert one["snd"] in one["accuracy"] and one["entropy"] in one["accuracy"]
    monkeypatch.setattr(benchmark, "Study", None)  # which nothing that is missing would need
    benchmark.main(data, only_table=False)
    figures = json.loads((benchmark.CELLS.parent / "domains.json").read_text())
    assert len(figures["pairs"]) == 7 and set(figures["unseen"]) == {"pacs", "review_domains"}
    pair = figures["pairs"]["review_domains: films to products"]
    values = [
        json.loads(cells[f"review_domains-films-products-{seed}"].read_text())["accuracy"]["coral"]
        for seed in range(2)
    ]
    assert pair["accuracy"]["coral"]["mean"] == pytest.approx(100 * np.mean(values), abs=0.06)
    lines = "\n".join(benchmark.table.domains())
    assert "| pacs: photo to sketch |" in lines and "| pacs | **worst** |" in lines


def test_half_of_the_target_judges_and_was_not_read(benchmark, data, tmp_path, monkeypatch):
    study = benchmark.Study(
        benchmark.joined(data / "review_domains", tmp_path / "r.csv"),
        tmp_path / "home",
        benchmark.STARTERS["review_domains"],
    )
    seen = []
    fit = benchmark.Study._fit

    def noted(self, way, train, read, seed):
        seen.append((train, read))
        return fit(self, way, train, read, seed)

    monkeypatch.setattr(benchmark.Study, "_fit", noted)
    study.adapted("films", "products", 0)
    films, products = set(study.of("films")), set(study.of("products"))
    for train, read in seen[:-1]:
        assert set(train) <= films and set(read) < products
    train, read = seen[-1]  # the ceiling knows the classes of the half that is read
    assert (train == read).all() and set(read) == set(seen[0][1])


def test_the_plain_loop_adapts_and_its_losses_are_ours(monkeypatch, tmp_path, tiny):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    common, plain = (importlib.import_module(name) for name in ("common", "plain_adapting"))
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(plain, "CELLS", tmp_path / "results" / "plain_adapting")
    for name, small in (("SIZE", 32), ("EPOCHS", 1), ("SEEDS", 2), ("BATCH", 8)):
        monkeypatch.setattr(plain, name, small)
    for kind in ("photo", "sketch"):
        write_pictures(tmp_path / "pacs" / kind, each=10)
    plain.main(tmp_path / "pacs", tiny("resnet"))
    rows = json.loads((tmp_path / "results" / "plain_adapting.json").read_text())["rows"]
    assert len(rows) == 11 and all(row["seeds"] == 2 for row in rows.values())
    cells = [json.loads((plain.CELLS / f"mcc-apart-{seed}.json").read_text()) for seed in (0, 1)]
    right = [cell["accuracy"] for cell in cells]
    assert rows["mcc, apart"]["mean"] == pytest.approx(100 * np.mean(right), abs=0.06)
    made = torch.Generator().manual_seed(0)
    here, there = (torch.randn(8, 5, generator=made) + shift for shift in (0, 1))
    assert float(plain.confusion(here)) == pytest.approx(float(class_confusion(here)), rel=1e-4)
    ours = here.shape[1] * correlation_distance(here, there)
    assert float(plain.correlations(here, there)) == pytest.approx(float(ours), rel=1e-4)
