"""A bundle behind HTTP, as a process of its own: the same answers, limits with codes, and an end
without losses.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from tests_support.serving import serving
from tests_support.studio import ROOT
from tests_support.waiting import wait_for

from tl_core.backbones.classifier import load_classifier
from tl_core.export import golden


@pytest.fixture(scope="module")
def texts(exported, tmp_path_factory):
    served, limits = tmp_path_factory.mktemp("served"), ("--room", "6", "--seconds", "5")
    with serving(exported.bundle("bert")[0], *limits, TL_SERVED=str(served)) as (address, _):
        yield address


def test_texts_are_answered_as_by_the_model(texts, exported):
    labels, items, expected = golden.read_golden(exported.bundle("bert")[0] / "golden", "text")
    for start in range(0, len(items), 5):
        reply = httpx.post(f"{texts}/predict", json={"texts": items[start : start + 5]})
        assert reply.status_code == 200
        for answer, row in zip(reply.json()["answers"], expected[start : start + 5], strict=True):
            np.testing.assert_allclose(
                [answer["probabilities"][name] for name in labels], row, atol=1e-6
            )
            assert answer["label"] == labels[int(row.argmax())] and answer["abstain"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"json": {"texts": []}}, 422),
        ({"json": {"texts": ["x"] * 257}}, 422),
        ({"json": {"texts": ["x" * 100_001]}}, 422),
        ({"json": {"texts": [1]}}, 422),
        ({"json": {}}, 422),
        ({"content": b"no json"}, 422),
        ({"content": b"x" * (33 << 20)}, 413),
        ({"content": iter([b"x"])}, 411),
        ({"json": {"texts": ["a"] * 7}}, 503),
    ],
)
def test_too_much_of_anything_has_its_code(texts, body, status):
    headers = {"Content-Type": "application/json"} if "content" in body else {}
    reply = httpx.post(f"{texts}/predict", headers=headers, timeout=30, **body)
    assert reply.status_code == status
    assert isinstance(reply.json()["detail"], str) and reply.json()["detail"]
    assert httpx.post(f"{texts}/predict", json={"texts": ["and it goes on"]}).status_code == 200


def test_pages_for_machines(texts, exported):
    assert httpx.get(f"{texts}/health").json() == {"status": "alive"}
    assert (
        httpx.get(f"{texts}/ready").json()["labels"]
        == load_classifier(exported.bundle("bert")[0]).labels
    )
    document = httpx.get(f"{texts}/openapi.json").json()
    assert {"/predict", "/predict/files", "/health", "/ready", "/metrics"} <= set(document["paths"])
    httpx.post(f"{texts}/predict", json={"texts": ["once more"]})
    figures = httpx.get(f"{texts}/metrics").text
    assert (
        'graft_requests_total{path="/predict",status="200"}' in figures
        and "graft_items_total" in figures
    )
    assert httpx.post(f"{texts}/predict/files", files={"files": ("a.png", b"x")}).status_code == 422


def test_pictures_and_a_token(exported):
    folder = exported.bundle("vit")[0]
    _, _, expected = golden.read_golden(folder / "golden", "image")
    names = [
        one["file"]
        for one in json.loads((folder / "golden" / "expected.json").read_text())["items"]
    ]
    with serving(folder, TL_SERVE_TOKEN="secret") as (address, _):
        files = [("files", (name, (folder / "golden" / name).read_bytes())) for name in names]
        assert httpx.post(f"{address}/predict/files", files=files).status_code == 401
        assert (
            httpx.post(
                f"{address}/predict/files", files=files, headers={"Authorization": "Bearer wrong"}
            ).status_code
            == 401
        )
        known = {"Authorization": "Bearer secret"}
        reply = httpx.post(f"{address}/predict/files", files=files, headers=known)
        scores = [list(answer["probabilities"].values()) for answer in reply.json()["answers"]]
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        broken = httpx.post(
            f"{address}/predict/files", files={"files": ("a.png", b"no picture")}, headers=known
        )
        assert broken.status_code == 422 and "not an image" in broken.json()["detail"]
        assert httpx.get(f"{address}/health").status_code == 200


def test_an_end_loses_nothing_that_was_accepted(exported, tmp_path):
    """Requests wait for their batch when the end is asked for; all of them are answered, and the
    process goes.
    """
    with (
        serving(exported.bundle("bert")[0], "--wait-ms", "8000", said=tmp_path / "said") as (
            address,
            process,
        ),
        httpx.Client(base_url=address, timeout=60) as client,
        ThreadPoolExecutor(8) as threads,
    ):

        def ask(*texts):
            return client.post("/predict", json={"texts": texts}).status_code

        assert ask("after company", "a batch waits") == 200
        asked = [threads.submit(ask, "still here?") for _ in range(8)]
        wait_for(lambda: "graft_waiting_items 8.0" in client.get("/metrics").text)
        process.send_signal(signal.SIGTERM)
        assert [one.result() for one in asked] == [200] * 8
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)
    said = re.search(
        r"(\d+) requests were accepted, (\d+) of them", (tmp_path / "said").read_text()
    )
    assert said.groups() == ("9", "9")


def test_no_bundle_is_said(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tl_core", "serve", tmp_path],
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 2 and "no bundle" in done.stderr + done.stdout
