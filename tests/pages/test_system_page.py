"""The System page: machine, queue, disk by kind, settings, and cleaning up."""

from __future__ import annotations

import json
import time

from tests_support.pages import everything, opened, press

from tl_core.config import RunConfig


def page():
    app = opened("pages/admin/system.py")
    assert not app.exception and not app.error
    return app


def test_machine_disk_and_settings_are_shown(record):
    app = page()
    assert {metric.label for metric in app.metric} >= {"Memory", "Running", "Waiting"}
    assert "Nothing runs or waits" in everything(app)
    disk, versions, settings = app.dataframe
    assert {"datasets", "features", "runs", "uploads", "database and logs"} <= set(
        disk.value["what"]
    )
    assert list(disk.value["share"]) == sorted(disk.value["share"], reverse=True)
    assert {"Graft Studio", "torch"} <= set(versions.value["what"])
    assert "sandbox" in everything(app)
    names = set(settings.value["setting"])
    assert {"TL_HOME", "TL_DATABASE_URL"} <= set(names)  # of a secret only that it is set


def test_the_queue_lists_what_waits_with_its_place(record, studio):
    for seed in (0, 1):
        studio.runs.create(
            RunConfig(
                "train",
                "local",
                record.reference,
                str(record.folder),
                studio.backbone,
                "probe",
                {"seed": seed},
            )
        )
    app = page()
    queue = app.dataframe[0].value
    assert list(queue["state"]) == ["place 1", "place 2"]
    assert next(one for one in app.metric if one.label == "Waiting").value == "2"


def test_what_lists_of_runs_leave_out_holds_a_slot_and_is_in_the_queue(record, studio):
    asked = RunConfig(
        "preflight",
        "local",
        record.reference,
        str(record.folder),
        studio.backbone,
        "probe",
    )
    studio.runs.create(asked)
    app = page()
    assert list(app.dataframe[0].value["kind"]) == ["estimate"]
    assert next(one for one in app.metric if one.label == "Waiting").value == "1"


def test_the_lines_begin_with_the_second_reading(record):
    app = page()
    assert len(app.session_state["readings"]) == 1
    app.run()
    assert len(app.session_state["readings"]) == 2 and not app.exception


def test_unused_caches_are_removed_on_request(record):
    assert "0 folders removed" in press(page(), "Clean up")


def test_the_store_is_told_as_it_was_last_seen(record, home, monkeypatch):
    monkeypatch.setenv("TL_STORE", "s3://bucket/prefix")
    monkeypatch.setenv("TL_STORE_CACHE_MB", "2000")
    assert "Nothing is known of it yet" in everything(page())
    folder = home / "store"
    folder.mkdir()
    collection = {"at": time.time() - 7200, "folders": 3, "pieces": 9, "bytes": 5_000_000}
    collection |= {"removed_folders": 1, "removed_pieces": 2, "removed_bytes": 1_000_000}
    state = {"at": time.time(), "kept_bytes": 3_000_000, "folders": 2, "collection": collection}
    told = {**state, "troubles": ["runs/a is damaged *here*."]}
    (folder / "state.json").write_text(json.dumps(told))
    app = page()
    table = next(one.value for one in app.dataframe if "value" in one.value.columns)
    assert {"in the store", "last collection"} <= set(table["what"])
    assert "5.0 MB" in set(table["value"])
    assert "is damaged" in everything(app) and "*here*" not in everything(app)
