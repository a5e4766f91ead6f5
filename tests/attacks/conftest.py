"""A server with two people: Ana, who has a dataset, runs, a model and a secret, and Ben, who has
nothing and wants hers. What is hers holds the word `ZEBRA`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from tests_support.datasets import write_texts

from tl_core.access.principal import MEMBER, Principal
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.database.tables import runs, users
from tl_core.registry.datasets import DatasetRecord, DatasetStore
from tl_core.registry.label_answers import AnswerStore, Given
from tl_core.registry.models import ModelStore
from tl_core.registry.presets import PresetStore
from tl_core.registry.run import Run
from tl_core.registry.runs import RunStore
from tl_core.registry.uploads import Upload, UploadStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings

MARK = "ZEBRA"
NAME = f"{MARK}tickets"
PRESET = f"{MARK}preset"
MODEL = f"{MARK}model"
ANA = Principal("id-ana", handle="ana", name="Ana", role=MEMBER)
BEN = Principal("id-ben", handle="ben", name="Ben", role=MEMBER)


@dataclass(frozen=True)
class Prey:
    """What Ben wants."""

    home: Path
    run: str
    ended: str
    dataset_id: str
    folder: Path
    preset: str
    hers: Run
    record: DatasetRecord
    upload: Upload

    @property
    def words(self) -> dict[str, str]:
        """By which words attempts name it."""
        return {
            "run": self.run,
            "ended": self.ended,
            "dataset": f"ana/{NAME}@1",
            "bare": f"{NAME}@1",
            "by id": f"id-ana/{NAME}@1",
            "folder": str(self.folder),
            "preset": self.preset,
        }


def register(engine, *people):
    with engine.begin() as connection:
        for one in people:
            connection.execute(
                insert(users).values(
                    id=one.id,
                    issuer="here",
                    subject=one.handle,
                    handle=one.handle,
                    name=one.name,
                    role=one.role,
                    created=0,
                    seen=0,
                )
            )


def stocked(tmp_path: Path) -> Prey:
    """Give Ana what Ben wants, in the home of the settings."""
    settings = read_settings()
    engine, home = open_database(settings), settings.home_path
    register(engine, ANA, BEN)
    source = write_texts(tmp_path / "t.csv", 60)
    source.write_text(source.read_text().replace(" is ", f" {MARK} "))
    record = add_dataset(
        DatasetStore(engine, ANA, home), settings, str(source), NAME, ImportOptions()
    )[0]
    store = RunStore(engine, ANA, home)
    config = RunConfig(
        "train", ANA.id, record.reference, str(record.folder), "starter:text", "probe"
    )
    queued, ended = store.create(config), store.create(config)
    store.annotate(queued.id, note=f"{MARK} note", tags=[MARK])
    with engine.begin() as connection:
        done = {"status": "done", "headline": f"{MARK} headline"}
        connection.execute(update(runs).where(runs.c.id == ended.id).values(**done))
    (ended.folder / "report.json").write_text(json.dumps({"predictions": "predictions.csv"}))
    (ended.folder / "predictions.csv").write_text(MARK)
    (home / "models" / MODEL).mkdir(parents=True)
    (home / "models" / MODEL / "config.json").write_text('{"model_type": "bert"}')
    ModelStore(engine, ANA, home).add(MODEL)
    answers = AnswerStore(DatasetStore(engine, ANA, home))
    answers.give(record.reference, [Given(0, f"{MARK} label")])
    preset = PresetStore(engine, ANA.id).keep(PRESET, "probe", {})
    upload = UploadStore(engine, ANA, settings).create(f"{MARK}.zip", 9)
    return Prey(
        home, queued.id, ended.id, record.id, record.folder, preset.id, queued, record, upload
    )


@pytest.fixture
def prey(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_SIGN_IN", "accounts")
    monkeypatch.setenv("TL_URL", "http://localhost:8501")
    return stocked(tmp_path)
