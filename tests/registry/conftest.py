"""A registry on SQLite and on PostgreSQL, and the stores of one user in it."""

from __future__ import annotations

import os

import pytest
from tests_support.office import Office

from tl_core.database.engine import open_database
from tl_core.database.tables import metadata
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings

POSTGRES = os.environ.get("TL_TEST_POSTGRES_URL", "")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request, home):
    from tl_core.database import engine as database

    if request.param == "sqlite":
        yield open_database(Settings(home=str(home)))
        return
    if not POSTGRES:
        pytest.skip("set TL_TEST_POSTGRES_URL to a PostgreSQL server")
    found = open_database(Settings(home=str(home), database_url=POSTGRES))
    with found.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    yield found
    database._open.cache_clear()
    found.dispose()


@pytest.fixture
def ann(engine, home):
    return RunStore(engine, "ann", home)


@pytest.fixture
def data(engine, home):
    store = DatasetStore(engine, "ann", home)
    store.add(
        "d",
        store.new_folder(),
        {"modality": "text", "task": "single_label", "rows": 4, "classes": 2, "fingerprint": "a"},
    )
    return store


@pytest.fixture
def office(engine, home):
    made = Office(engine, home)
    made.hire("ann", "bob")
    return made


@pytest.fixture
def allow(monkeypatch):
    return lambda text: monkeypatch.setenv("TL_QUOTAS", text)
