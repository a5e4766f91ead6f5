"""Runs among many others: named by kind, shown by id, told apart."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from tests_support.pages import opened
from tests_support.run_options import options_of

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.database.tables import runs as table


@pytest.mark.parametrize("kind", RUN_KINDS)
def test_the_list_of_runs_names_every_kind(studio, mail, kind):
    earlier = studio.runs.create(RunConfig("train", "local", recipe="baseline"))
    config = RunConfig(
        kind,
        "local",
        mail.reference,
        str(mail.folder),
        recipe="" if RUN_KINDS[kind].spec else "baseline",
        options=options_of(kind, earlier.id),
    )
    run = studio.runs.create(config)
    app = opened("pages/evaluate/runs.py")
    app.selectbox(key="runs_kind").select("").run()
    assert not app.exception
    assert bool(app.dataframe) == RUN_KINDS[kind].listed
    for listed in (frame.value for frame in app.dataframe):
        line = listed[listed["run"] == run.id].iloc[0]
        assert line["kind"] == RUN_KINDS[kind].title
        assert list(line["state"]) == [f"waiting, place {run.place}"]
    app.selectbox(key="runs_kind").select(kind).run()
    assert not app.exception
    assert run.id in list(app.dataframe[0].value["run"])
    assert not opened("pages/train/live.py", run=run.id).exception


def test_a_run_that_is_older_than_many_others_is_still_the_one_that_is_shown(studio, mail):
    """Pages go by the id, however many runs came later; what cannot be shown is said, not replaced
    in silence.
    """
    old = studio.do(mail, baseline=False)
    with studio.engine.begin() as connection:
        row = dict(connection.execute(select(table).where(table.c.id == old.id)).first()._mapping)
        connection.execute(
            insert(table),
            [
                {**row, "id": f"{number:010x}", "created": row["created"] + number}
                for number in range(1, 260)
            ],
        )
    report = opened("pages/evaluate/report.py", run=old.id)
    assert old.id in report.query_params["run"] and not report.warning
    for page in ("pages/use/playground.py", "pages/use/bundle.py"):
        at = opened(page, run=old.id)
        assert (
            next(box for box in at.selectbox if box.label == "Model").value == old.id
            and not at.warning
        )
    gone = opened("pages/evaluate/report.py", run="aaaaaaaaaa")
    assert "There is no run aaaaaaaaaa any more" in gone.warning[0].value
    waiting = studio.runs.create(
        RunConfig("train", "local", mail.reference, str(mail.folder), studio.backbone, "probe")
    )
    warning = opened("pages/evaluate/report.py", run=waiting.id).warning[0].value
    assert f"Run {waiting.id} has no report: it is queued." in warning


def test_recent_runs_of_one_dataset_and_backbone_are_told_apart(studio, mail):
    for seed in (0, 7):
        studio.do(mail, baseline=False, seed=seed)
    shown = [
        text.value for text in opened("pages/home/home.py").markdown if mail.reference in text.value
    ]
    assert len(shown) == 2
    assert any("Probe · seed 7" in line for line in shown)
    table = opened("pages/evaluate/runs.py").dataframe[0].value
    assert sorted(table["strategy"]) == ["Probe", "Probe · seed 7"]
    assert len(set(table["run"])) == 2
