"""The helper process: tickets, errors in words, and what happens when it dies."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.errors import UserError
from tl_core.helper.client import ComputeClient
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(home):
    found = ComputeClient()
    yield found
    found.close()


def answer(client, name, **arguments):
    return wait(client, client.call(name, **arguments))


def wait(client, ticket):
    end = time.monotonic() + 90
    while time.monotonic() < end:
        ready, value = client.poll(ticket)
        if ready:
            return value
        time.sleep(0.05)
    raise AssertionError("no answer")


def test_looking_into_pictures_and_tables(client, tmp_path):
    found = answer(
        client,
        "inspect_source",
        path=str(write_pictures(tmp_path / "d")),
        staging=str(tmp_path / "s"),
        options={},
    )
    assert found["classes"] == {"blue": 12, "green": 12, "red": 12}
    assert found["thumbnails"][0][1].startswith(b"\xff\xd8")
    found = answer(
        client,
        "inspect_source",
        path=str(write_texts(tmp_path / "t.csv")),
        staging=str(tmp_path / "s"),
        options={},
    )
    assert found["guess"]["text"] == "text"
    assert len(found["preview"]) == 8


def test_trap_29_predictions_leave_the_shared_model_alone(client, tiny, tmp_path):
    save_classifier(
        load_backbone(f"local:{tiny('bert')}", ["a", "b"], Settings()), tmp_path / "model"
    )
    tickets = [
        client.call("predict_one", folder=str(tmp_path / "model"), value=text)
        for text in ("good film", "bad order", "good film") * 3
    ]
    end, found = time.monotonic() + 90, []
    for ticket in tickets:
        while not client.poll(ticket)[0]:
            assert time.monotonic() < end
            time.sleep(0.05)
        found.append(dict(client.poll(ticket)[1]))
    assert found[0] == found[2] == found[-1]
    expected = load_classifier(tmp_path / "model").probabilities(["good film"])[0]
    assert found[0]["a"] == pytest.approx(expected[0], abs=1e-6)


def test_errors_keep_their_words(client):
    with pytest.raises(UserError, match="no file or folder") as caught:
        answer(client, "inspect_source", path="/nowhere", staging="/tmp/x", options={})
    assert caught.value.code == "data"
    with pytest.raises(UserError, match="did not expect"):
        answer(client, "no_such_call")
    with pytest.raises(UserError, match="has stopped"):
        client.poll(12345)


def test_an_answer_is_for_whoever_asked_alone(client, tmp_path):
    about = {"path": str(write_texts(tmp_path / "t.csv")), "staging": str(tmp_path), "options": {}}
    ticket = client.call("inspect_source", "ana", **about)
    for other in ("ben", ""):
        with pytest.raises(UserError, match="has stopped"):
            client.poll(ticket, other)
    end = time.monotonic() + 90
    while not client.poll(ticket, "ana")[0]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert client.poll(ticket, "ana")[1]["modality"] == "text"
    for other in ("ben", ""):
        with pytest.raises(UserError, match="has stopped"):
            client.poll(ticket, other)


def test_a_killed_helper_is_noticed_and_replaced(client, tmp_path):
    source = str(write_texts(tmp_path / "t.csv"))
    answer(client, "inspect_source", path=source, staging=str(tmp_path), options={})
    process = client._process
    process.kill()
    process.wait()
    end = time.monotonic() + 10
    while client._connection is not None and time.monotonic() < end:
        time.sleep(0.05)
    assert (
        answer(client, "inspect_source", path=source, staging=str(tmp_path), options={})["modality"]
        == "text"
    )
    assert client._process.pid != process.pid


def test_the_helper_does_not_outlive_the_app(tmp_path):
    code = (
        "from tl_core.helper.client import ComputeClient; import os\nc = ComputeClient();"
        " c.call('warm', folder='/nowhere'); print(c._process.pid, flush=True); os._exit(9)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    pid, end = int(found.stdout), time.monotonic() + 30
    import psutil

    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_trap_30_nothing_is_started_by_fork_or_spawn_of_the_page():
    """Children are started by command line; multiprocessing would run app.py again in each of them.
    Only a training, which is a process of its own, may have loader workers, and only to feed a GPU.
    """
    for folder in ("tl_core", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            assert "ProcessPoolExecutor" not in text, path
            assert "multiprocessing.Process" not in text, path
            asked = text.count("num_workers") and "ray.train" not in text  # there: machines
            assert not asked or (
                path.name == "trainer.py" and "4 if torch.cuda.is_available() else 0" in text
            ), path


def test_two_questions_about_networks_at_once_do_not_break_each_others_imports(
    client, tiny, tmp_path
):
    """transformers imports its parts on first use; a fresh helper is asked for a tree and a look at
    texts together.
    """
    version = build(write_texts(tmp_path / "t.csv", 30), tmp_path / "v")
    reference = f"local:{tiny('bert')}"
    tickets = [
        client.call("check_fit", reference=reference, folder=str(version.folder), max_length=16),
        client.call("layer_tree", reference=reference, recipe="finetune", options={}, classes=2),
    ]
    _, tree = (wait(client, ticket) for ticket in tickets)
    assert tree["trainable"] == tree["total"]
