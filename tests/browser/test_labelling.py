"""Labelling with keys, taking back, several at once, the next version and the curve."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import expect
from tests_support.studio import add_from_server, settled

from tl_core.cli.main import main

pytestmark = pytest.mark.browser
_KINDS = ("sport", "money")
_WORDS = {
    "sport": ("the match was won by a late goal", "her team plays in the final", "a fine race"),
    "money": ("the bank raised its rates", "shares fell after the report", "the loan is repaid"),
}


def write_news(path, labelled=40, waiting=100):
    lines = ["text,label"]
    for number in range(labelled + waiting):
        kind = _KINDS[number % 2]
        words = _WORDS[kind][number // 2 % 3]
        lines.append(f"{words} {number},{kind if number < labelled else ''}")
    path.write_text("\n".join(lines) + "\n")
    return path


def command(server, *arguments):
    """A command in the environment of the server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        assert main([*map(str, arguments)]) == 0


def label_elsewhere(server, folder, most):
    """The first rows of the queue, labelled in a table."""
    path = folder / "news-rows.csv"
    command(server, "labels", "export", "news", "-o", path)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        lines = list(csv.DictReader(handle))
    for line in lines[:most]:
        words = line["item"].rsplit(" ", 1)[0]
        line["class"] = next(kind for kind, known in _WORDS.items() if words in known)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)
    command(server, "labels", "import", "news", path)


def seen(page) -> None:
    """A key belongs to the button that stands there once the page is drawn, and to an item that
    somebody can have seen.
    """
    settled(page)
    page.wait_for_timeout(500)


def _labelled(page, count) -> None:
    page.get_by_text(re.compile(rf"{count} labels? in all")).wait_for()
    seen(page)


def test_items_are_labelled_by_key_taken_back_in_groups_and_made_a_version(page, server, picture):
    folder = server.home.parent
    add_from_server(page, server.url, write_news(folder / "news.csv"))
    page.goto(f"{server.url}/label?dataset=news")
    page.get_by_text("100 texts without a class").wait_for()
    page.get_by_role("button", name="Choose the first items").click()
    row = page.get_by_text(re.compile(r"^Row \d+ · "))
    row.wait_for(timeout=120_000)
    picture(page, "label")

    def labelled(count):
        _labelled(page, count)

    labelled(0)
    first = row.inner_text()
    page.keyboard.press("1")
    labelled(1)
    expect(row).not_to_have_text(first)
    page.get_by_text("1 new label so far").wait_for()
    page.keyboard.press("2")
    labelled(2)
    page.keyboard.press("u")
    labelled(1)
    page.keyboard.press("u")
    labelled(0)
    expect(row).to_have_text(first)
    page.keyboard.press("h")
    page.get_by_text(re.compile("^The model says")).wait_for()
    seen(page)
    page.keyboard.press("s")
    page.wait_for_function(
        "first => !document.body.innerText.includes(first)", arg=first, timeout=60_000
    )
    settled(page)

    command(server, "labels", "next", "news", "--batch", 40, "--random-share", 0.5)
    label_elsewhere(server, folder, 60)
    command(server, "labels", "next", "news")
    page.reload()
    page.get_by_role("heading", name="How good are the labels so far?").wait_for()
    page.get_by_text("drawn at random").first.wait_for()
    settled(page)
    said = page.get_by_text(re.compile(r"\d+ labels? in all")).first.inner_text()
    before = int(re.search(r"(\d+) labels? in all", said)[1])
    button = page.get_by_role("button", name=re.compile(r"Label these \d+ items as"))
    button.scroll_into_view_if_needed()
    count = int(re.search(r"\d+", button.inner_text())[0])
    button.click()
    page.get_by_text("Undo").first.wait_for()
    settled(page)
    page.reload()
    labelled(before + count)
    picture(page, "label-results", 1800)

    page.get_by_role("button", name="Make the next version").click()
    page.get_by_text(re.compile(r"news@2 · \d+ texts without a class")).wait_for(timeout=120_000)
    settled(page)
    picture(page, "label-next")


def test_several_labels_are_ticked_by_key_and_click_and_saved_by_key(page, server, picture):
    folder = server.home.parent
    cells, kinds = ("joy; love", "joy", "love", "anger; joy"), ("sport", "money")
    lines = ["text,label"]
    for number in range(60):
        words = _WORDS[kinds[number % 2]][number // 2 % 3]
        lines.append(f"{words} {number},{cells[number % 4] if number < 30 else ''}")
    (folder / "moods.csv").write_text("\n".join(lines) + "\n")
    add_from_server(page, server.url, folder / "moods.csv")
    command(server, "labels", "next", "moods")
    page.goto(f"{server.url}/label?dataset=moods")
    _labelled(page, 0)

    def saved():
        command(server, "labels", "export", "moods", "-o", folder / "moods-rows.csv")
        with (folder / "moods-rows.csv").open(encoding="utf-8-sig", newline="") as handle:
            return sorted(line["class"] for line in csv.DictReader(handle) if line["class"])

    for key in "121":  # anger and joy, but then not anger
        page.keyboard.press(key)
        settled(page)
    picture(page, "label-several")
    page.keyboard.press("a")
    _labelled(page, 1)
    assert saved() == ['["joy"]']
    page.get_by_role("button", name="love").click()
    settled(page)
    page.keyboard.press("a")  # the button that was clicked has the focus
    _labelled(page, 2)
    page.keyboard.press("a")  # nothing is ticked
    page.keyboard.press("0")
    _labelled(page, 3)
    assert saved() == ['["joy"]', '["love"]', "[]"]
