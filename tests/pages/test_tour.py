"""The tour: from Home over a sample to a prediction, left at any step, never in the way."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened, runs

from pages.sections.home import tour


def begun():
    app = opened()
    app.button(key="tour_start").click().run()
    assert not app.exception
    return app


def strip(app):
    """The title of the strip; nothing where there is none."""
    return next((one.value for one in app.markdown if "The tour, " in str(one.value)), "")


def has(app, key):
    return any(button.key == key for button in app.button)


def test_nobody_sees_it_who_has_not_begun_it(home):
    assert not strip(opened())


def test_it_begins_at_home_and_starts_the_sample(home):
    app = begun()
    assert "1 of 4: Home" in strip(app)
    app.button(key="tour_next").click().run()
    assert not app.exception and app.title[0].value != "Graft Studio"
    assert "2 of 4: Live run" in strip(app)
    assert [run.dataset for run in runs().list()] == ["sample:digits"]
    assert app.button(key="tour_next").disabled  # the report is not there yet


def test_elsewhere_it_says_where_it_goes_on(home):
    app = begun()
    app = app.switch_page("pages/admin/system.py").run()
    assert "1 of 4" in strip(app) and "goes on at Home" in everything(app)
    app.button(key="tour_there").click().run()
    assert not app.exception and app.title[0].value == "Graft Studio"


def test_who_goes_ahead_is_followed_to_the_end(record, studio):
    run = studio.do(record, baseline=False)
    app = begun()
    app = app.switch_page("pages/evaluate/report.py").run()
    assert "3 of 4: Report" in strip(app)
    app.button(key="tour_next").click().run()
    assert not app.exception and "4 of 4: Predict" in strip(app)
    assert run.id == app.session_state["run"]
    assert not has(app, "tour_next") and app.button(key="tour_leave").label == "Done"
    app.button(key="tour_leave").click().run()
    assert not strip(app)


@pytest.mark.parametrize("page", [step.page for step in tour.STEPS])
def test_it_can_be_left_at_any_step_and_stays_away(page, record, studio):
    studio.do(record, baseline=False)
    app = begun().switch_page(page).run()
    assert strip(app)
    app.button(key="tour_leave").click().run()
    assert not app.exception and not strip(app)
    for other in tour.STEPS:
        assert not strip(app.switch_page(other.page).run())


def test_home_offers_it_again(home):
    app = begun()
    app.button(key="tour_leave").click().run()
    app.button(key="tour_start").click().run()
    assert "1 of 4" in strip(app)
