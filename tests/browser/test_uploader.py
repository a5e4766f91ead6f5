"""Large files in a real browser: refreshed, cut off, paused, several at once; what arrives is what
was sent.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import select
from tests_support.datasets import write_texts
from tests_support.slow_network import SlowNetwork
from tests_support.studio import settled, upload

from pages.widgets import uploader
from tl_core.database.engine import open_database
from tl_core.database.tables import uploads
from tl_core.settings import Settings

pytestmark = pytest.mark.browser
PART = 8 << 20  # bytes of one request of the script
ARABIC = "ملف العملاء 12"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A zip of 24 MB: photos of noise, which cannot be packed."""
    folder = tmp_path_factory.mktemp("noise") / "noise"
    draw = np.random.default_rng(0)
    for label in ("one", "two"):
        (folder / label).mkdir(parents=True)
        for place in range(6):
            pixels = draw.integers(0, 256, (820, 820, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{place}.png", compress_level=0)
    return Path(shutil.make_archive(str(folder), "zip", folder))


@pytest.fixture
def known(server):
    """The registry's rows of uploads by the name of the file."""

    def look():
        with open_database(Settings(home=str(server.home))).connect() as connection:
            return {row.name: row for row in connection.execute(select(uploads)).all()}

    return look


@pytest.fixture
def network(server):
    made = SlowNetwork(server.port)
    yield made
    made.close()


def offsets(page):
    """Where each part that is sent begins, as it is sent."""
    found = []

    def note(request):
        if request.method == "PATCH":
            found.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    return found


def wait_until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def standing(page, share):
    """Wait until a line says that at least so many per cent have arrived."""
    page.wait_for_function(
        """share => [...document.querySelectorAll('*')]
            .filter(one => one.shadowRoot?.querySelector('.standing'))
            .some(one => parseInt(one.shadowRoot.querySelector('.standing').textContent) >= share)
        """,
        arg=share,
    )


def test_a_refresh_in_the_middle_loses_nothing(page, network, archive, known, picture):
    page.goto(f"{network.url}/add-data")
    settled(page)
    network.rate = 1_500_000
    upload(page, archive)
    standing(page, 20)
    picture(page, "upload-going-on")
    wait_until(lambda: known()["noise.zip"].received >= PART)
    page.reload()
    network.rate = 0
    page.get_by_text("Choose the same file again to go on.").wait_for()
    assert known()["noise.zip"].received < archive.stat().st_size
    picture(page, "upload-after-a-refresh")
    sent = offsets(page)
    upload(page, archive)
    page.get_by_text("12 photos in 2 classes").first.wait_for()
    row = known()["noise.zip"]
    assert row.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest() and row.finished
    assert sent and min(sent) >= PART and len(sent) <= 2  # it went on from where it was
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_text("Is it good enough?").wait_for()
    page.get_by_text("12 photos in 2 classes").first.wait_for()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('upload'))") == []


def test_it_goes_on_by_itself_when_the_connection_was_lost(page, network, archive, known):
    page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")  # no https
    page.goto(f"{network.url}/add-data")
    page.route("**/api/uploads/*", lambda route: route.abort("connectionreset"))
    upload(page, archive)
    page.get_by_text("Trying again in 2 s").first.wait_for()
    page.unroute("**/api/uploads/*")
    page.get_by_text("12 photos in 2 classes").first.wait_for()
    assert known()["noise.zip"].sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keys_pause_go_on_and_cancel(page, network, archive, known, tmp_path, scheme, picture):
    page.emulate_media(color_scheme=scheme)
    named = tmp_path / f"{ARABIC} {scheme}.zip"
    shutil.copy(archive, named)
    page.goto(f"{network.url}/add-data")
    settled(page)
    network.rate = 2_000_000
    upload(page, named)
    standing(page, 5)
    page.get_by_role("button", name=f"Pause {named.name}").press("Enter")
    page.get_by_text("paused").first.wait_for()
    expect(page.get_by_role("progressbar", name=named.name)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="paused")).to_have_count(1)
    picture(page, f"upload-paused-{scheme}")
    found = Axe().run(page).response["violations"]
    assert not [one for one in found if one["impact"] in ("serious", "critical")]
    focused = page.evaluate(
        "() => { let at = document.activeElement;"
        " while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
        " return at.textContent }"
    )
    assert focused == "Continue"  # the focus stays where the button was
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("MB/s")).first.wait_for()
    page.get_by_role("button", name=f"Cancel {named.name}").press("Enter")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    page.wait_for_timeout(500)
    assert named.name not in known()


def test_an_upload_goes_on_while_another_page_is_looked_at(page, network, archive, known):
    before = known()
    page.goto(f"{network.url}/add-data")
    settled(page)
    network.rate = 6_000_000
    upload(page, archive)
    standing(page, 5)
    page.get_by_role("link", name="Versions").click()
    page.wait_for_url("**/versions*")
    wait_until(lambda: any(row.finished for row in known().values() if row not in before.values()))
    page.get_by_role("link", name="Add data").first.click()
    page.get_by_text("12 photos in 2 classes").first.wait_for()


def test_the_end_of_an_overtaken_call_leaves_the_field_listening(page, server):
    page.goto(f"http://localhost:{server.port}/healthz")
    script = "\n".join(
        Path(uploader.__file__).with_name(one).read_text() for one in uploader._SCRIPTS
    )
    heard = page.evaluate(
        """async ([script, html]) => {
            const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
            const draw = (await import(address)).default;
            const place = document.createElement("div");
            place.innerHTML = html;
            const data = {place: "here", who: "ann", label: "", hint: "", several: false};
            const told = {parentElement: place, data, setStateValue: () => {}};
            const [first, second] = [draw(told), draw(told)];
            const heard = () => globalThis.graftUploads.views.size;
            first();
            const before = heard();
            second();
            return [before, heard()];
        }""",
        [script, uploader._HTML],
    )
    assert heard == [1, 0]


def test_another_file_is_chosen_in_place_of_a_refused_one(page, server):
    page.goto(f"http://localhost:{server.port}/healthz")
    script = "\n".join(
        Path(uploader.__file__).with_name(one).read_text() for one in uploader._SCRIPTS
    )
    shown = page.evaluate(
        """async ([script, html]) => {
            const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
            const draw = (await import(address)).default;
            const place = document.createElement("div");
            place.innerHTML = html;
            const data = {place: "here", who: "ann", label: "", hint: "", several: false};
            draw({parentElement: place, data, setStateValue: () => {}});
            const input = place.querySelector("input");
            const choose = (file) => {
                const chosen = new DataTransfer();
                chosen.items.add(file);
                input.files = chosen.files;
                input.dispatchEvent(new Event("change"));
            };
            const words = (name) => [...place.querySelectorAll(name)].map((one) => one.innerText);
            choose(new File([], "nothing.csv"));
            while (!place.querySelector(".failed")) await new Promise((go) => setTimeout(go, 50));
            const offered = [words("button"), place.querySelector(".drop").hidden];
            choose(new File(["text"], "some.csv"));
            return [...offered, words("bdi")];
        }""",
        [script, uploader._HTML],
    )
    assert shown == [["Cancel"], False, ["some.csv"]]


def test_several_files_become_one_source_and_wrong_ones_are_named(page, network, server, tmp_path):
    for name in ("train", "test"):
        write_texts(tmp_path / f"{name}.csv", 40)
    (tmp_path / "run.zip").write_bytes(b"\x7fELF" + bytes(2000))
    page.goto(f"{network.url}/add-data")
    upload(page, tmp_path / "run.zip", tmp_path / "train.csv", tmp_path / "test.csv")
    page.get_by_text("is a program").first.wait_for()
    page.get_by_role("button", name="Cancel run.zip").click()
    name = page.get_by_role("textbox", name="Name of the dataset")
    expect(name).to_have_value("my-files", timeout=60_000)
    page.get_by_text("How the rows will be split").wait_for()
    together = {path.name for path in server.home.glob("uploads/*/my-files/*.csv")}
    assert together == {"train.csv", "test.csv"}
