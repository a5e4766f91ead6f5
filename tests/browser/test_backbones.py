"""Choosing a backbone: found on a Hub, ranked with its depths on the user's own texts, and ways
without training.
"""

from __future__ import annotations

import time

import pytest
from tests_support.datasets import write_texts
from tests_support.fake_hub import COMMIT, serve
from tests_support.processes import kill_all
from tests_support.studio import Server, add_from_server, settled, trained

pytestmark = pytest.mark.browser


def test_a_backbone_is_found_on_the_hub_and_pinned(browser, tiny, tmp_path, picture):
    card = {
        "pipeline_tag": "fill-mask",
        "downloads": 1234,
        "tags": ["safetensors", "license:mit", "en"],
        "gated": False,
        "safetensors": {"parameters": {"F32": 30000}, "total": 30000},
    }
    with serve({"me/tiny-bert": tiny("bert")}, cards={"me/tiny-bert": card}) as address:
        server = Server(
            tmp_path / "home",
            {
                "HF_ENDPOINT": address,
                "HF_HUB_OFFLINE": "0",
                "HF_HOME": str(tmp_path / "hub"),
                "TL_DATA_DIRS": str(tmp_path),
            },
        )
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            add_from_server(page, server.url, write_texts(tmp_path / "mails.csv", 60))
            started = time.monotonic()
            page.goto(f"{server.url}/backbone?dataset=mails")
            page.get_by_text("Show all", exact=False).last.click()
            page.get_by_text("Search the Hub").wait_for()
            assert time.monotonic() - started < 30  # it paints; how fast is measured in benchmarks/
            picture(page, "catalogue", height=1600)
            page.get_by_role("textbox", name="Search the Hub").fill("tiny")
            page.get_by_role("button", name="Search", exact=True).click()
            page.get_by_text("me/tiny-bert").first.wait_for()
            page.get_by_text("1,234 downloads").wait_for()
            picture(page, "hub-search", height=1600)
            page.get_by_text("me/tiny-bert").first.locator(
                "xpath=ancestor::*[.//button][1]"
            ).get_by_role("button", name="Use this").click()
            page.get_by_role("heading", name="Design").wait_for()
            page.get_by_text(f"hub:me/tiny-bert@{COMMIT}").first.wait_for()
            page.close()
        finally:
            server.process.kill()
            server.process.wait()
            kill_all(server.home)


def test_depths_are_ranked_and_ways_without_training_are_at_hand(page, server, picture):
    add_from_server(page, server.url, write_texts(server.home.parent / "letters.csv", 90))
    page.goto(f"{server.url}/backbone?dataset=letters")
    page.get_by_role("tab", name="Rank on my data").click()
    for _ in range(2):  # the word vectors and the multilingual one: which is quicker is luck
        settled(page)
        page.get_by_role("combobox", name="Candidates").press("Backspace")
    settled(page)
    page.get_by_text("Also compare their depths").click()
    page.get_by_role("button", name="Rank them on my data").click()
    page.get_by_text("after block 1 of 6").first.wait_for(
        state="attached", timeout=240_000
    )  # a row, chosen or not
    picture(page, "depths", height=2400)
    page.get_by_role("button", name="Use starter:text (").or_(
        page.get_by_role("button", name="Use starter:text", exact=True)
    ).first.click()
    page.get_by_role("heading", name="Design").wait_for()
    page.get_by_role("button", name="I choose myself").click()
    page.get_by_role("button", name="Zero-shot", exact=True).click()
    page.get_by_text("What the backbone compares your items with").wait_for()
    page.get_by_text("words become the classifier").wait_for()
    picture(page, "zero-shot")
    page.get_by_role("button", name="Word vectors, convolutions", exact=True).click()
    page.get_by_text("a small network that reads word vectors").wait_for()
    page.locator("label").filter(has_text="Keep the test score closed").click()
    page.get_by_role("button", name="Start training").click()
    page.goto(f"{server.url}/report?run={trained(page, server)}")
    page.get_by_role("heading", name="Report").wait_for()
