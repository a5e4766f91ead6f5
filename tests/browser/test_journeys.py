"""The main journeys in a real browser against a real server."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import psutil
import pytest
from tests_support.datasets import first_rows, write_pictures
from tests_support.processes import kill_all, of_home
from tests_support.studio import Server, downloaded, settled, trained, upload

from tl_core.database.engine import open_database
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings

pytestmark = pytest.mark.browser


def watch_to_the_end(page) -> None:
    page.get_by_text("Read the report").wait_for(timeout=240_000)
    page.get_by_text("Read the report").click()
    page.get_by_text("Class by class", exact=True).wait_for()


def accuracy(page) -> int:
    sentence = page.get_by_text("times in 100 on").first.inner_text()
    return int(sentence.split("Right ")[1].split(" ")[0])


def look_closer(page, picture) -> None:
    """At the first mistake of a report: what it was learnt from, and what speaks for the answer."""
    page.get_by_role("tab", name="Errors").click()
    box = page.get_by_role("combobox", name="Look closer at")
    box.scroll_into_view_if_needed()
    settled(page)
    box.click()
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show similar training items").click()
    page.get_by_text("Most similar training items").wait_for(timeout=120_000)
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("What speaks for").first.wait_for(timeout=90_000)
    page.get_by_role("heading", name="Items to look at").scroll_into_view_if_needed()
    picture(page, "closer", 2300)


def predict_a_photo(page, photo: Path, picture) -> None:
    """From the report on to one photo, with the reasons for its answer."""
    page.get_by_role("button", name="Use it on new items").click()
    page.get_by_text("A photo", exact=True).first.wait_for()
    upload(page, photo)
    page.get_by_text("% sure").first.wait_for(timeout=90_000)
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("What speaks for").first.wait_for()
    page.get_by_text("random parts").first.wait_for()
    picture(page, "predict-photo", 1500)


def test_a_sample_in_two_clicks_and_a_prediction(page, server, picture):
    page.goto(server.url)
    page.get_by_text("What can I teach it?").wait_for()
    picture(page, "home")
    samples = page.get_by_text("Try a sample", exact=True)
    page.get_by_role("button", name="Try it").first.or_(samples).first.wait_for()
    if samples.count():
        samples.click()
    page.get_by_role("button", name="Try it").nth(1).click()
    page.get_by_text("How is it going?").wait_for()
    page.get_by_text("of the whole run").wait_for()
    page.get_by_text(
        re.compile("Reading|Fitting|Saving|Evaluating|without transfer|Read the")
    ).first.wait_for()
    picture(page, "live")
    watch_to_the_end(page)
    assert accuracy(page) > 70
    picture(page, "report", 2300)
    page.get_by_role("button", name="Use it on new items").click()
    page.get_by_label("A text").fill("Where is my parcel? It should have been here on Monday")
    page.get_by_role("button", name="Predict", exact=True).click()
    page.get_by_role("heading", name="delivery").wait_for()
    picture(page, "predict")
    page.goto(f"{server.url}/runs")
    page.get_by_text("All runs").first.wait_for()
    page.get_by_text("messages@1").first.wait_for()
    page.get_by_text("Runs in hand").wait_for()  # a run on a sample is one of its project
    picture(page, "runs")
    page.goto(f"{server.url}/system")
    page.get_by_role("button", name="Clean up unused caches").wait_for()


def test_photos_from_zip_to_prediction(page, server, shared, tmp_path, picture):
    archive = shutil.make_archive(
        str(tmp_path / "hymenoptera"), "zip", shared / "data" / "hymenoptera"
    )
    page.goto(f"{server.url}/add-data")
    page.get_by_text("What are my examples?").wait_for()
    upload(page, Path(archive))
    page.get_by_text("396 photos in 2 classes").wait_for()
    picture(page, "add-data", 1100)
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_text("Is it good enough?").wait_for()
    page.get_by_text("396 photos in 2 classes").wait_for()
    page.get_by_role("heading", name="How they are spread").wait_for()
    picture(page, "look-at-data", 1500)
    page.get_by_role("button", name="Choose a backbone").click()
    page.get_by_text("mobilenet_v2").first.wait_for()
    picture(page, "backbone")
    page.get_by_role("button", name="Use this").first.click()
    page.get_by_role("button", name="Start training").wait_for()
    page.get_by_text("starter:image").first.wait_for()
    picture(page, "design")
    page.get_by_role("button", name="Start training").dblclick()
    page.goto(f"{server.url}/report?run={trained(page, server)}")
    page.get_by_text("The test score is closed", exact=False).first.wait_for()
    assert page.get_by_text("153 test items").count() == 0
    picture(page, "report-closed", 1300)
    page.get_by_role("button", name="Open the test score").click()
    page.get_by_text("153 test items").wait_for()
    assert accuracy(page) >= 90
    picture(page, "report-photos", 2300)
    look_closer(page, picture)
    predict_a_photo(
        page, next((shared / "data" / "hymenoptera" / "val" / "bees").iterdir()), picture
    )
    page.goto(f"{server.url}/runs")
    page.get_by_text("All runs").first.wait_for()
    settings = Settings(home=str(server.home))
    runs = RunStore(open_database(settings), settings.user, settings.home_path).list(kind="train")
    assert [run.backbone for run in runs if run.dataset == "hymenoptera@1"] == [
        "starter:image"
    ]  # of a double click


def test_texts_from_a_zip_of_tables(page, server, shared, tmp_path):
    (tmp_path / "tables").mkdir()
    for name, rows in (("train", 800), ("test", 200)):
        first_rows(
            shared / "data" / "trec" / f"{name}.csv", tmp_path / "tables" / f"{name}.csv", rows
        )
    archive = shutil.make_archive(str(tmp_path / "trec"), "zip", tmp_path / "tables")
    page.goto(f"{server.url}/add-data")
    upload(page, Path(archive))
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_text("1,000 texts in 6 classes").wait_for()
    page.get_by_role("button", name="Choose a backbone").click()
    page.get_by_role("button", name="Use this").first.click()
    page.get_by_role("button", name="Start training").click()
    page.goto(f"{server.url}/report?run={trained(page, server)}")
    page.get_by_role("button", name="Open the test score").click()
    page.get_by_text("200 test items").wait_for()
    assert accuracy(page) >= 75
    page.get_by_role("button", name="Use it on new items").click()
    page.get_by_role("link", name="A whole file").click()
    page.get_by_text("The file", exact=True).wait_for()
    (tmp_path / "new.csv").write_text(
        "id,text\n1,Who wrote Hamlet ?\n2,\n3,How far is the moon ?\n"
    )
    settled(page)
    page.locator("input[type=file]").last.set_input_files(tmp_path / "new.csv")
    page.get_by_text("2 predicted, 1 could not be read").first.wait_for(
        timeout=120_000
    )  # page and toast
    assert downloaded(page, "Download the CSV").count(b"\n") == 4


@pytest.fixture
def slow_dataset(tmp_path):
    return write_pictures(tmp_path / "discs", each=150)


@pytest.fixture
def mortal(tmp_path_factory, slow_dataset, unpacked):
    """A server of its own, for a test that kills it."""
    home = tmp_path_factory.mktemp("killed") / "home"
    home.mkdir()
    (home / "starters").symlink_to(unpacked)
    own = Server(home, {"TL_DATA_DIRS": str(slow_dataset.parent)})
    yield own
    own.process.kill()
    own.process.wait()
    kill_all(own.home)


def test_killing_the_app_in_mid_run_loses_nothing(page, visits, mortal, slow_dataset):
    page.goto(f"{mortal.url}/add-data")
    page.get_by_text("This server", exact=True).click()
    page.get_by_role("textbox", name="Folder or file on this server").fill(str(slow_dataset))
    page.get_by_role("button", name="Look inside").click()
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_text("Is it good enough?").wait_for()
    page.goto(f"{mortal.url}/design?dataset=discs")
    page.get_by_text("More settings").click()
    page.get_by_role("spinbutton", name="Batch size").fill("1")
    page.get_by_role("spinbutton", name="Batch size").press("Enter")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("rows with the backbone").first.wait_for()
    address = page.url
    assert "run=" in address
    second = visits.new_page()
    second.goto(address)
    second.get_by_text("of the whole run").wait_for()
    mortal.process.kill()
    mortal.process.wait()
    second.close()
    workers = [
        p
        for p in of_home(mortal.home)
        if "tl_core.jobs.worker" in " ".join(p.cmdline()) and "--standby" not in p.cmdline()
    ]
    assert len(workers) == 1
    mortal.start()
    page.goto(address)
    page.get_by_text("How is it going?").wait_for()
    page.get_by_text("run " + address.split("run=")[1][:10]).wait_for()
    for worker in workers:
        if worker.is_running():
            worker.kill()
    page.get_by_text("The process that did the work has gone").or_(
        page.get_by_text("Read the report")
    ).wait_for(timeout=30_000)
    resume = page.get_by_role("button", name="Resume")
    resume.or_(page.get_by_role("button", name="Read the report")).first.wait_for()
    if resume.count():
        resume.click()
    page.get_by_text("Read the report").wait_for(timeout=240_000)


def test_wrong_files_get_a_sentence(page, server, tmp_path):
    for name, content, words in (
        ("letter.pdf", b"%PDF-1.4 nothing", "letter.pdf"),
        ("empty.csv", b"", "is empty"),
        ("broken.zip", b"PK nonsense", re.compile("cannot be read|not what its name says")),
        ("one.csv", b"text,label\na,x\nb,x\n", "only one class"),
    ):
        (tmp_path / name).write_bytes(content)
        page.goto(f"{server.url}/add-data")
        page.get_by_text("What are my examples?").wait_for()
        upload(page, tmp_path / name)
        again = page.get_by_role("button", name="Try another file").or_(
            page.get_by_role("button", name="Save as dataset")
        )
        again.or_(page.get_by_text(words)).first.wait_for()  # the field itself refuses some of them
        settled(page)
        if page.get_by_role("button", name="Save as dataset").count():
            page.get_by_role("button", name="Save as dataset").click()
        page.get_by_text(words).first.wait_for()


def test_the_app_process_never_imports_torch(page, server):
    page.goto(server.url)
    page.get_by_text("What can I teach it?").wait_for()
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "libtorch" not in maps
    assert "sklearn" not in maps
    assert psutil.Process(server.process.pid).memory_info().rss < 900 << 20
