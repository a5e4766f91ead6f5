"""A small home and a backup of it; texts that two people label."""

from __future__ import annotations

import os

import pytest
from tests_support.shared_mail import SharedMail, mail_lines, written

from tl_core.database.engine import open_database
from tl_core.services.backup import back_up
from tl_core.settings import Settings


@pytest.fixture
def saved(home, tmp_path):
    """Settings of a home with a file of each kind, a backup of it, and what that told."""
    settings = Settings(home=str(home))
    open_database(settings).dispose()
    for name in ("datasets/d1/version.json", "runs/r1/config.json", "models/m/config.json"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text("{}")
    os.link(home / "datasets/d1/version.json", home / "datasets/d1/again.json")
    (home / "runs/r1/elsewhere").symlink_to("/etc/passwd")
    (home / "runs/r1/folder").symlink_to("/etc")
    (home / "unknown").mkdir()
    archive = tmp_path / "saved.graft"
    return settings, archive, back_up(settings, archive)


@pytest.fixture
def shared(home, tmp_path):
    return SharedMail(home, written(tmp_path / "mail.csv", mail_lines()))


@pytest.fixture
def rows(shared):
    """Those of it that wait for a class."""
    return shared.waiting
