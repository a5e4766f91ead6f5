"""Reports and files of runs, bundles, and files to be predicted by `/api/v1`."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from sqlalchemy import update
from tests_support.datasets import write_texts
from tests_support.programs import error_of

from tl_core import test_score as closing
from tl_core.config import RunConfig
from tl_core.database.tables import runs


def names(program, run):
    return [one["name"] for one in program.get(f"/runs/{run.id}/files").json()["files"]]


def take(program, run, name, **headers):
    return program.get(f"/runs/{run.id}/files/{name}", headers=headers)


def test_the_files_of_a_training(ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    expected = [
        f"report-{run.id}.json",
        f"predictions-{run.id}.csv",
        f"report-{run.id}.html",
        f"model-{run.id}.zip",
    ]
    assert names(program, run) == expected
    whole = take(program, run, expected[1])
    assert whole.content == b"0123456789"
    assert whole.headers["content-disposition"] == f'attachment; filename="{expected[1]}"'
    assert whole.headers["content-type"].startswith("text/csv")
    part = take(program, run, expected[1], range="bytes=4-6")
    assert (part.status_code, part.content) == (206, b"456")
    assert part.headers["content-range"] == "bytes 4-6/10"
    assert take(program, run, expected[1], range="bytes=20-").status_code == 416


def test_the_model_is_zipped_while_it_is_sent(ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    before = sorted(path.name for path in run.folder.iterdir())
    answer = take(program, run, f"model-{run.id}.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["config.json", "model.safetensors"]
        assert archive.read("model.safetensors") == b"weights" * 1000
        assert json.loads(archive.read("config.json")) == {"model_type": "bert"}  # no folder
    assert sorted(path.name for path in run.folder.iterdir()) == before


def test_the_page_of_a_report(ana, tickets, exported):
    folder, _ = exported.run("bert")
    report = json.loads((folder / "report.json").read_text())
    run = ana.finished(tickets, model=folder / "model", report=report)
    answer = take(ana.program(), run, f"report-{run.id}.html")
    assert answer.headers["content-type"].startswith("text/html")
    assert "attachment" in answer.headers["content-disposition"]
    assert report["headline"] in answer.text


TRICKS = (
    *("worker.log", "config.json", "events.jsonl", "report.json", "predictions.csv"),
    *("sealed/predictions.csv", "sealed%2Fpredictions.csv", "sealed%2freport.json"),
    *("..%2F..%2Fgraft.db", "%2e%2e%2fconfig.json", "%2Fetc%2Fpasswd", "model%2Fconfig.json"),
    *("predictions.csv%00.json", "", ".", "..", "%5C..%5Cgraft.db", "~", "*", "export.json"),
)


def test_nothing_else_of_the_folder_is_given(server, ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    (run.folder / "sealed").mkdir()
    (run.folder / "sealed" / "predictions.csv").write_text("secret")
    for name in TRICKS:
        answer = take(program, run, name)
        plain = answer.status_code == 200 and name in ("", ".", "..")  # what the client made of it
        assert plain or answer.status_code in (307, 400, 404), (name, answer.status_code)
        assert "secret" not in answer.text
    for file in ("../../graft.db", "/etc/passwd", "worker.log/../worker.log"):
        with server.engine.begin() as connection:
            connection.execute(
                update(runs).where(runs.c.id == run.id).values(summary={"file": file})
            )
        assert file.rpartition("/")[2] not in names(program, run) or "worker" in file
        assert take(program, run, "graft.db").status_code == 404


def test_a_closed_test_score_stays_closed(ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    report = json.loads((run.folder / "report.json").read_text())
    section = {"n": 4, "accuracy": {"value": 0.8, "low": 0.7, "high": 0.9}}
    secret = {"n": 3, "accuracy": {"value": 0.12321, "low": 0.1, "high": 0.2}}
    report |= {"validation": section, "test": secret, "data": {"fingerprint": "f"}}
    (run.folder / "validation.csv").write_text("val")
    closed = closing.seal(run.folder, report)
    (run.folder / "report.json").write_text(json.dumps(closed))
    assert program.get(f"/runs/{run.id}/report").json()["test"] is None
    assert take(program, run, f"predictions-{run.id}.csv").text == "val"
    for name in names(program, run):
        if name.endswith(".html"):
            continue  # made of the same report, which is too small here
        assert b"12321" not in take(program, run, name).content, name
    for path in ("", "/report", "/events"):
        assert "12321" not in program.get(f"/runs/{run.id}{path}").text
    assert closing.is_sealed(run.folder)


def test_a_run_without_a_report_says_so(ana, tickets):
    run, program = ana.queue(tickets), ana.program()
    assert error_of(program.get(f"/runs/{run.id}/report"), 409)["why"] == "It is queued."
    assert names(program, run) == []
    assert error_of(program.post(f"/runs/{run.id}/bundle", json={}), 409)["code"] == "state"


def test_a_bundle_is_asked_for_as_the_page_does(server, ana, tickets):
    run, program = ana.finished(tickets), ana.program()
    answer = program.post(f"/runs/{run.id}/bundle", json={"int8": True})
    assert answer.status_code == 202, answer.text
    job = ana.runs.get(answer.json()["run_id"])
    config = RunConfig.read(job.folder)
    assert (job.kind, job.parent, job.dataset) == ("export", run.id, "tickets@1")
    assert config.dataset_dir == str(tickets.folder)
    assert config.options == {
        "run": run.id,
        "name": f"tickets-{run.id}",
        "wishes": {"onnx": True, "int8": True, "examples": False},
    }
    (job.folder / "tickets.zip").write_bytes(b"zip")
    (job.folder / "export.json").write_text("{}")
    server.writer.claim_next("light")
    server.writer.finish(job.id, "done", summary={"file": "tickets.zip"})
    assert names(program, job) == ["tickets.zip", "export.json"]
    assert take(program, job, "tickets.zip").content == b"zip"
    wrong = program.post(f"/runs/{run.id}/bundle", json={"name": "../x"})
    assert error_of(wrong, 422)["code"] == "request"


def test_a_file_is_predicted_by_a_run(server, ana, tickets, tmp_path):
    run, program = ana.finished(tickets), ana.program()
    source = write_texts(tmp_path / "new.csv")
    path = f"/runs/{run.id}/predictions"
    with source.open("rb") as handle:
        answer = program.post(
            path, data={"format": "parquet", "processes": "3"}, files={"file": ("new.csv", handle)}
        )
    assert answer.status_code == 202, answer.text
    job = ana.runs.get(answer.json()["run_id"])
    options = RunConfig.read(job.folder).options
    stored = options.pop("source")
    assert options == {
        "run": run.id,
        "format": "parquet",
        "spreadsheet": False,
        "text_column": "",
        "title_column": "",
        "processes": 3,
    }
    assert stored.startswith(str(server.settings.home_path / "uploads"))
    assert Path(stored).read_text() == source.read_text()
    rows = program.post(path, json={"unlabelled": "tickets"})
    options = RunConfig.read(ana.runs.get(rows.json()["run_id"]).folder).options
    assert (options["prepared"], options.get("source", "")) == (True, "")
    for wrong in ({"source": "/etc/passwd"}, {"unlabelled": "no"}, {"unlabelled": "../x"}, {}):
        assert program.post(path, json=wrong).status_code in (404, 422), wrong
    form = {"files": {"file": ("x.csv", b"")}}
    assert error_of(program.post(path, **form), 422)["what"] == "The file is empty."
    secret = {"data": {"source": "/etc/passwd"}, "files": {"file": ("x.csv", b"text\na\n")}}
    assert error_of(program.post(path, **secret), 422)["code"] == "request"
    assert len(list((server.settings.home_path / "uploads").iterdir())) == 1
