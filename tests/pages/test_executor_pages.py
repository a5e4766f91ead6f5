"""What pages tell of where a run is carried out."""

from __future__ import annotations

from sqlalchemy import update
from tests_support.pages import everything, opened

from tl_core.config import RunConfig
from tl_core.database.tables import runs


def placed(studio, record, **values):
    """A training that Slurm has in its queue, changed by `values`."""
    options = (record.reference, str(record.folder), studio.backbone, "probe", {})
    run = studio.runs.create(RunConfig("train", "local", *options))
    found = {"status": "running", "executor": "slurm", "job": f"{run.id}-ab", **values}
    with studio.engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run.id).values(**found))
    return run


def test_system_says_where_trainings_go_and_what_stands_in_the_way(record, monkeypatch):
    assert "Trainings go to **this machine**" in everything(opened("pages/admin/system.py"))
    monkeypatch.setenv("TL_EXECUTOR", "ssh")
    text = everything(opened("pages/admin/system.py"))
    assert "cannot take them now" in text and r"TL\_SSH\_HOST" in text


def test_an_executor_of_no_known_name_leaves_the_page_whole(record, monkeypatch):
    monkeypatch.setenv("TL_EXECUTOR", "slrum")
    app = opened("pages/admin/system.py")
    text = everything(app)
    assert "Trainings cannot start" in text and "Did you mean slurm?" in text
    disk, versions, settings = app.dataframe
    assert "datasets" in set(disk.value["what"]) and "TL_EXECUTOR" in set(settings.value["setting"])
    assert not app.error and len(versions.value)


def test_what_waits_in_slurm_is_said_to_wait_there(record, studio):
    run = placed(studio, record)
    app = opened("pages/admin/system.py")
    assert list(app.dataframe[0].value["state"]) == ["waiting in Slurm"]
    assert next(one for one in app.metric if one.label == "Waiting").value == "1"
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception and not app.error
    assert "Waiting in Slurm" in everything(app)


def test_what_runs_elsewhere_says_where(record, studio):
    run = placed(studio, record, host="node7", pid=7)
    text = everything(opened("pages/train/live.py", run=run.id))
    assert "Slurm on node7" in text and "Waiting in" not in text
