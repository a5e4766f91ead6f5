"""Runs made with the image starter of earlier versions: the name went to another network, they keep
their own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from tl_core.database import engine as database

PLACES = ("config.json", "report.json", "sealed/report.json", "rungs/probe-0/config.json")
BACKBONES = {
    "old": "starter:image",
    "other": "starter:text",
    "rank": "",
    "gone": "starter:image",
}


@pytest.fixture
def upgrade(tmp_path):
    """Brings the registry to a revision."""
    engine = create_engine(f"sqlite:///{tmp_path / 'studio.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))

    def go(revision):
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        return engine

    yield go
    engine.dispose()


def register(engine, folders):
    """A row for each run, as the second revision holds it."""
    with engine.begin() as connection:
        for name, folder in folders.items():
            connection.execute(
                text(
                    "INSERT INTO runs (id, owner, kind, dataset, backbone, recipe, folder, status,"
                    " created, queued, progress, headline, cancel_requested, stop_requested) VALUES"
                    " (:id, 'me', 'train', 'd@1', :backbone, 'probe', :folder, 'done', 0, 0, 1, '',"
                    " false, false)"
                ),
                {"id": name, "backbone": BACKBONES[name], "folder": str(folder)},
            )


def write_files(folders):
    """Settings, reports and rungs that name the starter, and a file that is broken."""
    (folders["old"] / "sealed").mkdir(parents=True)
    (folders["old"] / "rungs" / "probe-0").mkdir(parents=True)
    for place in PLACES:
        (folders["old"] / place).write_text(
            json.dumps({"backbone": "starter:image", "n": 1, "ä": "starter:image "})
        )
    folders["rank"].mkdir()
    (folders["rank"] / "config.json").write_text(
        json.dumps({"options": {"backbones": ["starter:image", "hub:a/b"]}})
    )
    folders["other"].mkdir()
    (folders["other"] / "config.json").write_text("{broken")


def test_runs_made_with_the_old_image_starter_keep_their_network(tmp_path, upgrade):
    folders = {name: tmp_path / name for name in BACKBONES}
    register(upgrade("0002"), folders)
    write_files(folders)
    for _ in range(2):  # a second time changes nothing
        with upgrade("head").connect() as connection:
            rows = connection.execute(text("SELECT id, backbone FROM runs")).fetchall()
    assert dict(rows) == {
        "old": "starter:image-small",
        "other": "starter:text",
        "rank": "",
        "gone": "starter:image-small",
    }
    for place in PLACES:
        assert json.loads((folders["old"] / place).read_text()) == {
            "backbone": "starter:image-small",
            "n": 1,
            "ä": "starter:image ",
        }
    assert json.loads((folders["rank"] / "config.json").read_text())["options"]["backbones"] == [
        "starter:image-small",
        "hub:a/b",
    ]
