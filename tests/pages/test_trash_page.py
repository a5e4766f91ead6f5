"""What was deleted on the pages lies in the trash, comes back, or goes for good."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened

from tl_core.config import RunConfig

PAGE = "pages/admin/trash.py"


@pytest.fixture
def ended(studio, mail):
    """A run that was cancelled before it began."""
    config = RunConfig("train", "local", mail.reference, str(mail.folder), studio.backbone, "probe")
    return studio.runs.cancel(studio.runs.create(config).id)


def test_an_empty_trash_says_how_long_things_lie_there(studio):
    assert "30 days" in everything(opened(PAGE))


def test_a_version_with_its_run_goes_and_comes_back(studio, mail, ended):
    folder = ended.folder
    studio.runs.delete([ended.id])
    studio.datasets.delete(mail.reference)
    app = opened(PAGE)
    restores = [one.key for one in app.button if one.label == "Restore"]
    assert set(restores) == {f"restore_{mail.id}", f"restore_{ended.id}"}
    app.button(key=f"restore_{ended.id}").click().run()
    assert "lie in the trash as well" in app.error[0].value and studio.runs.list() == []
    app.button(key=f"restore_{mail.id}").click().run()
    app.button(key=f"restore_{ended.id}").click().run()
    assert not app.exception and not app.error
    assert studio.runs.get(ended.id).folder == folder
    assert studio.datasets.get(mail.reference).id == mail.id


def test_emptying_asks_once_and_takes_the_files(studio, mail, ended):
    studio.runs.delete([ended.id])
    studio.datasets.delete(mail.reference)
    app = opened(PAGE)
    app.button(key="empty_trash").click().run()
    assert "cannot be undone" in everything(app) and ended.folder.exists()
    app.button(key="empty_sure").click().run()
    assert not app.exception and not app.error
    assert not ended.folder.exists() and not mail.folder.exists()
    assert studio.runs.trash() == [] and studio.datasets.trash() == []


def test_no_secret_is_shown(studio, monkeypatch):
    for name in ("TL_WEBHOOK", "TL_SERVE_TOKEN", "TL_HUB_TOKEN"):
        monkeypatch.setenv(name, "do-not-show")
    shown = everything(opened("pages/admin/system.py"))
    tables = opened("pages/admin/system.py").dataframe
    assert "do-not-show" not in shown
    assert not any("do-not-show" in one.value.to_csv() for one in tables)
