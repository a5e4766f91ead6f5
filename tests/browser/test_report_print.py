"""The HTML report on paper: no column is lost, no matrix parted, and no sheet wasted."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tl_core.evaluate.html import render
from tl_core.evaluate.report import evaluate_rows

pytestmark = pytest.mark.browser
LONG = "complaints about deliveries that came late, damaged, or to the wrong address"
WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmütze"
STANDING, LYING = (672, 1001), (1031, 702)  # pixels of A4 within its margins


def report_of(labels: list[str], most: int) -> str:
    """A report on these classes, with counts of up to `most` in its confusion matrix."""
    random = np.random.default_rng(0)
    truth = np.arange(len(labels) * 4) % len(labels)
    section = evaluate_rows(truth, random.dirichlet(np.ones(len(labels)), len(truth)), labels, "s")
    counts = random.integers(0, most, (len(labels), len(labels)))
    section["confusion"]["counts"] = (counts * (counts % 5 == 0)).tolist()
    return render(
        {
            "headline": "Right 80 times in 100 on texts it had not seen.",
            "dataset": "d@1",
            "backbone": "starter:text",
            "recipe": "finetune",
            "modality": "text",
            "test": section,
            "baselines": {},
            "settings": {f"setting {n}": n for n in range(60)},
            "data": {"fingerprint": "4bca5f01" * 8},
        }
    )


@pytest.fixture
def sheet(browser):
    opened = browser.new_page()
    opened.emulate_media(media="print")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("labels", "most", "lies"),
    [
        ([f"kind {n}" for n in range(6)], 900, False),
        ([f"{WORD} {n}" for n in range(6)], 900, False),
        ([f"a longer name of a class {n}" for n in range(20)], 900, False),
        ([f"kind {n}" for n in range(40)], 90, False),
        ([f"{LONG} ({n})" for n in range(60)], 900, True),
        ([f"kind {n}" for n in range(60)], 90_000, True),
    ],
)
def test_a_matrix_stands_on_one_sheet_with_all_of_its_columns(sheet, labels, most, lies):
    width, height = LYING if lies else STANDING
    sheet.set_viewport_size({"width": width, "height": height})
    sheet.set_content(report_of(labels, most))
    matrix = sheet.locator("section", has_text="Confusion matrix")
    assert (matrix.get_attribute("class") or "").endswith("lying") == lies
    box = matrix.locator("table").bounding_box()
    assert box["x"] + box["width"] <= width
    assert matrix.bounding_box()["height"] <= height
    assert sheet.evaluate("document.scrollingElement.scrollWidth") <= width


def test_many_classes_and_all_settings_take_few_sheets(sheet):
    pages = {}
    for classes in (6, 150):
        sheet.set_content(report_of([f"kind {n}" for n in range(classes)], 90))
        printed = sheet.pdf(prefer_css_page_size=True)
        pages[classes] = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert pages[6] <= 3
    assert pages[150] <= 4
