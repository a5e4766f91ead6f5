"""Every method of every store, called by Ben with what is Ana's: he gets and changes nothing.

A method that is new must be put into the table, else the last test fails.
"""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.attacks.conftest import ANA, BEN, MARK, MODEL, NAME
from tl_core.access.links import ReportLinks
from tl_core.access.sharing import Sharing
from tl_core.config import RunConfig
from tl_core.database import tables
from tl_core.database.engine import open_database
from tl_core.errors import UserError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import AnswerStore, Given
from tl_core.registry.models import ModelStore
from tl_core.registry.presets import PresetStore
from tl_core.registry.runs import RunStore
from tl_core.registry.uploads import UploadStore
from tl_core.settings import read_settings

VIEWER = replace(BEN, role="viewer")
NO_SCOPES = replace(BEN, scopes=frozenset())
FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2, "fingerprint": "x"}


def started(store, prey, **changes):
    config = RunConfig("train", BEN.id, f"ana/{NAME}@1", str(prey.folder), "starter:text", "probe")
    return store.create(replace(config, **changes))


# Method: attempts, each with the store and the prey. What is given must not hold the mark, and a
# refusal is a UserError.
RUNS = {
    "create": [
        lambda s, p: started(s, p),
        lambda s, p: started(s, p, owner=ANA.id),
        lambda s, p: started(s, p, dataset=f"{NAME}@1"),
        lambda s, p: started(s, p, dataset=f"id-ana/{NAME}@1"),
        lambda s, p: started(s, p, dataset="", dataset_dir=str(p.folder)),
        lambda s, p: started(s, p, dataset="own@1", dataset_dir=str(p.folder)),
        lambda s, p: started(s, p, dataset="", dataset_dir="", backbone=f"run:{p.ended}"),
        lambda s, p: started(s, p, dataset="", dataset_dir="", backbone=f"local:{MODEL}"),
        lambda s, p: started(s, p, dataset="", dataset_dir="", backbone=f"local:../runs/{p.ended}"),
        lambda s, p: started(s, p, kind="predict", options={"run": p.ended, "input": "x"}),
        lambda s, p: started(s, p, kind="export", options={"run": p.ended}),
        lambda s, p: started(s, p, kind="fix", options={"finding": "leak"}),
        lambda s, p: started(s, p, kind="takeout", options={"format": "csv"}),
    ],
    "get": [lambda s, p: s.get(p.run), lambda s, p: s.get(p.ended)],
    "find": [lambda s, p: s.find(p.run), lambda s, p: s.find(p.ended)],
    "waiting": [lambda s, p: s.waiting(p.run)],
    "of_dataset": [
        lambda s, p: s.of_dataset(f"ana/{NAME}"),
        lambda s, p: s.of_dataset(f"ana/{NAME}@1"),
        lambda s, p: s.of_dataset(f"id-ana/{NAME}"),
        lambda s, p: s.of_dataset(NAME),
        lambda s, p: s.of_dataset("%"),
        lambda s, p: s.of_dataset("ana/%"),
    ],
    "children": [lambda s, p: s.children(p.ended, "predict")],
    "list": [lambda s, p: s.list(), lambda s, p: s.list(active=True, limit=None)],
    "page": [lambda s, p: s.page()],
    "trash": [lambda s, p: s.trash()],
    "cancel": [lambda s, p: s.cancel(p.run)],
    "stop": [lambda s, p: s.stop(p.run)],
    "reveal": [lambda s, p: s.reveal(p.ended, "mine", {})],
    "annotate": [
        lambda s, p: s.annotate(p.run, note="mine"),
        lambda s, p: s.annotate(p.run, archived=True),
        lambda s, p: s.annotate(p.run),
    ],
    "resume": [lambda s, p: s.resume(p.ended)],
    "delete": [lambda s, p: s.delete([p.ended]), lambda s, p: s.delete([p.ended, p.run])],
    "discard": [lambda s, p: s.discard([p.ended])],
    "restore": [lambda s, p: s.restore(p.ended)],
    "purge": [lambda s, p: s.purge([p.ended])],
    "may": [lambda s, p: [s.may(p.hers, level) for level in (1, 2, 3)]],
}
DATASETS = {
    "add": [
        lambda s, p: s.add(f"ana/{NAME}", s.new_folder(), FACTS),
        lambda s, p: s.add(f"id-ana/{NAME}", s.new_folder(), FACTS),
    ],
    "find": [
        lambda s, p: s.find(NAME),
        lambda s, p: s.find(f"ana/{NAME}"),
        lambda s, p: s.find(f"id-ana/{NAME}@1"),
        lambda s, p: s.find(p.dataset_id),
    ],
    "get": [
        lambda s, p: s.get(NAME),
        lambda s, p: s.get(f"ana/{NAME}"),
        lambda s, p: s.get(f"ana/{NAME}@1"),
        lambda s, p: s.get(f"id-ana/{NAME}@1"),
        lambda s, p: s.get(f"ben/../ana/{NAME}@1"),
        lambda s, p: s.get(p.dataset_id),
    ],
    "list": [lambda s, p: s.list(), lambda s, p: s.list(all_versions=True)],
    "trash": [lambda s, p: s.trash()],
    "delete": [lambda s, p: s.delete(f"ana/{NAME}"), lambda s, p: s.delete(f"ana/{NAME}@1")],
    "discard": [lambda s, p: s.discard(f"ana/{NAME}")],
    "restore": [lambda s, p: s.restore(f"ana/{NAME}@1")],
    "purge": [lambda s, p: s.purge(f"ana/{NAME}@1")],
    "may": [lambda s, p: s.may(p.record, 1)],
    "to_change": [lambda s, p: s.to_change(f"ana/{NAME}@1"), lambda s, p: s.to_change(NAME)],
    "require_newest": [lambda s, p: s.require_newest(s.get(f"ana/{NAME}@1"))],
    "new_folder": [lambda s, p: str(s.new_folder()).replace(str(p.home), "")],
}
MODELS = {
    "list": [lambda s, p: s.list()],
    "check": [
        lambda s, p: s.check(f"local:{MODEL}"),
        lambda s, p: s.check(f"static:local:{MODEL}"),
        lambda s, p: s.check(f"local:{p.home}/models/{MODEL}"),
        lambda s, p: s.check(f"local:./{MODEL}"),
        lambda s, p: s.check(f"local:{p.folder}"),
    ],
    "may_use": [lambda s, p: s.may_use(f"local:{MODEL}")],
    "delete": [lambda s, p: s.delete(MODEL), lambda s, p: s.delete(f"../models/{MODEL}")],
    "add": [lambda s, p: s.add("of my own") and None],
    "require_adding": [lambda s, p: s.require_adding()],
}
PRESETS = {
    "keep": [lambda s, p: s.keep("mine", "probe", {}) and None],
    "list": [lambda s, p: s.list()],
    "delete": [lambda s, p: s.delete(p.preset)],
}
SHARING = {
    "share": [
        lambda s, p: s.share("project", f"ana/{NAME}", "ben", "editor"),
        lambda s, p: s.share("project", f"id-ana/{NAME}", "*", "viewer"),
        lambda s, p: s.share("run", p.run, "ben", "viewer"),
        lambda s, p: s.share("model", MODEL, "ben", "viewer"),
    ],
    "unshare": [lambda s, p: s.unshare("project", f"ana/{NAME}", "ana")],
    "of": [lambda s, p: s.of("project", f"ana/{NAME}"), lambda s, p: s.of("run", p.run)],
    "hand_over": [lambda s, p: s.hand_over(f"ana/{NAME}", "ben")],
}
LINKS = {
    "make": [lambda s, p: s.make(p.ended, 7)],
    "of": [lambda s, p: s.of(p.ended)],
    "revoke": [lambda s, p: s.revoke(p.ended, "%"), lambda s, p: s.revoke(p.ended, "")],
}
UPLOADS = {
    "create": [lambda s, p: s.create("own.zip", 3) and None],
    "get": [lambda s, p: s.get(p.upload.id), lambda s, p: s.get(p.upload.id.upper())],
    "path": [lambda s, p: s.path(p.upload.id), lambda s, p: s.path(f"../{p.upload.id}")],
    "unfinished": [lambda s, p: s.unfinished()],
    "advance": [lambda s, p: s.advance(p.upload, 9)],
    "finish": [lambda s, p: s.finish(p.upload, "0" * 64)],
    "delete": [lambda s, p: s.delete(p.upload.id)],
}
ANSWERS = {
    "list": [lambda s, p: s.list(f"ana/{NAME}@1"), lambda s, p: s.list(f"id-ana/{NAME}@1")],
    "twice": [lambda s, p: s.twice(f"ana/{NAME}@1")],
    "give": [
        lambda s, p: s.give(f"ana/{NAME}@1", [Given(0, "good")]),
        lambda s, p: s.give(f"id-ana/{NAME}@1", [Given(0, "good", "settle")]),
        lambda s, p: s.give(f"{NAME}@1", [Given(0, "good")]),
    ],
    "undo": [lambda s, p: s.undo(f"ana/{NAME}@1")],
    "claim": [lambda s, p: s.claim(f"ana/{NAME}@1", [0, 1])],
    "ask_twice": [lambda s, p: s.ask_twice(f"ana/{NAME}@1", 50)],
    "carry": [
        lambda s, p: s.carry(f"ana/{NAME}@1", f"ana/{NAME}@1", []),
        lambda s, p: s.carry(f"ana/{NAME}@1", "own@1", []),
    ],
}
TABLE = {
    AnswerStore: ANSWERS,
    UploadStore: UPLOADS,
    RunStore: RUNS,
    DatasetStore: DATASETS,
    ModelStore: MODELS,
    PresetStore: PRESETS,
    Sharing: SHARING,
    ReportLinks: LINKS,
}
ATTEMPTS = [
    pytest.param(store, attempt, id=f"{store.__name__}.{method} {number}")
    for store, methods in TABLE.items()
    for method, attempts in methods.items()
    for number, attempt in enumerate(attempts)
]


def of(store, engine, who, home):
    if store is UploadStore:
        return UploadStore(engine, who, read_settings())
    if store is AnswerStore:
        return AnswerStore(DatasetStore(engine, who, home))
    if store is PresetStore:
        return PresetStore(engine, who.id)
    return store(engine, who) if store in (Sharing, ReportLinks) else store(engine, who, home)


def rows_of_ana(engine):
    """Everything of hers in the database, but the log, which notes no attempt of Ben's."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(str, connection.execute(select(table)).all()))
            for table in tables.metadata.sorted_tables
            if table.name not in ("activity",)
        }


@pytest.mark.parametrize("who", [BEN, VIEWER, NO_SCOPES], ids=["member", "viewer", "token"])
@pytest.mark.parametrize(("store", "attempt"), ATTEMPTS)
def test_ben_gets_and_changes_nothing(prey, store, attempt, who):
    engine = open_database(read_settings())
    before = rows_of_ana(engine)
    try:
        given = attempt(of(store, engine, who, prey.home), prey)
    except UserError as refusal:
        assert "headline" not in str(refusal) and "note" not in str(refusal)
    else:
        assert MARK not in repr(given) and given not in (True, [True] * 3)
    after = rows_of_ana(engine)
    for name, lines in before.items():
        assert set(lines) <= set(after[name]), name
        assert not [line for line in after[name] if line not in lines and MARK in line], name
    assert prey.folder.is_dir() and (prey.home / "models" / MODEL).is_dir()
    assert (prey.home / "runs" / prey.ended / "predictions.csv").read_text() == MARK


@pytest.mark.parametrize("store", TABLE, ids=lambda one: one.__name__)
def test_no_method_is_left_out(store):
    public = {
        name
        for name, member in inspect.getmembers(store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public == set(TABLE[store])
