"""Bundles behind Ray Serve on a real cluster: the answers of one process, a lost replica, an end.

Runs where the extra `ray-serve` is installed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from tests_support.waiting import wait_for

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.cli.main import main
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[2]
TEXTS = [f"a good film {'or late order ' * (number % 5)}{number}" for number in range(12)]
TOKEN = "a token that is long enough"  # noqa: S105


@pytest.fixture
def bundle(tmp_path, tiny):
    backbone = load_backbone(f"local:{tiny('bert')}", ["no", "yes"], read_settings())
    save_classifier(backbone, tmp_path / "bundle")
    return tmp_path / "bundle"


def asked(port, texts=TEXTS):
    """The answer to a request, None while nobody answers."""
    try:
        return httpx.post(
            f"http://127.0.0.1:{port}/predict",
            json={"texts": texts},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30,
        )
    except httpx.HTTPError:
        return None


def refusal(bundle, nodes, *options):
    """What a further server says when it is refused."""
    ended = subprocess.run(
        [sys.executable, "-m", "tl_core", "serve", str(bundle), "--ray", *options],
        cwd=ROOT,
        env={**os.environ, **nodes.inside},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode
    return ended.stderr


def replicas():
    return [
        process for process in psutil.process_iter() if "ServeReplica" in " ".join(_line(process))
    ]


def _line(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_replicas_answer_as_one_process_and_are_replaced(bundle, tmp_path, monkeypatch):
    pytest.importorskip("ray.serve", reason="needs Ray Serve: the extra `ray-serve`")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from common import free_port
    from ray_nodes import RayNodes

    port, nodes = free_port(), RayNodes({"PYTHONPATH": os.pathsep.join(sys.path)})
    server = None
    try:
        nodes.start(3)
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tl_core", "serve", str(bundle), "--ray"),
                *("--workers", "2", "--port", str(port), "--unwatched"),
            ],
            cwd=ROOT,
            env={**os.environ, **nodes.inside, "TL_SERVE_TOKEN": TOKEN},
        )
        answer = wait_for(lambda: (found := asked(port)) and found.status_code == 200 and found)
        said = [
            [one["probabilities"][name] for name in ("no", "yes")]
            for one in answer.json()["answers"]
        ]
        np.testing.assert_allclose(said, load_classifier(bundle).probabilities(TEXTS), atol=1e-6)
        assert len(replicas()) == 2
        without = httpx.post(f"http://127.0.0.1:{port}/predict", json={"texts": TEXTS})
        assert without.status_code == 401
        lost = replicas()[0]
        lost.kill()
        wait_for(lambda: len(replicas()) == 2 and lost not in replicas())
        assert asked(port).status_code == 200
        assert "serves bundles already" in refusal(bundle, nodes, "--port", str(free_port()))
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
        wait_for(lambda: not replicas())
        assert asked(port) is None  # nothing listens any more
        assert "9 replicas do not fit" in refusal(bundle, nodes, "--workers", "9")
    finally:
        if server is not None:
            server.kill()
        nodes.close()


def test_without_ray_serve_it_is_said(bundle, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "tl_core.predict.serving.ray_serve", raising=False)
    assert main(["serve", str(bundle), "--ray"])
    assert "Ray Serve is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["", "127.0.0.1:1"])
def test_without_a_cluster_it_is_said(bundle, monkeypatch, capsys, address):
    pytest.importorskip("ray.serve", reason="needs Ray Serve: the extra `ray-serve`")
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert main(["serve", str(bundle), "--ray"])
    assert "There is no Ray cluster here" in capsys.readouterr().err


def test_a_share_of_a_gpu_is_for_a_cluster(bundle, capsys):
    assert main(["serve", str(bundle), "--gpus", "1"])
    assert "each replica of a Ray cluster" in capsys.readouterr().err
