"""What people write down: tags and notes of runs, settings under a name."""

from __future__ import annotations

import pytest

from tl_core.config import RunConfig
from tl_core.errors import ConfigError, NotFoundError, StateError
from tl_core.registry.presets import PresetStore
from tl_core.registry.runs import RunStore


def config():
    return RunConfig("train", "ann", "d@1", "", "starter:text", "probe")


def test_a_new_run_has_no_tags_and_is_not_archived(ann):
    run = ann.create(config())
    assert (list(run.tags), run.note, run.archived) == ([], "", False)


def test_tags_note_and_archive_change_one_by_one(ann):
    run = ann.create(config())
    assert list(ann.annotate(run.id, tags=["b", "a", "b"]).tags) == ["a", "b"]
    assert ann.annotate(run.id, note="for the demo").note == "for the demo"
    run = ann.annotate(run.id, archived=True)
    assert (list(run.tags), run.note, run.archived) == (["a", "b"], "for the demo", True)
    run = ann.annotate(run.id, tags=[], note="", archived=False)
    assert (list(run.tags), run.note, run.archived) == ([], "", False)


def test_only_the_owner_annotates(ann, engine, home):
    run = ann.create(config())
    with pytest.raises(NotFoundError):
        RunStore(engine, "bob", home).annotate(run.id, note="mine")
    assert ann.get(run.id).note == ""


@pytest.mark.parametrize("given", [{"tags": ["x" * 41]}, {"note": "x" * 2001}])
def test_what_is_too_long_is_refused(ann, given):
    run = ann.create(config())
    with pytest.raises(StateError, match="too long"):
        ann.annotate(run.id, **given)


def test_a_preset_is_kept_replaced_and_forgotten(engine):
    store = PresetStore(engine, "ann")
    store.keep("quick", "probe", {"pooling": "mean"})
    kept = store.keep(" quick ", "probe", {"pooling": "native"})
    assert [(one.name, one.options, one.shared) for one in store.list()] == [
        ("quick", {"pooling": "native"}, False)
    ]
    store.delete(kept.id)
    assert store.list() == []


def test_a_preset_that_no_recipe_takes_is_refused(engine):
    store = PresetStore(engine, "ann")
    with pytest.raises(ConfigError):
        store.keep("quick", "probe", {"no_such": 1})
    with pytest.raises(ConfigError):
        store.keep("quick", "no such recipe", {})
    for name in ("", " ", "x" * 61):
        with pytest.raises(StateError):
            store.keep(name, "probe", {})
    assert store.list() == []


def test_others_see_a_shared_preset_and_cannot_delete_it(engine):
    ann, bob = PresetStore(engine, "ann"), PresetStore(engine, "bob")
    hidden, shown = ann.keep("mine", "probe", {}), ann.keep("ours", "probe", {}, shared=True)
    assert [one.name for one in bob.list()] == ["ours"]
    for one in (hidden, shown):
        with pytest.raises(NotFoundError):
            bob.delete(one.id)
    bob.keep("ours", "probe", {"pooling": "native"})
    assert [one.owner for one in bob.list()] == ["ann", "bob"]
