"""Items of several places in a browser: how far these are apart, each held out in turn, and a model
for one of them.
"""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import expect
from tests_support.shifted import write_shops
from tests_support.studio import finished, pick, settled, trained, upload

from tl_core.evaluate.report import load_report
from tl_core.results import HELD_OUT

pytestmark = pytest.mark.browser


def test_domains_are_compared_held_out_and_a_probe_is_adapted_to_one(
    page, server, picture, tmp_path
):
    name = f"shops {uuid.uuid4().hex[:6]}"  # a second try compares anew
    page.goto(f"{server.url}/add-data")
    upload(page, write_shops(tmp_path / "shops.csv", each=80))
    page.get_by_role("textbox", name="Name of the dataset").fill(name)
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    domains = f"{server.url}/domains?dataset={name}"
    page.goto(domains)
    page.get_by_role("button", name="Compare the domains").click()
    finished(page, server, "domains", name)
    page.goto(domains)
    page.get_by_text("Furthest apart: north and south").first.wait_for()
    page.get_by_text("Nothing of a held-out domain was read before", exact=False).wait_for()
    picture(page, "domains", height=1100)
    _hold_out(page, server, name)
    picture(page, "domains-networks", height=1900)
    page.get_by_role("button", name="Train for one of them").click()
    page.get_by_role("button", name="Which way for my data?").click()
    page.get_by_text("what you have", exact=False).first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Adapt to another domain", exact=True).click()
    pick(page, "Meant for (target)", "south")
    settled(page)
    picture(page, "adapt", height=1250)
    page.get_by_role("button", name="Start training").click()
    run = trained(page, server)
    assert load_report(server.home / "runs" / run)["domains"]["chosen"] == "standardise"
    page.goto(f"{server.url}/report?run={run}")
    page.get_by_text("The saved model is meant for south", exact=False).wait_for()
    expect(page.get_by_text("Taken: Standardised by domain", exact=False)).to_have_count(1)
    picture(page, "report-domains", height=1400)


def _hold_out(page, server, name) -> None:
    """A network of each domain, one epoch long, is asked about the other one."""
    methods = page.get_by_role("combobox", name="Methods")
    methods.scroll_into_view_if_needed()
    settled(page)
    methods.press("Backspace")  # takes the last one out: weights averaged
    settled(page)
    page.keyboard.press("Escape")
    epochs = page.get_by_role("spinbutton", name="Epochs (0: automatic)")
    epochs.fill("1")
    epochs.press("Enter")
    page.get_by_text("2 trainings: 2 domains, 1 method.", exact=False).wait_for()
    page.get_by_role("button", name="Hold out each domain").click()
    run = finished(page, server, "hold_out", name)
    found = HELD_OUT.load(server.home / "runs" / run)
    assert {one["domain"] for one in found["held_out"]} == {"north", "south"}
    page.goto(f"{server.url}/domains?dataset={name}")
    page.get_by_text("known only afterwards", exact=False).wait_for()
