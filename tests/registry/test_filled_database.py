"""A database that the previous release has filled, with two people's data, after the migrations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, select, text
from tests_support.postgres import new_database

from tl_core.access.principal import MEMBER, Principal
from tl_core.access.sharing import Sharing
from tl_core.database import engine as database
from tl_core.database.engine import HEAD, current_revision, open_database
from tl_core.database.tables import grants, metadata
from tl_core.errors import NotFoundError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.presets import PresetStore
from tl_core.registry.projects import standing
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings
from tl_core.test_score import looks

PREVIOUS = "0005"
SUMMARY = {"accuracy": {"value": 0.9, "low": 0.85, "high": 0.95}}
REASON = {"code": "memory", "what": "The memory ran out.", "why": "", "try_this": "Less."}
DATASETS = [("ann", "mail", 1), ("ann", "mail", 2), ("ann", "ants (bees)", 1), ("ben", "mail", 1)]
RUNS = {  # owner, kind, dataset, recipe, status and what else a row held
    "a1": ("ann", "train", "mail@1", "probe", "done", {"summary": SUMMARY, "headline": "Right"}),
    "a2": ("ann", "train", "mail@2", "finetune", "failed", {"reason": REASON}),
    "a3": ("ann", "import", "more", "", "queued", {}),
    "a4": ("ann", "stress", "mail@1", "", "done", {"parent": "a1"}),
    "a5": ("ann", "train", "ants (bees)@1", "probe", "cancelled", {"archived": True}),
    "b1": ("ben", "train", "mail@1", "probe", "done", {"tags": ["best"], "note": "for Monday"}),
    "b2": ("ben", "train", "mail@1", "probe", "interrupted", {"draft": "form-7"}),
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, home):
    if request.param == "sqlite":
        (home / "graft.db").unlink()  # of the newest schema: this one begins with an older
        yield ""
        return
    with new_database() as address:
        yield address


def fill(engine, home):
    """What the previous release wrote: rows, and the files beside them."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes |= {"connection": connection, "home": home}
        command.upgrade(config, PREVIOUS)
        for number, row in enumerate(DATASETS):
            insert(connection, "datasets", dataset_row(number, *row))
        for number, run_id in enumerate(RUNS):
            insert(connection, "runs", run_row(number, run_id))
        for owner, shared in (("ann", True), ("ben", False)):
            preset = {"id": f"p-{owner}", "owner": owner, "shared": shared, "created": 1.0}
            preset |= {"name": "short texts", "recipe": "probe", "options": {"max_length": 64}}
            insert(connection, "presets", preset)
    (home / "runs" / "a2").mkdir(parents=True)
    config = {"kind": "train", "owner": "ann", "dataset": "mail@2", "recipe": "finetune"}
    config |= {"backbone": "starter:text", "dataset_dir": "${TL_HOME}/datasets/d1", "options": {}}
    (home / "runs" / "a2" / "config.json").write_text(json.dumps(config))
    (home / "models" / "mine").mkdir(parents=True)
    (home / "looks" / "f0").mkdir(parents=True)
    for run_id in ("a1", "b1"):
        (home / "looks" / "f0" / run_id).touch()


def dataset_row(number, owner, name, version):
    return {
        "id": f"d{number}",
        "owner": owner,
        "name": name,
        "version": version,
        "fingerprint": f"f{number}",
        "modality": "text",
        "task": "single_label",
        "rows": 10 * number + 4,
        "classes": 2,
        "folder": f"datasets/d{number}",
        "created": float(number),
    }


def run_row(number, run_id):
    owner, kind, dataset, recipe, status, more = RUNS[run_id]
    begun = status != "queued"
    return {
        "id": run_id,
        "owner": owner,
        "kind": kind,
        "dataset": dataset,
        "recipe": recipe,
        "backbone": "starter:text",
        "folder": f"runs/{run_id}",
        "parent": "",
        "status": status,
        "created": float(number),
        "queued": float(number),
        "started": number + 1.0 if begun else None,
        "finished": number + 61.0 if begun else None,
        "progress": 1.0,
        "headline": "",
        "cancel_requested": False,
        "tags": [],
        "note": "",
        "archived": False,
        **more,
    }


def insert(connection, table, values):
    """A row as SQL of its time, whatever the tables look like today."""
    values = {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in values.items()
    }
    names = ", ".join(values)
    connection.execute(
        text(f"INSERT INTO {table} ({names}) VALUES (:{', :'.join(values)})"), values
    )


@pytest.fixture
def migrated(url, home):
    """The engine of such a database, as the program of today opens it."""
    settings = Settings(home=str(home), database_url=url)
    old = create_engine(settings.database)
    fill(old, home)
    old.dispose()
    engine = open_database(settings)
    yield engine
    engine.dispose()
    database._open.cache_clear()


def test_it_is_at_the_newest_schema_with_every_table_and_column(migrated):
    with migrated.connect() as connection:
        assert current_revision(connection) == HEAD
    there = inspect(migrated)
    for table in metadata.sorted_tables:
        columns = {column["name"] for column in there.get_columns(table.name)}
        assert columns == {column.name for column in table.columns}, table.name


def test_everybody_has_what_they_had(migrated, home):
    ann, ben = (DatasetStore(migrated, name, home) for name in ("ann", "ben"))
    assert [one.reference for one in ann.list()] == ["ants (bees)@1", "mail@2"]
    assert {one.reference: one.rows for one in ann.list(all_versions=True)} == {
        "mail@1": 4,
        "mail@2": 14,
        "ants (bees)@1": 24,
    }
    assert [(one.reference, one.project) for one in ben.list()] == [("mail@1", "ben/mail")]
    assert ann.get("mail").folder == home / "datasets" / "d1"
    runs = {name: RunStore(migrated, name, home) for name in ("ann", "ben")}
    for name, store in runs.items():
        own = {run_id: row for run_id, row in RUNS.items() if row[0] == name}
        found = {run.id: run for run in store.list(limit=None)}
        assert set(found) == set(own)
        for run_id, (owner, kind, dataset, recipe, status, more) in own.items():
            run = found[run_id]
            told = (run.owner, run.kind, run.dataset, run.recipe, run.status)
            assert told == (owner, kind, dataset, recipe, status)
            assert {key: getattr(run, key) for key in more if key != "draft"} == {
                key: value for key, value in more.items() if key != "draft"
            }
            assert run.folder == home / "runs" / run_id
    assert [run.id for run in runs["ann"].of_dataset("mail")] == ["a4", "a2", "a1"]
    assert [run.id for run in runs["ann"].of_dataset("mail@1")] == ["a4", "a1"]
    assert [run.id for run in runs["ann"].children("a1", "stress")] == ["a4"]
    assert runs["ann"].get("a3").place == 1
    project = standing(runs["ann"].of_dataset("mail"))
    assert project.last.id == "a1" and project.score.value == 0.9


def test_nothing_is_shared_and_the_trash_is_empty(migrated, home):
    for name, other, theirs in (("ann", "ben", "b1"), ("ben", "ann", "a1")):
        datasets, runs = DatasetStore(migrated, name, home), RunStore(migrated, name, home)
        assert list(datasets.trash()) == list(runs.trash()) == []
        with pytest.raises(NotFoundError):
            runs.get(theirs)
        with pytest.raises(NotFoundError):
            datasets.get(f"{other}/mail")
        sharing = Sharing(migrated, Principal(name, name, name, MEMBER))
        assert list(sharing.of("project", "mail")) == []
    with migrated.connect() as connection:
        assert connection.execute(select(grants)).all() == []


def test_presets_stay_shared_as_they_were(migrated):
    assert [one.id for one in PresetStore(migrated, "ann").list()] == ["p-ann"]
    assert [one.id for one in PresetStore(migrated, "ben").list()] == ["p-ann", "p-ben"]


def test_looks_and_models_find_their_owners(migrated, home):
    assert [looks(home, name, "f0") for name in ("ann", "ben")] == [1, 1]
    with migrated.connect() as connection:
        rows = connection.execute(text("SELECT owner, name FROM models")).all()
    assert [tuple(row) for row in rows] == [("ann", "mine")]


def test_work_goes_on(migrated, home):
    """What was deleted, resumed and queued then can be deleted, resumed and taken now."""
    runs = RunStore(migrated, "ann", home)
    assert runs.resume("a2").status == "queued"
    runs.delete(["a4"])
    assert [run.id for run in runs.trash()] == ["a4"]
    assert runs.restore("a4").id == "a4"


def test_the_previous_release_is_refused_afterwards(migrated, monkeypatch):
    """A program that knows only the old schema says so instead of writing."""
    monkeypatch.setattr(database, "HEAD", PREVIOUS)
    with pytest.raises(database.StateError, match=f"has schema {HEAD}"):
        database._migrate(migrated, Path())
