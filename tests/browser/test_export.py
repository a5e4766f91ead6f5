"""Taking a model away: exported from the page, downloaded, verified and used by the command
line.
"""

from __future__ import annotations

import zipfile

import pytest
from tests_support.datasets import write_texts
from tests_support.processes import of_home
from tests_support.studio import add_from_server, downloaded, trained, upload

from tl_core.cli.main import main

pytestmark = pytest.mark.browser


def test_a_bundle_is_made_downloaded_verified_and_predicts_a_file(
    page, server, tmp_path, picture, capsys
):
    source = write_texts(server.home.parent / "notes.csv", 80)
    add_from_server(page, server.url, source)
    page.goto(f"{server.url}/design?dataset=notes")
    page.get_by_role("heading", name="Design").wait_for()
    page.locator("label").filter(has_text="Keep the test score closed").click()
    page.get_by_role("button", name="Start training").click()
    run = trained(page, server)

    page.goto(f"{server.url}/export?run={run}")
    page.locator("label").filter(has_text="ONNX").click()
    page.get_by_role("button", name="Make the bundle").click()
    page.get_by_text("the bundle predicts the same as the model").wait_for(timeout=240_000)
    page.get_by_text("golden examples, ONNX Runtime").first.wait_for(state="attached")
    picture(page, "export", height=1400)
    (tmp_path / "bundle.zip").write_bytes(downloaded(page, "Download the zip"))
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path)
    folder = next(tmp_path.glob("notes-*"))
    assert main(["verify", str(folder)]) == 0

    rows = write_texts(tmp_path / "hundreds.csv", 300)
    assert main(["predict", str(folder), str(rows), "-o", str(tmp_path / "answers.csv")]) == 0
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 301
    (folder / "config.json").write_text(
        (folder / "config.json").read_text().replace("good", "fine")
    )
    assert main(["verify", str(folder)]) == 1 and "label order" in capsys.readouterr().out

    page.goto(f"{server.url}/batch?run={run}")
    upload(page, rows)
    page.get_by_role("link", name="Download the CSV").wait_for(timeout=120_000)
    assert len(downloaded(page, "Download the CSV").decode().splitlines()) == 301

    page.get_by_role("button", name="Another file").click()
    upload(page, write_texts(tmp_path / "many.csv", 2500))
    page.get_by_text("a second").wait_for(timeout=120_000)
    next(
        one for one in of_home(server.home) if f"{server.home}/runs/" in " ".join(one.cmdline())
    ).kill()
    page.get_by_role("button", name="Resume").click(timeout=60_000)
    page.get_by_text("2,500 predicted, 0 could not be read").first.wait_for(timeout=120_000)
