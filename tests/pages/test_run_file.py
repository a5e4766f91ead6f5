"""The file of a run: a download, or where it lies."""

from __future__ import annotations

from tests_support.pages import everything, opened

from tl_core.config import RunConfig


def test_a_file_too_large_for_the_browser_is_named_with_its_place(studio, mail, monkeypatch):
    run = studio.runs.create(
        RunConfig("takeout", "local", mail.reference, options={"format": "csv"})
    )
    run = studio.runs.get(studio.finish(run, "light").id)
    app = opened("pages/train/live.py", run=run.id)
    assert app.get("download_button") and "too large" not in everything(app)
    monkeypatch.setenv("TL_UPLOAD_MB", "1")
    (run.folder / str(run.summary["file"])).write_bytes(bytes(2 << 20))
    assert "too large for the browser" in everything(opened("pages/train/live.py", run=run.id))
