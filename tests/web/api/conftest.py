"""A server past whose gate programs come with tokens, and two people on it."""

from __future__ import annotations

import pytest
from tests_support.programs import SETTINGS, Server

from tl_core.database.engine import open_database
from tl_core.settings import Settings


@pytest.fixture
def server(home):
    settings = Settings(home=str(home), **SETTINGS)
    return Server(settings, open_database(settings))


@pytest.fixture
def ana(server):
    return server.member("ana")


@pytest.fixture
def ben(server):
    return server.member("ben")


@pytest.fixture
def tickets(ana, tmp_path):
    """A dataset of Ana's."""
    return ana.add(tmp_path)
