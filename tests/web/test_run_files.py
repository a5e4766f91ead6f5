"""Files of runs: whole or in part to those who may look, and nothing else of the folder."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tl_core.access.principal import Principal
from tl_core.access.sharing import Sharing
from tl_core.config import RunConfig
from tl_core.database.tables import runs, users
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.web.run_files import RunFiles, address_of

ANA, BEN = Principal("ana", handle="ana"), Principal("ben", handle="ben")
FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2, "fingerprint": "a"}


@pytest.fixture
def run(engine, home):
    data = DatasetStore(engine, ANA, home)
    data.add("d", data.new_folder(), FACTS)
    made = RunStore(engine, ANA, home).create(
        RunConfig("train", "ana", "d@1", "", "starter:text", "probe")
    )
    (made.folder / "report.json").write_text(json.dumps({"predictions": "predictions.csv"}))
    (made.folder / "predictions.csv").write_bytes(b"0123456789")
    (made.folder / "worker.log").write_text("secret")
    (made.folder / "sealed").mkdir()
    (made.folder / "sealed" / "predictions.csv").write_text("secret")
    (home / "graft.txt").write_text("secret")
    with engine.begin() as connection:
        for one in (ANA, BEN):
            connection.execute(
                users.insert().values(
                    id=one.id,
                    issuer="i",
                    subject=one.id,
                    handle=one.id,
                    name=one.id,
                    role="member",
                    created=0,
                    seen=0,
                )
            )
    return made


@pytest.fixture
def ask(engine, settings):
    """`ask(who, address)`: the answer, past the gate."""
    inner = Starlette(routes=RunFiles(settings, engine).routes())

    def asked(who, address, **headers):
        async def app(scope, receive, send):
            if scope["type"] == "http":
                scope.setdefault("state", {})["principal"] = who
            await inner(scope, receive, send)

        return TestClient(app).get(address, headers=headers)

    return asked


def test_the_owner_gets_a_file_whole_and_in_part(run, ask):
    address = address_of(run, f"predictions-{run.id}.csv")
    whole = ask(ANA, address)
    assert whole.content == b"0123456789"
    assert "attachment" in whole.headers["content-disposition"]
    assert ask(ANA, address, range="bytes=4-6").content == b"456"


def test_others_get_it_while_it_is_shared(run, ask, engine):
    address = address_of(run, f"predictions-{run.id}.csv")
    assert ask(BEN, address).status_code == 404
    Sharing(engine, ANA).share("run", run.id, "ben", "viewer")
    assert ask(BEN, address).status_code == 200
    Sharing(engine, ANA).unshare("run", run.id, "ben")
    assert ask(BEN, address).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "worker.log",
        "config.json",
        "report.json",
        "sealed/predictions.csv",
        "sealed%2Fpredictions.csv",
        "..%2F..%2Fgraft.txt",
        "../../graft.txt",
        "%2e%2e%2fconfig.json",
        "predictions.csv%00.json",
        "",
    ],
)
def test_nothing_else_of_the_folder_is_given(run, ask, name):
    assert ask(ANA, f"/api/runs/{run.id}/files/{name}").status_code == 404


@pytest.mark.parametrize(
    "file", ["../../graft.txt", "/etc/passwd", "worker.log/../../../graft.txt"]
)
def test_a_summary_leads_nowhere_outside(run, ask, engine, file):
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == run.id).values(summary={"file": file}))
    name = file.rpartition("/")[2]
    assert ask(ANA, f"/api/runs/{run.id}/files/{name}").status_code == 404


def test_a_deleted_run_gives_nothing(run, ask, engine, home):
    RunStore(engine, ANA, home).cancel(run.id)
    RunStore(engine, ANA, home).delete([run.id])
    assert ask(ANA, address_of(run, f"predictions-{run.id}.csv")).status_code == 404
