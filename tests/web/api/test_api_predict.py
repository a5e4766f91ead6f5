"""`/api/v1/predict`: a few items at once, by a helper process."""

from __future__ import annotations

import asyncio
import base64
import io
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests_support.programs import Server, error_of
from tests_support.recordings import encoded, vowel

from tl_core.data.preparation import Preparation
from tl_core.helper.client import ComputeClient
from tl_core.predict.threshold import save_threshold
from tl_core.web import asking
from tl_core.web.api.schemas import Sent, _check_plain

ROOT = Path(__file__).parents[3]


def as_base64(picture):
    target = io.BytesIO()
    picture.save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode()


def test_texts_are_answered_in_their_order(server, ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    save_threshold(run.folder / "model", 0.7)
    answer = program.post(f"/predict/{run.id}", json={"texts": ["a", "bc"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["answers"] == [
        {
            "label": "good",
            "confidence": 0.6,
            "abstain": True,
            "probabilities": {"bad": 0.4, "good": 0.6},
        },
        {
            "label": "bad",
            "confidence": 0.9,
            "abstain": False,
            "probabilities": {"bad": 0.9, "good": 0.1},
        },
    ]
    assert server.helper.asked == [
        ("predict_texts", {"folder": str(run.folder / "model"), "texts": ["a", "bc"]})
    ]


def test_looking_through_a_long_text_holds_up_nobody():
    for text in ("a" * (16 << 20), "ä" * (16 << 20)):
        began = time.process_time()
        assert Sent.model_validate({}) and _check_plain({"images": [text]}) is None
        assert time.process_time() - began < 0.3
        for odd in ("\0", "\ud800", "\udfff", "x\udc00y"):
            with pytest.raises(ValueError, match="NUL or half"):
                _check_plain([text[:9] + odd])
    _check_plain("\U0001f600 \ud7ff \ue000 \uffff")


def test_pictures_are_decoded_beside_the_loop(server, ana, tickets, monkeypatch):
    real, loops = base64.b64decode, []

    def noted(*given, **named):
        try:
            loops.append(asyncio.get_running_loop())
        except RuntimeError:
            loops.append(None)
        return real(*given, **named)

    run = ana.finished(tickets, report={"modality": "image"})
    program = ana.program()
    monkeypatch.setattr(base64, "b64decode", noted)
    assert program.post(f"/predict/{run.id}", json={"images": ["YQ=="]}).status_code == 200
    assert loops == [None]


def test_pictures_are_answered_one_by_one(server, ana, tickets):
    run = ana.finished(tickets, report={"modality": "image"})
    picture = as_base64(Image.new("RGB", (4, 4), "red"))
    answer = ana.program().post(f"/predict/{run.id}", json={"images": [picture] * 3})
    assert [one["label"] for one in answer.json()["answers"]] == ["good"] * 3
    assert {name for name, _ in server.helper.asked} == {"predict_one"}


def test_recordings_are_answered_one_by_one(server, ana, tickets):
    run = ana.finished(tickets, report={"modality": "audio"})
    clips = [encoded(vowel(name)) for name in "ai"]
    sent = {"sounds": [base64.b64encode(clip).decode() for clip in clips]}
    answer = ana.program().post(f"/predict/{run.id}", json=sent)
    assert [one["label"] for one in answer.json()["answers"]] == ["good"] * 2
    assert [asked["value"] for _, asked in server.helper.asked] == clips
    for body in ({"texts": ["a"]}, {"images": ["aGk="]}, {"sounds": ["no base64!"]}):
        assert error_of(ana.program().post(f"/predict/{run.id}", json=body), 422)["what"]


def test_rows_are_joined_as_in_training(server, ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    Preparation(("title", "body")).write(run.folder / "model")
    path = f"/predict/{run.id}"
    assert program.post(path, json={"rows": [{"title": "a", "body": 3, "x": None}]}).is_success
    assert server.helper.asked[0][1]["texts"] == ["a\n3"]
    assert "Give rows" in error_of(program.post(path, json={"texts": ["a"]}), 422)["try_this"]
    missing = error_of(program.post(path, json={"rows": [{"title": "a"}]}), 422)
    assert "no column 'body'" in missing["what"]


WRONG = [
    {},
    {"texts": []},
    {"texts": [""]},
    {"texts": ["  "]},
    {"texts": ["a"] * 257},
    {"texts": ["x" * 100_001]},
    {"texts": [1]},
    {"texts": "a"},
    {"texts": ["a"], "rows": [{"text": "a"}]},
    {"rows": [{}]},
    {"rows": [{"a": "x", "b": "y"}]},
    {"rows": [{"text": ["nested"]}]},
    {"images": ["aGk="]},  # no model of pictures
    {"sounds": ["aGk="]},
    {"sounds": ["aGk="], "images": ["aGk="]},
    {"texts": ["a"], "model": "/etc"},
]


def test_what_the_model_does_not_read_is_refused(server, ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    for body in WRONG:
        error = error_of(program.post(f"/predict/{run.id}", json=body), 422)
        assert error["what"], str(body)[:80]
    photos = ana.finished(tickets, report={"modality": "image"})
    for body in ({"texts": ["a"]}, {"images": ["no base64!"]}, {"images": ["a" * 10] * 33}):
        assert error_of(program.post(f"/predict/{photos.id}", json=body), 422)["what"]
    assert server.helper.asked == []


def test_only_finished_models_are_asked(server, ana, tickets):
    run = ana.queue(tickets)
    (run.folder / "model").mkdir()
    (run.folder / "model" / "config.json").write_text("{}")
    error = error_of(ana.program().post(f"/predict/{run.id}", json={"texts": ["a"]}), 409)
    assert "queued" in error["why"]
    assert server.helper.asked == []


def test_a_slow_answer_and_too_many_questions_are_told(server, ana, tickets, monkeypatch):
    monkeypatch.setattr(asking, "AT_ONCE", 2)
    run, program = ana.finished(tickets), ana.program()
    server.helper.silent = True
    programs = [ana.program() for _ in range(3)]
    path, body = f"/predict/{run.id}", {"texts": ["a"]}
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda one: one.post(path, json=body), programs)
        answers = sorted(found, key=lambda one: one.status_code)
    assert [one.status_code for one in answers] == [429, 503, 503]
    assert {error_of(one, one.status_code)["code"] for one in answers} == {"busy", "slow"}
    server.helper.silent = False
    assert program.post(path, json=body).is_success


def test_the_answers_are_those_of_the_model(server, ana, tickets, exported):
    """By a real helper process, against transformers."""
    from transformers import pipeline

    folder, _ = exported.run("bert")
    helper = ComputeClient()
    real = Server(server.settings, server.engine, helper)
    try:
        run = ana.finished(tickets, model=folder / "model")
        texts = ["the film is good", "the order is late"]
        answer = real.client(ana.token()).post(f"/predict/{run.id}", json={"texts": texts})
        assert answer.status_code == 200, answer.text
    finally:
        helper.close()
    wanted = pipeline("text-classification", str(folder / "model"), top_k=None)(texts)
    for said, expected in zip(answer.json()["answers"], wanted, strict=True):
        scores = {one["label"]: one["score"] for one in expected}
        assert said["label"] == max(scores, key=scores.get)
        np.testing.assert_allclose(
            [said["probabilities"][name] for name in scores], list(scores.values()), atol=1e-5
        )


@pytest.mark.parametrize("module", ["tl_core.web.api.app", "tl_core.web.asking"])
def test_the_server_never_imports_torch(module):
    code = (
        f"import sys, {module}\n"
        "heavy = {'torch', 'transformers', 'peft', 'evaluate', 'sklearn', 'timm', 'datasets'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT)
