"""What all page tests share."""

from __future__ import annotations

import shutil
from contextlib import nullcontext

import pytest
from streamlit.testing.v1 import AppTest
from tests_support.datasets import write_texts
from tests_support.pages import Studio
from tests_support.processes import kill_all
from tests_support.team import Team

from pages.sections.labelling import desk
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.jobs import dispatch
from tl_core.registry.datasets import DatasetStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch, home):
    """Pages must not start processes in these tests; what they queue is carried out by hand."""
    from streamlit import config

    monkeypatch.setattr(dispatch, "ensure_dispatcher", lambda _settings: None)
    config.set_option("runner.enforceSerializableSessionState", True)
    yield
    config.set_option("runner.enforceSerializableSessionState", False)
    from pages.shell import services

    services.compute.clear()
    kill_all(home)


@pytest.fixture(autouse=True)
def tests_need_no_glance(monkeypatch):
    """Tests answer about an item as soon as it is there."""
    monkeypatch.setattr(desk, "GLANCE", 0.0)


@pytest.fixture(autouse=True)
def no_error_stands_unseen(monkeypatch):
    """An error box or exception that a run of a page leaves must be looked at by the test, else it
    fails the test.
    """
    unseen, runs = {}, AppTest._run

    def run(app, *arguments, **options):
        after = runs(app, *arguments, **options)
        boxes = [box.value for kind in ("error", "exception") for box in app.get(kind)]
        if boxes:
            unseen.setdefault(id(app), []).append(boxes)
        return after

    def looked_at(kind):
        def look(app):
            for boxes in unseen.get(id(app), [])[-1:]:
                unseen[id(app)].remove(boxes)
            return app.get(kind)

        return property(look)

    monkeypatch.setattr(AppTest, "_run", run)
    for kind in ("error", "exception"):
        monkeypatch.setattr(AppTest, kind, looked_at(kind))
    yield
    assert not any(unseen.values()), f"nobody looked at these: {unseen}"


@pytest.fixture(autouse=True)
def defects_stay_exceptions(monkeypatch):
    """What the app would turn into a message with a log id must fail a test."""
    from pages.shell import problems

    monkeypatch.setattr(problems, "defects", nullcontext)


@pytest.fixture
def record(tmp_path, tiny, monkeypatch):
    """A dataset of texts, and a tiny backbone that the pages may use."""
    (tmp_path / "models").mkdir()
    shutil.copytree(tiny("bert"), tmp_path / "models" / "mine")
    monkeypatch.setenv("TL_MODELS_DIR", str(tmp_path / "models"))
    settings = read_settings()
    store = DatasetStore(open_database(settings), "local", settings.home_path)
    made, _, _ = add_dataset(
        store, settings, str(write_texts(tmp_path / "t.csv", 60)), "notes", ImportOptions()
    )
    return made


@pytest.fixture
def studio(tiny):
    return Studio(f"local:{tiny('bert')}")


@pytest.fixture
def mail(studio, tmp_path):
    """A dataset of texts with awkward class names, four of them under the wrong one."""
    source = write_texts(tmp_path / "t.csv", 240)
    lines = source.read_text().splitlines()
    for place in (5, 22, 41, 60):  # wrong labels
        words, _, label = lines[place].rpartition(",")
        lines[place] = f"{words},{'bad' if label == 'good' else 'good'}"
    source.write_text("\n".join(lines).replace(",good", ",*good* :red[x]") + "\n")
    return add_dataset(studio.datasets, studio.settings, str(source), "mail", ImportOptions())[0]


@pytest.fixture
def team(studio, monkeypatch):
    """Ana, who owns what the studio makes, Ben and Cleo; Ana opens the pages."""
    return Team(studio, monkeypatch)
