"""Words spoken into the microphone become a dataset, a model, and an answer."""

from __future__ import annotations

import re
import shutil
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from tests_support.recordings import vowel, write
from tests_support.studio import settled, trained

from .conftest import FLAGS

pytestmark = pytest.mark.browser
CLIPS = 8
PITCHES = (100, 125, 155, 190)


@pytest.fixture
def microphone(browser, tmp_path):
    """`microphone(address)` opens a page in a browser of its own, and gives with it a function that
    says which vowel the microphone hears from now on: Chromium reads the file anew for each
    recording.
    """
    heard = tmp_path / "heard.wav"
    opened = []

    def start(address):
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={heard}"]
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        own = browser.browser_type.launch(executable_path=program, args=flags)
        opened.append(own)
        page = own.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(120_000)
        page.goto(address)
        return page

    def say(name, take):
        spoken = vowel(name, PITCHES[take % len(PITCHES)], take, rate=48_000, around=0.3)
        write(heard, np.tile(spoken, 12), 48_000)

    say("a", 0)
    start.say = say
    yield start
    for own in opened:
        own.close()


def record(page):
    """A clip of about a second and a half."""
    settled(page)
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("button", name="Stop recording").wait_for()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop recording").click()


def test_three_vowels_are_recorded_learnt_and_recognised(server, microphone, picture):
    address = f"{server.url}/add-data"
    for name in "aiu":  # a browser for each class: the collection is found again by its address
        page = microphone(address)
        page.get_by_text("Record", exact=True).first.click()
        page.get_by_label("Class of the next recordings").fill(f"vowel {name}")
        page.get_by_label("Class of the next recordings").press("Enter")
        for take in range(CLIPS):
            microphone.say(name, take)
            record(page)
            noun = "recording" if not take else "recordings"
            page.get_by_text(f"vowel {name} · {take + 1} {noun}").wait_for()
        address = page.url
        assert "collection" in parse_qs(urlsplit(address).query)
        picture(page, f"record-{name}")
        if name != "u":
            page.context.browser.close()
    page.get_by_role("button", name="Use these recordings").click()
    page.get_by_text(f"{3 * CLIPS} recordings in 3 classes").wait_for()
    picture(page, "record-plan", 1400)
    page.get_by_role("textbox", name="Name of the dataset").fill("vowels")
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()
    page.locator("audio").first.wait_for()
    picture(page, "record-items", 1200)
    page.goto(f"{server.url}/design?dataset=vowels&backbone=starter:audio")
    page.get_by_role("button", name="Start training").first.wait_for()
    picture(page, "record-design", 1200)
    page.get_by_role("button", name="Start training").first.click()
    page.goto(f"{server.url}/report?run={trained(page, server, 400.0)}")
    page.get_by_role("heading", name="Report").wait_for()
    picture(page, "record-report", 2000)
    page.get_by_role("button", name="Use it on new items").click()
    page.get_by_text("Record something").first.wait_for()
    microphone.say("i", 77)
    record(page)
    page.get_by_role("heading", name=re.compile("vowel i")).wait_for(timeout=120_000)
    picture(page, "record-predict", 1200)
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("What speaks for").first.wait_for(timeout=120_000)
    picture(page, "record-why", 1400)
