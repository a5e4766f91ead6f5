"""References, starters, and a Hub that is not there."""

from __future__ import annotations

import importlib.metadata
import socket
import threading
import time
from dataclasses import replace

import pytest

from tl_core import hub
from tl_core.backbones.sources import starters
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.errors import BackboneError
from tl_core.settings import Settings


@pytest.mark.parametrize(
    ("text", "kind", "target", "revision"),
    [
        ("starter:text", "starter", "text", ""),
        ("local:/a/b", "local", "/a/b", ""),
        ("hub:timm/resnet18.a1_in1k@abc", "hub", "timm/resnet18.a1_in1k", "abc"),
    ],
)
def test_references_are_parsed(text, kind, target, revision):
    reference = parse_reference(text)
    assert (reference.kind, reference.target, reference.revision) == (kind, target, revision)
    assert str(reference) == text


@pytest.mark.parametrize("text", ["", "starter:txt", "starter", "local:", "bert-base", "static:"])
def test_other_references_are_refused_in_words(text):
    with pytest.raises(BackboneError, match="names no backbone"):
        parse_reference(text)


def test_starters_are_the_published_ones():
    for name in ("starter:text", "starter:multilingual", "starter:image", "starter:image-small"):
        assert (resolve_folder(parse_reference(name), Settings()) / "config.json").is_file()


def test_a_changed_starter_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(
        starters.READY, "image-small", replace(starters.READY["image-small"], sha256="0" * 64)
    )
    monkeypatch.setitem(
        starters.PACKAGED, "image", replace(starters.PACKAGED["image"], file_sha256="0" * 64)
    )
    for name in ("image", "image-small"):
        assert "not the published" in starters.problem(name, Settings())
        with pytest.raises(BackboneError, match="not the published"):
            resolve_folder(parse_reference(f"starter:{name}"), Settings(home=str(tmp_path / "new")))
    assert not starters.problem("text", Settings())


def test_a_missing_text_starter_is_a_sentence(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(starters.importlib.metadata, "distribution", missing)
    with pytest.raises(BackboneError, match="not installed"):
        resolve_folder(parse_reference("starter:text"), Settings())


def test_local_names_are_found_below_models_dir(tiny, tmp_path):
    (tmp_path / "mine").symlink_to(tiny("bert"))
    settings = Settings(models_dir=str(tmp_path))
    assert resolve_folder(parse_reference("local:mine"), settings) == tiny("bert").resolve()
    with pytest.raises(BackboneError, match="Did you mean mine"):
        resolve_folder(parse_reference("local:mime"), settings)


@pytest.fixture
def silent_port():
    """A server that accepts and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    kept = []
    thread = threading.Thread(
        target=lambda: [kept.append(server.accept()) for _ in range(20)], daemon=True
    )
    thread.start()
    yield server.getsockname()[1]
    server.close()


@pytest.fixture
def refused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return port


@pytest.mark.parametrize("kind", ["silent", "refused"])
def test_an_unreachable_hub_is_a_sentence_within_seconds(kind, request, monkeypatch):
    port = request.getfixturevalue(f"{kind}_port")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(hub, "_probed", {})
    started = time.monotonic()
    with pytest.raises(BackboneError, match="Hub cannot be reached"):
        resolve_folder(parse_reference("hub:owner/name"), Settings())
    assert time.monotonic() - started < 6
    started = time.monotonic()
    assert not hub.is_reachable()
    assert time.monotonic() - started < 0.1
