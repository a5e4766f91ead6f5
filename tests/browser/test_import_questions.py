"""Guesses are shown and can be corrected before anything is saved; what only a person knows is
asked.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from tests_support.everyday import bring, rows, table
from tests_support.everyday_pictures import PICTURES
from tests_support.everyday_tables import TABLES
from tests_support.studio import pick, upload

pytestmark = pytest.mark.browser


def save(page, server, words):
    """Save it, and give what stands in the newest version."""
    button = page.get_by_role("button", name="Save as dataset")
    expect(button).to_have_count(1)  # while the page is drawn anew, the old one stands there, too
    button.click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    page.get_by_text(words).first.wait_for()
    newest = max(server.home.glob("datasets/*/version.json"), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())


def counts(version):
    return {name: sum(splits.values()) for name, splits in version["class_splits"].items()}


def test_an_uncertain_guess_is_corrected_before_saving(page, server, tmp_path, picture):
    source = tmp_path / "reviews.csv"
    source.write_text(
        table("text,stars,helpful", rows(40, lambda n: n % 5 + 1, lambda n: ["yes", "no"][n % 2]))
    )
    page.goto(f"{server.url}/add-data")
    upload(page, source)
    page.get_by_text("Please check this before you save").wait_for()
    page.get_by_text("its name is one of a rating").first.wait_for()
    page.get_by_text("Rows as the model will see them").wait_for()
    picture(page, "import-plan", 1700)
    pick(page, "Column with the class", "helpful")
    expect(page.get_by_text("Please check this before you save")).to_have_count(0)
    page.get_by_text("How the rows will be split").wait_for()
    saved = save(page, server, "40 texts in 2 classes")
    assert counts(saved) == {"yes": 20, "no": 20}
    label = next(one for one in saved["plan"]["columns"] if one["role"] == "label")
    assert label["name"] == "helpful" and label["certain"]


def test_which_folder_level_is_the_class_is_asked(page, server, tmp_path, picture):
    source = bring(PICTURES["class names that repeat below"].files, tmp_path, zipped=True)
    page.goto(f"{server.url}/add-data")
    upload(page, source)
    page.get_by_text("It is not clear which folder level names the class").wait_for()
    picture(page, "import-question")
    page.get_by_text("2: classes cat, dog").click()
    page.get_by_role("button", name="Go on with this").click()
    page.get_by_text("16 photos in 2 classes").wait_for()
    assert counts(save(page, server, "16 photos in 2 classes")) == {"cat": 8, "dog": 8}


def test_the_order_of_dates_is_asked_once_a_column_is_chosen(page, server, tmp_path):
    source = bring(TABLES["dates that could be either"].files, tmp_path)
    page.goto(f"{server.url}/add-data")
    upload(page, source)
    page.get_by_text("A table with 3 columns").wait_for()
    page.get_by_text("More columns: groups, splits, dates").click()
    pick(page, "Column with the date", "date")
    page.get_by_role("button", name="Go on with this").wait_for()
    page.get_by_text("mdy: month, day, year").click()
    page.get_by_role("button", name="Go on with this").click()
    page.get_by_text("How the rows will be split").wait_for()
    saved = save(page, server, "40 texts in 2 classes")
    assert counts(saved) == {"a": 20, "b": 20}
    assert (saved["options"]["date_column"], saved["options"]["date_order"]) == ("date", "mdy")
    assert "date" in {one["name"] for one in saved["plan"]["columns"] if one["role"] == "date"}
