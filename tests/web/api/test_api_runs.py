"""`/api/v1/runs`: started, listed in parts, followed, ended, resumed, deleted."""

from __future__ import annotations

import json

from tests_support.programs import error_of

from tl_core.config import RunConfig
from tl_core.database.tables import quotas, runs
from tl_core.jobs.events import RunView

BASELINE = {"dataset": "tickets", "recipe": "baseline"}
PROBE = {"dataset": "tickets", "recipe": "probe", "backbone": "starter:text"}


def test_a_training_is_started_as_train_would(ana, tickets):
    body = {**PROBE, "settings": {"max_length": 24}, "sealed": True}
    answer = ana.program().post("/runs", json=body)
    assert answer.status_code == 201, answer.text
    run = answer.json()
    assert (run["status"], run["place"], run["dataset"]) == ("queued", 1, "tickets@1")
    assert (run["settings"], run["sealed"]) == ({"max_length": 24}, True)
    stored = RunConfig.read(ana.runs.get(run["run_id"]).folder)
    assert stored == RunConfig(
        "train",
        ana.who.id,
        "tickets@1",
        str(tickets.folder),
        "starter:text",
        "probe",
        {"max_length": 24},
        True,
    )


def test_an_estimate_is_a_run_of_its_kind(ana, tickets):
    program = ana.program()
    run = program.post("/runs", json={**PROBE, "kind": "preflight"}).json()
    assert run["kind"] == "preflight"
    assert program.get("/runs").json()["runs"] == []
    assert len(program.get("/runs", params={"kind": "preflight"}).json()["runs"]) == 1


WRONG = [
    ({**PROBE, "recipe": "porbe"}, 404, "probe"),
    ({**PROBE, "backbone": ""}, 422, "needs a backbone"),
    ({**PROBE, "backbone": "nonsense"}, 422, "names no backbone"),
    ({**PROBE, "backbone": "run:0123456789"}, 404, "There is no run"),
    ({**PROBE, "backbone": "local:/srv/models/x"}, 422, "Folders of this server"),
    ({**PROBE, "backbone": "static:../../x"}, 422, "Folders of this server"),
    ({**PROBE, "settings": {"max_lenght": 3}}, 422, "max_length"),
    ({**PROBE, "settings": {"max_length": "long"}}, 422, "must be of type int"),
    ({**PROBE, "dataset": "no"}, 404, "There is no dataset"),
    ({**PROBE, "dataset": "tickets@2"}, 404, "There is no dataset"),
    ({**PROBE, "dataset_dir": "/etc"}, 422, "dataset_dir"),
    ({**PROBE, "owner": "ben"}, 422, "owner"),
    ({**PROBE, "kind": "import"}, 422, "kind"),
    ({**PROBE, "kind": "predict", "settings": {"source": "/etc/passwd"}}, 422, "kind"),
    ({**PROBE, "sealed": "yes"}, 422, "sealed"),
    ({**PROBE, "settings": {"continue_from": "a\0"}}, 422, "NUL"),
    ({"recipe": "finetune", **PROBE, "settings": []}, 422, "settings"),
    ([], 422, ""),
    ("text", 422, ""),
]


def test_what_could_not_work_is_refused_before_it_waits(ana, tickets):
    program = ana.program()
    for body, status, words in WRONG:
        error = error_of(program.post("/runs", json=body), status)
        assert words in " ".join(map(str, error.values())), (body, error)
    assert ana.runs.list() == []
    answer = program.post("/runs", content=b"{,", headers={"content-type": "application/json"})
    assert error_of(answer, 400)["what"] == "The body is no JSON."


def test_a_dataset_without_enough_rows_is_not_trained_on(ana, tmp_path):
    (tmp_path / "small.csv").write_text("text,label\na,x\nb,y\n")
    ana.add(tmp_path, "tiny", rows=2)
    error = error_of(ana.program().post("/runs", json={**PROBE, "dataset": "tiny"}), 422)
    assert error["code"] == "data"


def test_the_same_key_starts_one_run(ana, ben, tickets, tmp_path):
    program = ana.program()
    first, second = (
        program.post("/runs", json=PROBE, headers={"idempotency-key": "once"}).json()["run_id"]
        for _ in range(2)
    )
    other = program.post("/runs", json=PROBE, headers={"idempotency-key": "twice"}).json()["run_id"]
    assert first == second != other
    ben.add(tmp_path)
    theirs = ben.program().post("/runs", json=PROBE, headers={"idempotency-key": "once"}).json()
    assert theirs["run_id"] not in (first, other)
    long = program.post("/runs", json=PROBE, headers={"idempotency-key": "x" * 61})
    assert error_of(long, 422)["code"] == "request"


def test_a_quota_is_told(server, ana, tickets):
    with server.engine.begin() as connection:
        connection.execute(
            quotas.insert().values(
                owner=ana.who.id, name="queued", value=1, set_by="root", set_at=0
            )
        )
    program = ana.program()
    assert program.post("/runs", json=PROBE).status_code == 201
    assert error_of(program.post("/runs", json=PROBE), 403)["code"] == "quota"


def listed(program, **asked):
    """All runs of a list, taken part by part, and how many parts there were."""
    found, cursor, parts = [], "", 0
    while True:
        answer = program.get("/runs", params={**asked, "cursor": cursor}).json()
        found += [one["run_id"] for one in answer["runs"]]
        parts, cursor = parts + 1, answer["next"]
        if not cursor:
            return found, parts


def test_the_list_comes_in_parts_and_loses_nothing(server, ana, tickets, tmp_path):
    made = [ana.queue(tickets).id for _ in range(7)]
    with server.engine.begin() as connection:  # all at the same time: ids decide
        connection.execute(runs.update().values(created=1700000000.123456))
    program = ana.program()
    for limit, parts in ((1, 7), (3, 3), (7, 1), (200, 1)):
        found, count = listed(program, limit=limit)
        assert found == sorted(made, reverse=True) and count == parts
    other = ana.add(tmp_path, "mail")
    run = ana.queue(other)
    ana.runs.cancel(run.id)
    assert listed(program, dataset="mail") == ([run.id], 1)
    assert listed(program, dataset="mail@2") == ([], 1)
    assert listed(program, status="cancelled") == ([run.id], 1)
    assert len(listed(program, kind="train", status="queued", limit=2)[0]) == 7
    for wrong in (
        {"cursor": "nan x"},
        {"cursor": "x"},
        {"limit": 0},
        {"limit": 201},
        {"kind": "x"},
    ):
        assert error_of(program.get("/runs", params=wrong), 422)["what"]


def test_a_run_is_ended_resumed_and_deleted(server, ana, tickets):
    program, run = ana.program(), ana.queue(tickets, recipe="finetune")
    assert error_of(program.post(f"/runs/{run.id}/stop"), 409)["why"] == "It is queued."
    assert error_of(program.delete(f"/runs/{run.id}"), 409)["try_this"] == "Cancel it first."
    server.writer.claim_next("train")
    assert program.post(f"/runs/{run.id}/stop").json()["stop_requested"]
    assert program.post(f"/runs/{run.id}/cancel").json()["cancel_requested"]
    server.writer.finish(run.id, "cancelled")
    assert error_of(program.post(f"/runs/{run.id}/cancel"), 409)["code"] == "state"
    assert program.post(f"/runs/{run.id}/resume").json()["status"] == "queued"
    assert program.post(f"/runs/{run.id}/cancel").json()["status"] == "cancelled"
    assert program.delete(f"/runs/{run.id}").json() == {"deleted": run.id}
    assert program.get(f"/runs/{run.id}").status_code == 404
    assert program.post(f"/runs/{run.id}/restore").json()["run_id"] == run.id


def test_starting_and_resuming_see_to_it_that_somebody_works(ana, tickets, monkeypatch):
    called = []
    monkeypatch.setattr("tl_core.jobs.dispatch.ensure_dispatcher", called.append)
    program = ana.program()
    run = program.post("/runs", json=BASELINE).json()["run_id"]
    program.post(f"/runs/{run}/cancel")
    program.post(f"/runs/{run}/resume")
    assert len(called) == 2


def test_events_are_followed_from_where_one_was(ana, tickets):
    program, run = ana.program(), ana.queue(tickets)
    path = f"/runs/{run.id}/events"
    assert program.get(path).json() == {"events": [], "next": 0}
    events = run.folder / "events.jsonl"
    stage = {"t": 1.0, "type": "stage", "name": "Reading", "total": 10}
    events.write_text(json.dumps(stage) + "\n" + '{"t": 2.0, "type": "ba')
    first = program.get(path).json()
    assert first["events"] == [stage] and first["next"] == len(json.dumps(stage)) + 1
    with events.open("a") as handle:
        handle.write('tch", "done": 5, "total": 10}\n{"t": 3, "type": "log", "text": NaN}\n')
    second = program.get(path, params={"from": first["next"]}).json()
    assert [one["type"] for one in second["events"]] == ["batch", "log"]
    assert second["events"][1]["text"] is None  # JSON has no NaN
    view = RunView()
    for event in (*first["events"], second["events"][0]):
        view.add(event)
    assert (view.stage, view.done, view.total) == ("Reading", 5, 10)
    assert program.get(path, params={"from": second["next"]}).json()["events"] == []
    assert program.get(path, params={"from": 1 << 40}).json()["events"] == []
    for wrong in (-1, "x", 1 << 50):
        assert program.get(path, params={"from": wrong}).status_code == 422


def test_a_long_story_comes_in_pieces(ana, tickets):
    program, run = ana.program(), ana.queue(tickets)
    line = json.dumps({"t": 1.0, "type": "log", "text": "x" * 1000}) + "\n"
    (run.folder / "events.jsonl").write_text(line * 2500)
    start, count, answers = 0, 0, 0
    while True:
        answer = program.get(f"/runs/{run.id}/events", params={"from": start}).json()
        if not answer["events"]:
            break
        start, count, answers = answer["next"], count + len(answer["events"]), answers + 1
    assert (count, answers, start) == (2500, 3, 2500 * len(line))


def test_what_a_run_was_told_about_folders_stays_inside(server, ana, tickets):
    """Options of an import or a prediction name places on the server."""
    program = ana.program()
    source = program.post("/datasets", json={"source": "sample:digits", "name": "d"}).json()
    shown = program.get(f"/runs/{source['run_id']}")
    assert shown.json()["settings"] == {}
    run = ana.finished(tickets)
    for path in ("", "/events", "/report", "/files"):
        text = program.get(f"/runs/{run.id}{path}").text
        assert str(server.settings.home_path) not in text
        assert "/srv/" not in text


def test_lists_and_reports_hold_no_nan(ana, tickets):
    run = ana.finished(tickets)
    program = ana.program()
    assert program.get(f"/runs/{run.id}").json()["summary"] == {"accuracy": None}
    report = program.get(f"/runs/{run.id}/report").json()
    assert report["test"]["accuracy"] == {"value": 0.9, "low": None, "high": 1.0}
