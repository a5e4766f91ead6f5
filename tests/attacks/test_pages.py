"""Every page, opened by Ben with an address or a session that names what is Ana's: none of it is
shown, and nothing of hers changes.
"""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from tests_support.pages import ROOT

from pages.shell import services
from pages.shell.navigation import PLACES, STUDIO
from tests.attacks.conftest import ANA, BEN, MARK, MODEL, NAME, PRESET
from tl_core.database.engine import open_database
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

PAGES = [tab.path for place in (*PLACES, STUDIO) for tab in place.tabs]
NAMES = {
    "ended run": lambda prey: {"run": prey.ended},
    "dataset": lambda _: {"dataset": f"ana/{NAME}@1"},
    "bare dataset": lambda _: {"dataset": f"{NAME}@1"},
    "row": lambda _: {"dataset": f"ana/{NAME}@1", "row": "0"},
    "reading": lambda prey: {"run": prey.ended, "view": "read"},
    "backbone": lambda _: {"backbone": f"local:{MODEL}"},
}


@pytest.fixture
def ben(prey, monkeypatch):
    from pages.shell import ask

    monkeypatch.setattr(services, "principal", lambda: BEN)
    monkeypatch.setattr(ask, "send", lambda *_, **asked: pytest.fail(f"asked for {asked}"))
    return prey


def words(app):
    """All that a page says, in whatever it says it with."""
    tables = [one.value.to_csv() for one in app.dataframe]
    return repr([element.proto for element in app.main]) + repr(tables)


def hers(prey):
    run = RunStore(open_database(read_settings()), ANA, prey.home).get(prey.run)
    return run.status, run.note, run.archived, sorted(prey.home.rglob("runs/*/*"))


@pytest.mark.parametrize("how", NAMES)
@pytest.mark.parametrize("page", PAGES)
def test_an_address_shows_nothing_of_hers(ben, page, how):
    before, address = hers(ben), NAMES[how](ben)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(page).run()
    told = words(app)
    for asked in (*address.values(), NAME):  # a refusal may say what was asked for
        told = told.replace(asked, "")
    assert MARK not in told and hers(ben) == before
    assert not app.exception
    for _ in app.error:  # refusals are boxes, and this looks at them
        pass


@pytest.mark.parametrize("page", PAGES)
def test_a_session_that_was_tampered_with_shows_nothing_of_hers(ben, page):
    before = hers(ben)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    app.run()
    state = {
        "dataset": f"ana/{NAME}@1",
        "run": ben.ended,
        "backbone": f"local:{MODEL}",
        "preset": PRESET,
        "export_run": ben.ended,
        "predict_job": ben.ended,
        "estimate_run": ben.ended,
        "watched": f"{ben.run} {ben.ended}",
    }
    for name, value in state.items():
        app.session_state[name] = value
    app.switch_page(page).run()
    told = words(app)
    for asked in (*state.values(), NAME):
        told = told.replace(asked, "")
    assert MARK not in told and hers(ben) == before
    assert not app.exception
    for _ in app.error:
        pass
