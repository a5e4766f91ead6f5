"""Items of several places in a browser: how far these are apart, and a model for one of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests_support.shifted import write_shops
from tests_support.studio import pick, settled, trained, upload

from tl_core.evaluate.report import load_report

pytestmark = pytest.mark.browser


def test_domains_are_compared_and_a_probe_is_adapted_to_one(page, server, picture, tmp_path):
    page.goto(f"{server.url}/add-data")
    upload(page, write_shops(tmp_path / "shops.csv", each=80))
    page.get_by_role("textbox", name="Name of the dataset").fill("shops")
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    page.goto(f"{server.url}/domains?dataset=shops")
    page.get_by_role("button", name="Compare the domains").click()
    page.get_by_text("Furthest apart: north and south").first.wait_for(timeout=120_000)
    page.get_by_text("Nothing of a held-out domain was read before", exact=False).wait_for()
    picture(page, "domains", height=1100)
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
