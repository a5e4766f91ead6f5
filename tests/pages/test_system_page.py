"""The System page: machine, queue, disk by kind, settings, and cleaning up."""

from __future__ import annotations

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


def test_the_lines_begin_with_the_second_reading(record):
    app = page()
    assert len(app.session_state["readings"]) == 1
    app.run()
    assert len(app.session_state["readings"]) == 2 and not app.exception


def test_unused_caches_are_removed_on_request(record):
    assert "0 folders removed" in press(page(), "Clean up")
