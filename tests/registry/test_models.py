"""Whose an uploaded model is, and which backbones somebody may name on a server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tl_core.access.principal import Principal
from tl_core.config import RunConfig
from tl_core.errors import AccessError, BackboneError, NotFoundError
from tl_core.registry.models import ModelStore
from tl_core.registry.runs import RunStore

ANA, BEN = Principal("ana", handle="ana"), Principal("ben", handle="ben")


@pytest.fixture
def store(engine, home):
    (home / "models" / "mine").mkdir(parents=True)
    ModelStore(engine, ANA, home).add("mine")
    return lambda who: ModelStore(engine, who, home)


def test_an_uploaded_model_is_its_owners(store):
    assert [model.name for model in store(ANA).list()] == ["mine"] and store(BEN).list() == []
    store(ANA).check("local:mine")
    assert not store(BEN).may_use("local:mine") and store(ANA).may_use("local:mine")
    with pytest.raises(NotFoundError):
        store(BEN).delete("mine")
    assert store(ANA).delete("mine").name == "mine" and store(ANA).list() == []


def test_somebody_who_may_only_look_uploads_none(store):
    with pytest.raises(AccessError):
        store(replace(BEN, role="viewer")).require_adding()


PATHS = [
    "local:/etc",
    "local:../runs/abc/model",
    "local:models/mine",
    "local:~/model",
    "static:/etc/passwd",
    "static:local:/etc",
    "local:mine/../mine",
]


@pytest.mark.parametrize("reference", PATHS)
def test_nobody_on_a_server_names_a_path(store, reference):
    for who in (ANA, BEN):
        with pytest.raises(BackboneError, match="path"):
            store(who).check(reference)


@pytest.mark.parametrize(
    "reference", ["starter:text", "hub:a/b", "local:shared", "static:starter:text"]
)
def test_what_is_everybodys_may_be_named(store, reference):
    store(BEN).check(reference)


def test_a_run_starts_from_no_model_of_somebody_else(engine, home, store):
    config = RunConfig("train", "ben", "d@1", "", "local:mine", "probe")
    for backbone in ("local:mine", "static:local:mine", "local:../models/mine"):
        with pytest.raises((NotFoundError, BackboneError)):
            RunStore(engine, BEN, home).create(replace(config, backbone=backbone))
    rank = replace(config, kind="rank", backbone="", options={"backbones": ["local:mine"]})
    with pytest.raises(NotFoundError):
        RunStore(engine, BEN, home).create(rank)
    assert RunStore(engine, ANA, home).create(replace(config, owner="ana")).status == "queued"
    alone = Principal("ben", anywhere=True)  # on their own computer
    assert RunStore(engine, alone, home).create(config).status == "queued"
