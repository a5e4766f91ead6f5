"""The script for a GPU runs to its end without one, tiny; its figures are then worth nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import on_gpu

    if on_gpu.CUDA:
        pytest.skip("takes minutes where there is a GPU: run benchmarks/on_gpu.py")
    return on_gpu


def test_every_part_runs_tiny(script, tmp_path, capsys):
    words, pictures = script.write_networks(tmp_path)
    texts, photos = script.write_items(tmp_path)
    for version, network in ((texts, words), (photos, pictures)):
        assert script.throughput(version, network, tmp_path, 14)["items_per_second"] > 0
        assert script.reading(version, network, tmp_path)["predictions_per_second"] > 0
    large = script.too_large(texts, words, tmp_path)
    assert large["batch"] == 64 and large["steps"] > 0
    again = script.resumed(texts, words, tmp_path)
    assert 0 < again["ended_at"] <= again["went_on_at"] < again["steps"]
    larger = script.larger(texts, words, tmp_path)
    assert {"recompute", "offload", "fsdp with one process", "lora"} <= larger.keys()
    assert len({way["steps"] for way in larger.values() if isinstance(way, dict)}) == 1
    assert script.foretold(texts, words, tmp_path)["as set"] > 0
    script.child(texts.folder, words, tmp_path)
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0
