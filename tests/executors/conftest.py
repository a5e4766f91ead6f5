"""One studio for each executor; looks that take seconds are hastened."""

from __future__ import annotations

import pytest
from tests_support import executing

from tl_core.jobs.executors import watch


@pytest.fixture
def hurried(monkeypatch):
    """The dispatcher looks often, and misses a heart after two seconds more than its beat."""
    monkeypatch.setattr(watch, "_EVERY_SECONDS", 0.2)
    monkeypatch.setattr(watch, "_EACH_SECONDS", 0.0)
    monkeypatch.setattr(watch, "_QUIET_SECONDS", 4.0)


def opened(kind, tmp_path, monkeypatch):
    """A place of that kind until the test has ended."""
    (tmp_path / "place").mkdir()
    found = kind(tmp_path / "place", monkeypatch)
    yield found
    found.close()


@pytest.fixture(params=sorted(executing.PLACES))
def place(request, home, tmp_path, monkeypatch, hurried):
    """A studio whose trainings the executor of that name carries out."""
    yield from opened(executing.PLACES[request.param], tmp_path, monkeypatch)


@pytest.fixture
def other(home, tmp_path, monkeypatch, hurried):
    """The same, on another machine by SSH alone."""
    yield from opened(executing.SshPlace, tmp_path, monkeypatch)


@pytest.fixture
def slurm(home, tmp_path, monkeypatch, hurried):
    """The same, on the fake Slurm alone."""
    yield from opened(executing.SlurmPlace, tmp_path, monkeypatch)
