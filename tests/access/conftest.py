"""A registry, the settings of a server with sign-in, and a clock that can be turned."""

from __future__ import annotations

import time

import pytest

from tl_core.access.people import Claims, People
from tl_core.access.principal import ADMIN, Principal
from tl_core.database.engine import open_database
from tl_core.settings import Settings


@pytest.fixture
def settings(home):
    return Settings(home=str(home), sign_in="oidc")


@pytest.fixture
def engine(settings):
    return open_database(settings)


@pytest.fixture
def people(engine, settings):
    return People(engine, settings)


@pytest.fixture
def ana(people):
    return people.arrive(Claims("https://idp", "sub-ana", "Ana Lima", "ana@example.org", True))


@pytest.fixture
def admin():
    return Principal("root", role=ADMIN)


class Clock:
    """The time of day, moved forward by hand."""

    def __init__(self):
        self.ahead, self._real = 0.0, time.time

    def __call__(self):
        return self._real() + self.ahead


@pytest.fixture
def clock(monkeypatch):
    turned = Clock()
    monkeypatch.setattr(time, "time", turned)
    return turned
