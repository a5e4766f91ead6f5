"""The file of a run is offered by its address on the server, of any size."""

from __future__ import annotations

from tests_support.pages import opened

from tl_core.config import RunConfig


def test_the_file_of_a_run_comes_from_the_server_itself(studio, mail):
    run = studio.runs.create(
        RunConfig("takeout", "local", mail.reference, options={"format": "csv"})
    )
    run = studio.runs.get(studio.finish(run, "light").id)
    name = str(run.summary["file"])
    [link] = opened("pages/train/live.py", run=run.id).get("link_button")
    assert link.proto.label.startswith(f"Download {name} (")
    assert link.proto.url == f"/api/runs/{run.id}/files/{name}"
    (run.folder / name).unlink()
    assert not opened("pages/train/live.py", run=run.id).get("link_button")
