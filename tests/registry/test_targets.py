"""Another dataset as the target of a run: the asker's to see, named with its version, kept."""

from __future__ import annotations

import pytest

from tl_core.config import RunConfig
from tl_core.errors import DataError, NotFoundError, StateError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore

FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}


@pytest.fixture
def datasets(engine, home):
    store = DatasetStore(engine, "ann", home)
    for name in ("mail", "letters"):
        store.add(name, store.new_folder(), {**FACTS, "fingerprint": name})
    return store


def meant_for(target, owner="ann"):
    options = {"target_dataset": target}
    return RunConfig("train", owner, "mail@1", "", "starter:text", "adapt", options)


def test_a_target_cannot_be_deleted_under_a_run(datasets, ann):
    run = ann.create(meant_for("letters@1"))
    with pytest.raises(DataError, match=r"1 run\(s\) were trained for 'letters' as their target"):
        datasets.delete("letters")
    ann.cancel(run.id)
    with pytest.raises(DataError, match="as their target"):
        datasets.delete("letters@1")  # it could not be repeated
    ann.delete([run.id])
    datasets.delete("letters")


def test_another_version_of_the_target_can_go(datasets, ann):
    datasets.add("letters", datasets.new_folder(), {**FACTS, "fingerprint": "second"})
    ann.create(meant_for("letters@1"))
    datasets.delete("letters@2")
    with pytest.raises(DataError):
        datasets.delete("letters@1")


def test_a_target_without_a_version_is_refused(datasets, ann):
    with pytest.raises(StateError, match="names no version") as refused:
        ann.create(meant_for("letters"))
    assert "letters@1" in refused.value.try_this


def test_somebody_elses_dataset_is_no_target(datasets, engine, home):
    theirs = DatasetStore(engine, "bob", home)
    theirs.add("mail", theirs.new_folder(), {**FACTS, "fingerprint": "x"})
    bob = RunStore(engine, "bob", home)
    for name in ("letters@1", "ann/letters@1"):
        with pytest.raises(NotFoundError, match="no dataset"):
            bob.create(meant_for(name, "bob"))


def test_a_target_that_has_gone_stops_a_run_that_is_resumed(datasets, ann, engine):
    from sqlalchemy import update

    from tl_core.database.tables import datasets as table

    run = ann.create(meant_for("letters@1"))
    ann.cancel(run.id)
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.name == "letters").values(deleted=1.0))
    with pytest.raises(NotFoundError, match="no dataset 'letters@1'"):
        ann.resume(run.id)


def test_whoever_looks_on_keeps_nobody_from_deleting_what_is_theirs(datasets, engine, home, office):
    from tl_core.access.principal import MEMBER, Principal
    from tl_core.access.sharing import Sharing

    Sharing(engine, Principal("ann", role=MEMBER)).share("project", "letters", "bob", "viewer")
    theirs = DatasetStore(engine, "bob", home)
    theirs.add("mail", theirs.new_folder(), {**FACTS, "fingerprint": "x"})
    bob = RunStore(engine, "bob", home)
    run = bob.create(meant_for("ann/letters@1", "bob"))
    bob.cancel(run.id)
    datasets.delete("letters")  # she does not see his run, and could not delete it
    with pytest.raises(NotFoundError, match="no dataset"):
        bob.resume(run.id)


@pytest.mark.parametrize("named", [(), ("letters@1",)])
def test_the_earlier_datasets_of_a_fast_adaptation_go_along(datasets, ann, engine, named):
    """To another machine: those that are named, or all others of such items."""
    from tl_core.jobs.executors.by_ssh.cargo import cargo_of
    from tl_core.registry.stored.run_inputs import folders_of
    from tl_core.settings import read_settings

    photos = {**FACTS, "modality": "image", "fingerprint": "photos"}
    datasets.add("photos", datasets.new_folder(), photos)
    options = {"sources": list(named)}
    own = datasets.get("mail@1")
    about = ("train", "ann", "mail@1", str(own.folder), "starter:text", "fast_adaptation")
    run = ann.create(RunConfig(*about, options))
    wanted = [own.folder, datasets.get("letters@1").folder]
    cargo = cargo_of(run.folder, engine, read_settings())
    assert cargo.paths == wanted
    assert {row["name"] for row in cargo.rows["datasets"]} == {"mail", "letters"}
    home = read_settings().home_path
    config = RunConfig.read(run.folder)
    assert [home / one for one in folders_of(config, engine, home)] == wanted
