"""`/api/v1/labelling` and `/proposals`: rows taken, answered, undone, chosen and made a version."""

from __future__ import annotations

import json

import pytest
from tests_support.datasets import write_texts
from tests_support.programs import error_of

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.labelling.rounds import Round, add_round
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.jobs.worker import carry_out
from tl_core.services.datasets import add_dataset

LABELLING = "/labelling/mail@1"


@pytest.fixture
def mail(ana, tmp_path):
    """A dataset of Ana's with rows without a class, four of which were chosen; and these."""
    lines = write_texts(tmp_path / "mail.csv", 60).read_text().splitlines()
    waiting = [line.rpartition(",")[0] + "," for line in lines[41:]]
    (tmp_path / "mail.csv").write_text("\n".join([*lines[:41], *waiting]) + "\n")
    source = str(tmp_path / "mail.csv")
    record, _, _ = add_dataset(ana.data, ana.server.settings, source, "mail", ImportOptions())
    rows = [42, 45, 50, 55]
    point = {"labels": 0, "drawn": 0, "strategy": "typical", "score": None, "gain": None}
    add_round(record.folder, Round(rows, ["typical"] * 3 + ["random"], 1, 0, point))
    return record, rows


def said(*labels, **options):
    return {"labels": [{"row": row, "label": label} for row, label in labels], **options}


def test_rows_are_taken_answered_and_undone(ana, mail):
    record, rows = mail
    program = ana.program()
    found = program.post(f"{LABELLING}/take", json={"count": 3}).json()
    assert [(one["row"], one["why"]) for one in found["rows"]] == [
        (row, "typical") for row in rows[:3]
    ]
    assert found["rows"][0]["item"]
    body = said((rows[0], "good"), (rows[1], "bad"))
    shown = program.post(f"{LABELLING}/answers", json=body).json()
    assert shown["labels"] == {str(rows[0]): "good", str(rows[1]): "bad"}
    assert shown["without_class"] == 20 and shown == program.get(LABELLING).json()
    skipped = program.post(f"{LABELLING}/answers", json=said((rows[2], ""), action="skip")).json()
    assert skipped["passed"] == [rows[2]]
    undone = program.post(f"{LABELLING}/undo").json()
    assert undone["undone"] == [rows[2]] and undone["passed"] == []
    assert program.post(f"{LABELLING}/undo").json()["undone"] == rows[:2]  # together
    assert decisions(record.folder) == {}
    assert program.post(f"{LABELLING}/undo").json()["undone"] == []


def test_two_people_share_a_queue_and_one_has_the_last_word(ana, ben, mail):
    record, rows = mail
    ana.sharing.share("project", "mail", "ben", "editor")
    there, here = ben.program(), ana.program()
    [first] = here.post(f"{LABELLING}/take", json={}).json()["rows"]
    [second] = there.post("/labelling/ana/mail@1/take", json={}).json()["rows"]
    assert first["row"] != second["row"]  # nobody is shown what somebody else has before them
    here.post(f"{LABELLING}/answers", json=said((rows[0], "good")))
    there.post("/labelling/ana/mail@1/answers", json=said((rows[0], "bad")))
    [dispute] = here.get(LABELLING).json()["disputes"]
    assert dispute == {"row": rows[0], "said": {"ana": "good", "ben": "bad"}}
    body = said((rows[0], "bad"), action="settle")
    settled = here.post(f"{LABELLING}/answers", json=body).json()
    assert settled["disputes"] == [] and settled["labels"] == {str(rows[0]): "bad"}
    assert settled["agreement"]["pairs"][0]["items"] == 1
    assert decisions(record.folder) == {rows[0]: Decision("relabel", "bad")}


def test_whoever_may_only_look_answers_nothing(ana, ben, mail):
    record, rows = mail
    ana.sharing.share("project", "mail", "ben", "viewer")
    program = ben.program()
    place = "/labelling/ana/mail@1"
    assert program.get(place).status_code == 200
    for path, body in (
        (f"{place}/take", {}),
        (f"{place}/answers", said((rows[0], "good"))),
        (f"{place}/undo", None),
        (f"{place}/version", None),
    ):
        assert program.post(path, json=body).status_code == 403, path
    assert decisions(record.folder) == {}
    stranger = ana.server.member("cleo").program()
    assert stranger.get(place).status_code == 404
    assert stranger.post(f"{place}/answers", json=said((rows[0], "good"))).status_code == 404
    reading = ana.program("datasets:read")
    assert reading.get(LABELLING).status_code == 200
    assert reading.post(f"{LABELLING}/take", json={}).status_code == 403


WRONG = [
    ({"action": "skip", "labels": [{"row": 42}, {"row": 999}]}, 422, "no row 999"),
    (said((42, "good"), (45, "excellent"), action="settle"), 422, "excellent"),
    (said((42, "good"), (42, "bad")), 422, "named twice"),
    (said((42, "good"), action="settle", new=True), 422, "label alone"),
    (said((42, "x" * 4001)), 422, "4000"),
    (said((42, "excellent")), 422, "no class 'excellent'"),
    (said((60, "good")), 422, "no row 60"),
    (said((42, " Good"), new=True), 422, "already"),
    (said((42, "good"), action="guess"), 422, "action"),
    (said((-1, "good")), 422, "row"),
    ({"labels": []}, 422, "labels"),
    ({"labels": [{"row": 42, "label": "good", "why": "x"}]}, 422, "why"),
]


@pytest.mark.parametrize(("body", "status", "words"), WRONG, ids=[case[2] for case in WRONG])
def test_wrong_answers_are_refused_whole(ana, mail, body, status, words):
    record, _ = mail
    answer = ana.program().post(f"{LABELLING}/answers", json=body)
    assert words in str(error_of(answer, status))
    assert decisions(record.folder) == {} == ana.program().get(LABELLING).json()["labels"]
    assert ana.program().get(LABELLING).json()["passed"] == []


def test_a_new_class_is_one_when_it_is_said(ana, mail):
    _, rows = mail
    body = said((rows[0], "so-so"), new=True)
    shown = ana.program().post(f"{LABELLING}/answers", json=body).json()
    assert shown["labels"] == {str(rows[0]): "so-so"}


def test_what_comes_next_is_chosen_by_a_run_and_read(ana, mail, tiny, monkeypatch):
    record, _ = mail
    program = ana.program()
    assert "Nothing has been chosen" in str(error_of(program.get("/proposals/mail@1"), 409))
    wishes = {"strategy": "margin", "batch": 8}
    started = program.post("/proposals/mail@1", json=wishes)
    assert started.status_code == 202 and started.json()["kind"] == "propose"
    run = ana.runs.get(started.json()["run_id"])
    config = RunConfig.read(run.folder)
    assert (config.owner, config.backbone) == (ana.who.id, "starter:text")
    assert config.options["strategy"] == "margin"
    RunConfig(**{**vars(config), "backbone": f"local:{tiny('bert')}"}).write(run.folder)
    ana.server.writer.claim_next("light")
    assert carry_out(run.folder, ana.server.settings) == 0
    found = program.get("/proposals/mail@1").json()
    assert (found["run"], len(found["rows"])) == (run.id, 8)
    assert found["population"] == 20 and found["curve"]
    assert program.get("/proposals/mail@1", params={"run": run.id}).json() == found
    other = program.get("/proposals/mail@1", params={"run": "0123456789"})
    assert "Nothing has been chosen" in str(error_of(other, 409))


@pytest.mark.parametrize(
    "wishes",
    [
        {"strategy": "luck"},
        {"strategy": "class"},
        {"wanted": "good"},
        {"batch": 0},
        {"random_share": 0.9},
        {"backbone": "nonsense"},
        {"backbone": "local:/etc"},
        {"skip": [1]},
    ],
    ids=str,
)
def test_a_choice_that_cannot_be_is_refused_before_it_waits(ana, mail, wishes):
    answer = ana.program().post("/proposals/mail@1", json=wishes)
    assert answer.status_code == 422, answer.text
    assert ana.runs.list(kind="propose") == []


def test_an_item_may_have_many_labels_with_long_names(ana, tmp_path):
    names = [f"a class with a rather long name, number {n}" for n in range(9)]
    lines = ["text,label", *(f'text {n},"{names[n % 9]}; {names[n % 7]}"' for n in range(36))]
    (tmp_path / "many.csv").write_text("\n".join([*lines, *(f"new {n}," for n in range(4))]) + "\n")
    options = ImportOptions(task="multi_label", label_separator=";")
    source = str(tmp_path / "many.csv")
    record, _, _ = add_dataset(ana.data, ana.server.settings, source, "many", options)
    row = int(DatasetVersion(record.folder).rows_of("unlabelled")[0])
    cell = json.dumps(sorted(names))
    assert len(cell) > 255
    shown = ana.program().post("/labelling/many/answers", json=said((row, cell))).json()
    assert shown["labels"] == {str(row): cell}


def test_labels_become_the_next_version(ana, mail):
    _, rows = mail
    program = ana.program()
    program.post(f"{LABELLING}/answers", json=said((rows[0], "good"), (rows[1], "bad")))
    started = program.post(f"{LABELLING}/version")
    assert started.status_code == 202 and started.json()["kind"] == "fix"
    run = ana.runs.get(started.json()["run_id"])
    ana.server.writer.claim_next("light")
    assert carry_out(run.folder, ana.server.settings) == 0
    assert program.get(f"/runs/{run.id}").json()["summary"]["dataset"] == "mail@2"
    assert program.get("/labelling/mail").json()["without_class"] == 18
