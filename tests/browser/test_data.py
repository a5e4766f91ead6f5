"""Bringing data and mending it, in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests_support.datasets import write_pictures, write_texts
from tests_support.planted import plant_pictures
from tests_support.studio import downloaded, pick, upload

pytestmark = pytest.mark.browser


def card(page, words):
    """The bordered card that holds `words`."""
    return page.locator("[data-testid=stVerticalBlock]").filter(has_text=words).last


def save(page, rows):
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_text("Is it good enough?").wait_for()
    page.get_by_text(rows).first.wait_for()


def test_every_planted_fault_is_found_and_fixed_by_click(page, server, tmp_path, picture):
    plant_pictures(tmp_path / "planted")
    archive = shutil.make_archive(str(tmp_path / "planted"), "zip", tmp_path / "planted")
    page.goto(f"{server.url}/add-data")
    upload(page, Path(archive))
    page.get_by_text("photos in 3 classes").wait_for()
    page.get_by_text("How the rows will be split").wait_for()
    save(page, "211 photos in 3 classes")
    fixes = [
        (
            "20 training photos are also",
            "Remove them from train",
            "Left out 20 training copies",
        ),
        ("15 photos occur more than once", "Leave them all out", "Left out 30 rows"),
        ("Photos that are near-duplicates", "Keep one of each", "10 left out"),
        ("5 file(s) could not be opened", "Go on without them", "Went on without the files"),
        ("Some classes differ only in", "Give them one name", "spots into Spots"),
    ]
    for words, _, _ in fixes:
        page.get_by_text(words).first.wait_for()
    page.locator("[class*=st-key-items_] summary").first.click()
    picture(page, "findings", 1700)
    for words, button, change in fixes:
        page.get_by_role("button", name=button).first.click()
        page.get_by_text(change).first.wait_for()
        expect(page.get_by_text(words)).to_have_count(0)
    page.get_by_text("ready to train.", exact=False).first.wait_for()
    expect(page.get_by_text("to look at")).to_have_count(0)
    page.get_by_role("button", name="Versions and download").click()
    page.get_by_text("How did it change?").wait_for()
    page.get_by_text("Version 6").first.wait_for()
    page.get_by_text("Left out", exact=False).first.wait_for()
    picture(page, "versions", 1500)
    expect(page.get_by_role("button", name="Restore")).to_have_count(5)  # all versions are drawn
    page.get_by_role("button", name="Restore").last.click()
    page.get_by_text("Version 7").first.wait_for()
    page.get_by_text("Restored planted@1").first.wait_for()
    page.get_by_role("button", name="Write the files").click()
    assert len(downloaded(page, "Download planted-7.zip")) > 100_000


def test_pasted_rows_become_a_dataset_and_grow(page, server, tmp_path, picture):
    page.goto(f"{server.url}/add-data")
    page.get_by_text("Paste", exact=True).click()
    rows = (
        write_texts(tmp_path / "t.csv")
        .read_text()
        .replace('"', "")
        .replace(",bad", "\tbad")
        .replace(",good", "\tgood")
        .replace("text,label", "text\tlabel")
    )
    page.get_by_label("Rows of a table").fill(rows)
    page.get_by_role("button", name="Look inside").click()
    page.get_by_text("A table with 2 columns").wait_for()
    page.get_by_role("textbox", name="Name of the dataset").fill("pasted rows")
    page.get_by_text("train").first.wait_for()
    picture(page, "columns", 1300)
    save(page, "40 texts in 2 classes")
    (tmp_path / "more.csv").write_text(
        "text,label\n" + "".join(f"more of it {i} and {i * 3},good\n" for i in range(12))
    )
    page.goto(f"{server.url}/add-data")
    upload(page, tmp_path / "more.csv")
    page.get_by_text("more rows of an existing one").click()
    page.get_by_text("The new rows are").wait_for()
    page.get_by_text(
        "How the rows will be split"
    ).wait_for()  # the page runs once more when the plan is there
    pick(page, "Dataset", "pasted rows")
    save(page, "52 texts in 2 classes")
    page.get_by_text("Added 12 items from more.csv").wait_for()


def test_pictures_class_by_class_and_from_the_webcam(page, server, tmp_path, picture):
    root = write_pictures(tmp_path / "d", each=6, classes=("red", "green"))
    page.goto(f"{server.url}/add-data")
    page.get_by_text("Files by class", exact=True).click()
    for label in ("red", "green"):
        page.get_by_label("Class of these files").fill(label)
        page.get_by_label("Class of these files").press("Enter")
        upload(page, *sorted((root / label).iterdir()))
        page.get_by_role("button", name="Add these files").click()
        page.get_by_text("6 photos").nth(("red", "green").index(label)).wait_for()
    picture(page, "photos-by-class")
    page.get_by_text("Webcam", exact=True).click()
    page.get_by_label("Class of the next snapshots").fill("me")
    page.get_by_label("Class of the next snapshots").press("Enter")
    page.locator("video").wait_for()
    page.wait_for_timeout(1500)  # the first frame comes after the element
    page.get_by_role("button", name="Take Photo").click()
    page.get_by_text("1 photo", exact=False).wait_for()
    page.get_by_role("button", name="Use these photos").click()
    page.get_by_text("13 photos in 3 classes").wait_for()
    save(page, "13 photos in 3 classes")


def test_an_unreachable_hub_is_said_and_the_limits_are_shown(page, server):
    page.goto(f"{server.url}/add-data")
    page.get_by_text("Hugging Face Hub", exact=True).click()
    page.get_by_text("The Hub cannot be reached from this server just now").wait_for()
    page.get_by_role("textbox", name="Name of the dataset").fill("owner/name")
    page.get_by_role("button", name="Look inside").click()
    page.get_by_text("The Hub cannot be reached from this server.").first.wait_for()
    page.get_by_role("button", name="Try another file").click()
    page.get_by_text("Limits of this server").click()
    page.get_by_text("Upload", exact=True).first.wait_for()
