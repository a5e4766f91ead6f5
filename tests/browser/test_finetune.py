"""The heart of the product in a browser: design a training, watch it, stop it, read what came of
it.
"""

from __future__ import annotations

import re
import shutil
import zipfile

import pytest
from tests_support.datasets import first_rows, write_pictures, write_texts
from tests_support.studio import add_from_server, settled, trained, upload

pytestmark = pytest.mark.browser
_STEP_BEYOND = """before => {
    const figures = document.querySelectorAll('[data-testid=stMetricValue]');
    return Number(figures[1]?.innerText.replaceAll(',', '')) > before;
}"""


def test_design_a_lora_run_watch_it_refresh_stop_and_read_the_report(
    page, server, picture, tmp_path, shared
):
    page.goto(f"{server.url}/add-data")
    upload(page, first_rows(shared / "data" / "trec" / "train.csv", tmp_path / "trec.csv", 240))
    page.get_by_role("textbox", name="Name of the dataset").fill("questions")
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    page.goto(f"{server.url}/design?dataset=questions")
    page.get_by_text("the rest", exact=False).first.wait_for()
    page.get_by_role("button", name="I choose myself").click()
    page.get_by_role("button", name="Fine-tune from a probe (LP-FT)", exact=True).click()
    page.get_by_text(re.compile(r"rate × 1")).first.wait_for()
    picture(page, "design", height=1250)
    page.get_by_role("button", name="LoRA", exact=True).click()
    page.get_by_text(
        re.compile(r"partly, learning rate × 1")
    ).first.wait_for()  # the tree has changed: small parts of blocks
    page.get_by_role("button", name="Estimate time and memory").click()
    page.get_by_text("Memory", exact=True).wait_for(timeout=120_000)
    picture(page, "estimate", height=1250)
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("heading", name="Live run").wait_for()
    page.get_by_text("Accuracy on the validation items").wait_for(timeout=120_000)
    page.get_by_text("Best accuracy so far (%)").wait_for(timeout=120_000)
    before = int(page.locator("[data-testid=stMetricValue]").nth(1).inner_text().replace(",", ""))
    page.reload()
    page.get_by_text("Accuracy on the validation items").wait_for()
    page.wait_for_function(_STEP_BEYOND, arg=before)
    picture(page, "training", height=1300)
    page.get_by_role("button", name="Stop now and keep the best").click()
    page.get_by_role("button", name="Read the report").wait_for(timeout=180_000)
    page.get_by_role("button", name="Read the report").click()
    page.get_by_role("heading", name="Report").wait_for()
    page.get_by_role("tab", name="Details").click()
    page.get_by_text("You stopped it", exact=False).wait_for()
    picture(page, "report-training", height=1200)


def test_photos_show_what_the_network_sees_before_training(page, server, picture, tmp_path):
    folder = write_pictures(tmp_path / "d", each=8)
    with zipfile.ZipFile(tmp_path / "colours.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder.parent))
    page.goto(f"{server.url}/add-data")
    upload(page, tmp_path / "colours.zip")
    page.get_by_role("textbox", name="Name of the dataset").fill("colours")
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    page.goto(f"{server.url}/design?dataset=colours")
    page.get_by_role("button", name="I choose myself").click()
    page.get_by_role("button", name="Full fine-tuning", exact=True).click()
    page.get_by_text("as the network sees them", exact=False).wait_for()
    page.get_by_role("button", name="Other variations").click()
    page.get_by_text("as the network sees them", exact=False).wait_for()
    images = page.locator("[data-testid=stImage] img, [data-testid=stImageContainer] img")
    images.nth(9).wait_for()
    picture(page, "variations", height=1250)


def test_a_small_ladder_recommends_and_keeps_a_model(page, server, picture, tmp_path):
    page.goto(f"{server.url}/add-data")
    upload(page, write_texts(tmp_path / "ladder.csv", 80))
    page.get_by_role("textbox", name="Name of the dataset").fill("steps")
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    page.goto(f"{server.url}/design?dataset=steps")
    page.get_by_role("button", name="I choose myself").click()
    page.get_by_role("button", name="All strategies compared (ladder)", exact=True).click()
    page.get_by_text("Each strategy trains on the same items", exact=False).first.wait_for()
    settled(page)
    page.get_by_role("button", name="Full fine-tuning").last.click()
    page.get_by_role("button", name="From scratch").last.click()
    for setting in ("Seeds", "Epochs"):
        settled(page)
        page.locator(f"input[aria-label={setting}]").fill("1")
        page.locator(f"input[aria-label={setting}]").press("Enter")
    page.get_by_role("button", name="Start training").click()
    page.goto(f"{server.url}/report?run={trained(page, server)}")
    page.get_by_role("heading", name="Which strategy?").wait_for()
    picture(page, "ladder", height=1200)


def test_a_search_is_watched_survives_a_reload_is_stopped_and_keeps_its_best(
    page, server, picture, tmp_path
):
    add_from_server(page, server.url, write_texts(server.home.parent / "searched.csv", 120))
    page.goto(f"{server.url}/design?dataset=searched")
    page.get_by_role("button", name="The best in 20 minutes").click()
    picture(page, "design-auto")
    page.get_by_text("Also try the other available backbones").click()
    page.get_by_text("5 minutes", exact=True).click()
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("training now").wait_for(timeout=120_000)
    page.get_by_text(re.compile("Fine-tune.* on starter")).first.wait_for(timeout=240_000)
    page.reload()
    page.get_by_text("training now").wait_for()
    assert page.get_by_text("This app has encountered an error").count() == 0
    picture(page, "search-live", height=1300)
    page.get_by_role("button", name="Stop now and keep the best").click()
    page.get_by_role("button", name="Read the report").wait_for(timeout=240_000)
    page.get_by_role("button", name="Read the report").click()
    page.get_by_role("heading", name="What was tried?").wait_for()
    picture(page, "search-report", height=1300)


def test_a_model_of_ones_own_goes_up_as_a_zip(page, server, tiny, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "mine"), "zip", tiny("resnet"))
    source = write_pictures(server.home.parent / "dots", each=10)
    add_from_server(page, server.url, source)
    page.goto(f"{server.url}/backbone?dataset=dots")
    page.get_by_role("tab", name="My own models").click()
    upload(page, archive)
    page.get_by_role("heading", name="Design").wait_for()
    page.get_by_text("local:mine").first.wait_for()
    page.goto(f"{server.url}/backbone?dataset=dots")
    page.get_by_text("mine", exact=True).first.wait_for()  # it is a card now
