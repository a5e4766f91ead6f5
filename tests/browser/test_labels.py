"""Mending labels from the worklist to a new version, and the same training before and after on the
same test items.
"""

from __future__ import annotations

import re

import pytest
from tests_support.datasets import write_pictures
from tests_support.studio import add_from_server, settled, trained

pytestmark = pytest.mark.browser


def test_wrong_labels_are_found_mended_by_key_and_click_and_the_training_repeated(
    page, server, picture
):
    source = write_pictures(server.home.parent / "flipped", each=50)
    for number in (2, 11, 19, 33, 47):
        for label, other in (("red", "green"), ("green", "blue")):
            (source / label / f"{number}.png").rename(
                source / other / f"moved_{label}_{number}.png"
            )
    add_from_server(page, server.url, source)
    page.goto(f"{server.url}/design?dataset=flipped")
    page.locator("label").filter(has_text="Keep the test score closed").click()
    page.get_by_role("button", name="Start training").click()
    trained(page, server)

    page.goto(f"{server.url}/labels?dataset=flipped")
    page.get_by_role("button", name="Look for wrong labels").click()
    page.get_by_text("are probably labelled wrongly").first.wait_for(timeout=120_000)
    page.get_by_text("The most similar items").wait_for()
    counted = page.get_by_text(re.compile(r"of \d+ reviewed"))
    total = int(re.search(r"0 of (\d+) reviewed", counted.inner_text())[1])
    assert total >= 4
    picture(page, "labels")

    def looked_at(count):
        page.get_by_text(f"{count} of {total} reviewed").wait_for()
        settled(page)  # a key belongs to the button that stands there once the page is drawn

    page.get_by_role("button", name="Change to").first.click()
    looked_at(1)
    page.keyboard.press("k")
    looked_at(2)
    page.keyboard.press("u")
    looked_at(1)
    page.reload()  # every decision was saved at once
    looked_at(1)
    page.get_by_text("Undo the last decision").wait_for()
    settled(page)
    for done in range(2, total + 1):
        page.keyboard.press("m")
        looked_at(done)
    page.get_by_text(f"{total} changed, 0 left out so far").wait_for()
    page.get_by_role("button", name="Make a new version of it").click()
    page.get_by_role("button", name="Train again on this version").click()
    trained(page, server)
    page.goto(f"{server.url}/labels?dataset=flipped@2")
    page.get_by_text("Compare with the training before the change").click()
    page.get_by_role("heading", name="Is the difference more than chance?").wait_for()
    page.get_by_text("photos than").or_(page.get_by_text("equally many")).first.wait_for()
    page.get_by_text("flipped@2").first.wait_for()
    page.get_by_text(
        "test items that all of them have judged"
    ).wait_for()  # the same, untouched ones
    picture(page, "compare", 1700)
