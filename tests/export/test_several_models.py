"""Several bundles behind one server, a watch of what they are asked, a canary, and unsure items."""

from __future__ import annotations

import json
import shutil

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests_support.serving import serving

from tl_core.backbones.classifier import load_classifier
from tl_core.data.versions.store import DatasetVersion
from tl_core.export import golden
from tl_core.predict.serving import service
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Served, Serving
from tl_core.watch.journal import journal_of
from tl_core.watch.pairs import pairs_of
from tl_core.watch.training_sums import Reference
from tl_core.watch.unsure import UnsureItems

TEXTS = [f"a {word} day" for word in ("good", "bad", "late", "fine", "grey", "new")]


def _golden(folder):
    kind = load_classifier(folder).modality
    return golden.read_golden(folder / "golden", kind).items


@pytest.fixture
def several(exported):
    def made(*families, **limits):
        models = tuple(Served(name, str(exported.bundle(name)[0])) for name in families)
        return TestClient(create_app(Serving(models=models, **limits)))

    return made


def states(client):
    return {one["name"]: one["state"] for one in client.get("/models").json()}


def test_each_has_its_path_and_opens_when_it_is_asked(several, exported):
    with several("bert", "vit") as client:
        assert states(client) == {"bert": "closed", "vit": "closed"}
        assert client.get("/ready").json() == {"status": "ready"}
        folder = exported.bundle("bert")[0]
        labels, items, expected = golden.read_golden(folder / "golden", "text")
        reply = client.post("/models/bert/predict", json={"texts": items})
        said = [[one["probabilities"][name] for name in labels] for one in reply.json()["answers"]]
        np.testing.assert_allclose(said, expected, atol=1e-6)
        assert states(client) == {"bert": "open", "vit": "closed"}
        assert client.get("/models/vit/ready").json()["labels"]
        assert states(client)["vit"] == "open"
        assert client.post("/models/vit/predict", json={"texts": ["x"]}).status_code == 422
        assert "graft_open_models 2.0" in client.get("/metrics").text


def test_an_unknown_path_names_what_there_is(several):
    with several("bert", "vit") as client:
        for path in ("/predict", "/models/none/predict", "/none"):
            reply = client.post(path, json={"texts": ["x"]})
            assert reply.status_code == 404 and "bert, vit" in reply.json()["detail"]


def test_memory_is_bounded_and_answers_stay_right(several, monkeypatch):
    monkeypatch.setattr(service, "weight_bytes", lambda folder: 2 << 20)
    with several("bert", "gpt2", "vit", memory_mb=5) as client:  # two of the three fit
        first = client.post("/models/bert/predict", json={"texts": TEXTS}).json()
        for name in ("gpt2", "vit"):
            assert client.get(f"/models/{name}/ready").status_code == 200
        assert states(client) == {"bert": "closed", "gpt2": "open", "vit": "open"}
        assert client.post("/models/bert/predict", json={"texts": TEXTS}).json() == first
        assert states(client) == {"bert": "open", "gpt2": "closed", "vit": "open"}


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("damage", ["weights", "preparation"])
def test_a_broken_model_is_said_and_spoils_no_other(exported, tmp_path, damage, alone):
    folder = shutil.copytree(exported.bundle("bert")[0], tmp_path / "broken")
    if damage == "weights":
        (folder / "model.safetensors").write_bytes(b"damaged")
    else:
        (folder / "preparation.json").write_text("{")
    models = [Served("broken", str(folder))]
    if not alone:
        models.append(Served("bert", str(exported.bundle("bert")[0])))
    with TestClient(create_app(Serving(models=tuple(models)))) as client:
        prefix = "" if alone else "/models/broken"
        for _ in range(2):
            reply = client.post(f"{prefix}/predict", json={"texts": ["x"]})
            assert reply.status_code == 503 and reply.headers["Retry-After"] == "60"
            assert "cannot be opened" in reply.json()["detail"]
            assert str(tmp_path) not in reply.text
        assert client.get(f"{prefix}/ready").status_code == 503
        assert client.get("/health").json() == {"status": "alive"}
        if not alone:
            assert states(client)["broken"] == "broken"
            good = client.post("/models/bert/predict", json={"texts": ["x"]})
            assert good.status_code == 200


def test_what_is_asked_is_counted_and_judged(exported, tmp_path):
    folder = exported.bundle("bert")[0]
    kept = Serving(str(folder), kept=str(tmp_path), window=60)
    with TestClient(create_app(kept)) as client:
        for _ in range(10):
            client.post("/predict", json={"texts": TEXTS})
    journal = journal_of(tmp_path, folder.name)
    (past,) = journal.past
    classifier = load_classifier(folder)
    said = classifier.probabilities(TEXTS).argmax(axis=1)
    assert past["items"] == 60
    assert past["classes"] == (10 * np.bincount(said, minlength=len(classifier.labels))).tolist()
    assert past["drifted"]  # six texts again and again are unlike the dataset
    graft = json.loads((folder / "graft.json").read_text())
    assert (journal.about.run, journal.about.dataset) == (graft["run"], graft["dataset"])
    words = b"".join(path.read_bytes() for path in journal.folder.rglob("*") if path.is_file())
    assert not any(text.encode() in words for text in TEXTS)


@pytest.mark.parametrize("family", ["bert", "gpt2", "vit", "resnet", "words", "mlp"])
def test_what_is_read_is_what_the_last_layer_gets(exported, family):
    """Weights times what was read, plus the bias, are the logits of the last layer."""
    classifier = load_classifier(exported.bundle(family)[0])
    kind = "image" if classifier.modality == "image" else "text"
    items = golden.read_golden(exported.bundle(family)[0] / "golden", kind).items
    scores, features = classifier.read(items)
    np.testing.assert_allclose(scores, classifier.probabilities(items), atol=1e-9)
    assert features.shape[0] == len(items) and features.ndim == 2
    heads = [
        one
        for one in classifier.model.modules()
        if getattr(one, "out_features", 0) == len(classifier.labels) and hasattr(one, "weight")
    ]
    if heads:
        weight = heads[-1].weight.detach().double().numpy()
        bias = heads[-1].bias
        logits = features @ weight.T + (0 if bias is None else bias.detach().double().numpy())
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(raised / raised.sum(1, keepdims=True), scores, atol=1e-5)


def test_two_models_behind_one_path_are_compared(exported, tmp_path):
    one, two = (str(exported.bundle(name)[0]) for name in ("bert", "gpt2"))
    models = (Served("mail", one, canary=two, share=0.5),)
    by_text = {}
    with TestClient(create_app(Serving(models=models, kept=str(tmp_path)))) as client:
        seen = {"first": 0, "canary": 0}
        for text in TEXTS * 5:
            reply = client.post("/predict", json={"texts": [text]})
            who = reply.headers["X-Graft-Model"]
            seen[who] += 1
            label = reply.json()["answers"][0]["label"]
            assert by_text.setdefault((who, text), label) == label
            if request := reply.headers.get("X-Graft-Request"):
                sent = {"request": request, "labels": [label]}
                assert client.post("/labels", json=sent).json() == {"noted": 1}
        wrong = client.post("/labels", json={"request": "none", "labels": ["x"]})
        assert wrong.status_code == 422 and "no such request" in wrong.json()["detail"]
    assert min(seen.values()) >= 4  # of 30 by lot; fewer have a chance below 1 in 100,000
    report = pairs_of(tmp_path, "mail").report()
    assert report["items"] == seen["canary"] == report["labelled"]["n"]
    said = [load_classifier(exported.bundle(name)[0]) for name in ("bert", "gpt2")]
    first, second = (
        np.array(model.labels)[model.probabilities(TEXTS).argmax(axis=1)] for model in said
    )
    assert (report["disagreeing"]["value"] > 0) == bool((first != second).any())
    assert report["labelled"]["only_first_right"] == 0  # the labels were the canary's answers


def test_a_canary_that_cannot_answer_costs_nobody_an_answer(exported, tmp_path):
    folder = shutil.copytree(exported.bundle("bert")[0], tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"damaged")
    models = (Served("mail", str(exported.bundle("bert")[0]), canary=str(folder), share=1.0),)
    with TestClient(create_app(Serving(models=models, kept=str(tmp_path / "kept")))) as client:
        reply = client.post("/predict", json={"texts": ["still here?"]})
        assert reply.status_code == 200 and reply.headers["X-Graft-Model"] == "first"
    assert pairs_of(tmp_path / "kept", "mail").report()["failures"] == 1


@pytest.mark.parametrize("room", [0, 1, 4])
def test_unsure_items_are_kept_only_where_the_owner_says_so(exported, tmp_path, room):
    for family, path in (("bert", "/predict"), ("vit", "/predict/files")):
        folder = shutil.copytree(exported.bundle(family)[0], tmp_path / f"{family}-bundle")
        random = np.random.default_rng(0)
        classifier = load_classifier(folder)
        width, labels = classifier.read(_golden(folder))[1].shape[1], classifier.labels
        Reference.made(
            labels,
            "validation",
            random.integers(0, len(labels), 30),
            random.random(30),
            random.normal(size=(30, width + (room == 1))),  # of another model once
        ).write(folder)
        kept = Serving(str(folder), kept=str(tmp_path / family), unsure=1.0, keep_unsure=room)
        pictures = sorted((folder / "golden").glob("*.png"))[:6]
        files = [("files", (one.name, one.read_bytes())) for one in pictures]
        sent = {"json": {"texts": TEXTS}} if family == "bert" else {"files": files}
        with TestClient(create_app(kept)) as client:
            assert client.post(path, **sent).status_code == 200
        items = UnsureItems(journal_of(tmp_path / family, folder.name).folder)
        assert len(items) == room


def test_the_test_labels_have_no_part_in_what_a_bundle_says(exported, tmp_path):
    """Poisoned labels of held-out rows change nothing."""
    from tl_core.data.preparation import Preparation
    from tl_core.export.cards.held_out import note_held_out
    from tl_core.progress import Progress

    run, version = exported.run("bert")
    classifier = load_classifier(run / "model")
    made = []
    for poisoned in (False, True):
        target = tmp_path / str(poisoned)
        if poisoned:
            version = DatasetVersion(version.folder)
            labels = version.labels.copy()
            for name in ("validation", "test"):
                labels[version.rows_of(name)] = -7
            version.__dict__["labels"] = labels
        note_held_out(target, classifier, version, Preparation(), Progress(), sealed=False)
        made.append(Reference.read(target))
    np.testing.assert_array_equal(made[0].classes, made[1].classes)
    np.testing.assert_array_equal(made[0].mean, made[1].mean)
    note_held_out(target, classifier, version, Preparation(), Progress(), sealed=True)


@pytest.mark.whole
def test_by_the_command_with_two_workers(exported, tmp_path):
    """A folder of bundles; both processes add to the same statistics."""
    root = tmp_path / "bundles"
    for name in ("bert", "vit"):
        shutil.copytree(exported.bundle(name)[0], root / name)
    kept = tmp_path / "served"
    with serving(root, "--workers", "2", "--window", "50", TL_SERVED=str(kept)) as (address, ended):
        for _ in range(20):
            reply = httpx.post(f"{address}/models/bert/predict", json={"texts": TEXTS}, timeout=60)
            assert reply.status_code == 200
        ended.terminate()
        ended.wait(timeout=60)
    journal = journal_of(kept, "bert")
    assert sum(one["items"] for one in journal.past) + journal.open_window.items == 120
