"""The command line against a server: the real API by real HTTP, with what commands print and their
exit codes as on this machine.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from contextlib import suppress

import pytest
from tests_support.datasets import write_pictures, write_texts

from tl_core.cli import following
from tl_core.cli.main import main
from tl_core.cli.remote import server_workplace
from tl_core.cli.remote.packing import as_file, unpack_bundle
from tl_core.config import RunConfig
from tl_core.errors import DataError, StateError

VOLATILE = {"run_id", "run", "created", "started", "finished", "timing", "fingerprint"}


def plain(content):
    """Without what differs from one time to the next."""
    if isinstance(content, dict):
        return {key: plain(one) for key, one in content.items() if key not in VOLATILE}
    return [plain(one) for one in content] if isinstance(content, list) else content


def locally(monkeypatch, tmp_path):
    """From now on commands work on this machine."""
    monkeypatch.delenv("TL_SERVER")
    monkeypatch.setenv("TL_HOME", str(tmp_path / "here"))


def test_data_commands_say_the_same_as_on_this_machine(
    server, worker, call, said, tmp_path, monkeypatch
):
    source = write_texts(tmp_path / "t.csv", 60)
    photos = write_pictures(tmp_path / "photos")
    commands = [
        ("data", "list"),
        ("data", "add", source, "--name", "mail", "--seed", 3),
        ("data", "add", source, "--name", "mail", "--seed", 3),
        ("data", "add", photos, "--name", "discs"),
        ("data", "add", "sample:messages", "--name", "messages"),
        ("data", "list"),
        ("data", "show", "mail@1"),
        ("data", "delete", "mail@1"),
    ]
    there = [(call(*one), said(*one) if one[1] in ("list", "show") else "") for one in commands]
    assert there[1][0]["rows"] == 60 and len(there[3][0]["classes"]) == 3
    assert "60 texts in 2 classes" in there[6][1]
    trash = server.client(server.ana.token()).get("/datasets", params={"deleted": True}).json()
    assert [one["reference"] for one in trash["datasets"]] == ["mail@1"]  # not gone for good
    fingerprints = [one["fingerprint"] for one, _ in (there[1], there[3], there[4])]
    with monkeypatch.context() as here:
        locally(here, tmp_path)
        same = [(call(*one), said(*one) if one[1] in ("list", "show") else "") for one in commands]
    for command, remote, local in zip(commands, there, same, strict=True):
        assert plain(remote[0]) == plain(local[0]), command
        assert remote[1] == local[1]
    assert fingerprints == [one["fingerprint"] for one, _ in (same[1], same[3], same[4])]


def test_errors_are_those_of_this_machine(server, worker, call, tmp_path, monkeypatch):
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    write_texts(tmp_path / "t.csv")
    commands = [
        (("data", "add", tmp_path / "odd.csv", "--name", "odd"), 2),
        (("data", "add", tmp_path / "no.csv", "--name", "x"), 2),
        (("data", "add", "https://x/y.csv", "--name", "x"), 2),
        (("data", "add", tmp_path / "t.csv", "--name", "a/b"), 2),
        (("data", "add", tmp_path / "t.csv", "--name", "x", "--append"), 2),
        (("data", "show", "no"), 2),
        (("data", "delete", "no"), 2),
        (("runs", "show", "no"), 2),
        (("runs", "cancel", "no"), 2),
        (("runs", "delete", "no"), 2),
        (("report", "no"), 2),
        (("export", "no", "-o", tmp_path / "b"), 2),
        (("export", "no", "-o", tmp_path), 2),
        (("predict", "no", tmp_path / "t.csv", "-o", tmp_path / "o.csv"), 2),
        (("train", "--dataset", "no", "--recipe", "baseline"), 2),
        (("train", "--dataset", "no", "--recipe", "basline"), 2),
        (("train", "--dataset", "x"), 2),
    ]
    there = [call(*one, code=code)["error"] for one, code in commands]
    locally(monkeypatch, tmp_path)
    same = [call(*one, code=code)["error"] for one, code in commands]
    for (command, _), remote, local in zip(commands, there, same, strict=True):
        assert remote["code"] == local["code"], command
        assert remote["what"] == local["what"], command


def test_a_question_reaches_the_command_line(server, worker, call, tmp_path, monkeypatch):
    """Dates that could be read in two ways, as on this machine."""
    lines = [f"text {n},{'ab'[n % 2]},0{n % 9 + 1}/0{n % 7 + 1}/2025" for n in range(40)]
    (tmp_path / "dated.csv").write_text("text,label,day\n" + "\n".join(lines) + "\n")
    command = ("data", "add", tmp_path / "dated.csv", "--name", "d", "--date-column", "day")
    there = call(*command, code=2)["error"]
    locally(monkeypatch, tmp_path)
    assert there == call(*command, code=2)["error"]
    assert there["question"]["option"] == "date_order"


def test_a_training_is_followed_reported_and_deleted(server, worker, call, said, tmp_path, capsys):
    call("data", "add", write_texts(tmp_path / "t.csv", 60), "--name", "mail")
    capsys.readouterr()
    run = call("train", "--dataset", "mail", "--recipe", "baseline", "--set", "seed=3")
    assert (run["status"], run["kind"], run["dataset"]) == ("done", "train", "mail@1")
    assert call("runs", "show", run["run_id"]) == run
    report = call("report", run["run_id"])
    assert report["headline"] == run["headline"] and report["run_id"] == run["run_id"]
    assert said("report", run["run_id"]).startswith(run["headline"])
    page = tmp_path / "report.html"
    call("report", run["run_id"], "--html", page)
    assert report["headline"] in page.read_text()
    assert [one["run_id"] for one in call("runs", "list") if one["kind"] == "train"] == [
        run["run_id"]
    ]
    assert call("runs", "cancel", run["run_id"], code=2)["error"]["code"] == "state"
    assert call("data", "delete", "mail", code=2)["error"]["code"] == "data"
    assert call("runs", "delete", run["run_id"]) == {"deleted": run["run_id"]}
    assert call("data", "delete", "mail", "--with-runs")["versions"] == 1


def test_all_runs_are_listed_in_parts(server, call, tmp_path, monkeypatch):
    record = server.ana.add(tmp_path, "mail")
    made = [server.ana.queue(record).id for _ in range(5)]
    monkeypatch.setattr(server_workplace, "_LISTED", 2)
    assert [one["run_id"] for one in call("runs", "list")] == made[::-1]


def test_a_training_is_queued_ended_and_resumed(server, call, said, tmp_path):
    server.ana.add(tmp_path, "mail")
    run = call("train", "--dataset", "mail", "--recipe", "baseline", "--detach")
    assert (run["status"], run["place"]) == ("queued", 1)
    assert call("runs", "cancel", run["run_id"])["status"] == "cancelled"
    assert call("runs", "resume", run["run_id"], "--detach")["status"] == "queued"
    server.writer.claim_next("train")
    assert (
        "cannot be stopped early"
        in call("runs", "stop", run["run_id"], "--keep-best", code=2)["error"]["what"]
    )
    estimate = call(
        "train",
        "--dataset",
        "mail",
        "--recipe",
        "probe",
        "--backbone",
        "starter:text",
        "--estimate",
        "--detach",
    )
    assert estimate["kind"] == "preflight"
    assert "is queued" in said("train", "--dataset", "mail", "--recipe", "baseline", "--detach")


def test_a_run_that_failed_ends_with_1_and_its_reason(server, call, said, tmp_path, monkeypatch):
    server.ana.add(tmp_path, "mail")
    reason = {"code": "training", "what": "It broke.", "why": "", "try_this": "Mend it."}

    def fail(_seconds):
        if claimed := server.writer.claim_next("train"):
            events = server.settings.home_path / claimed[1] / "events.jsonl"
            events.write_text('{"t": 1.0, "type": "stage", "name": "Reading", "total": 0}\n')
        else:
            running = server.ana.runs.list(status="running")
            server.writer.finish(running[0].id, "failed", reason=reason)

    monkeypatch.setattr(following.time, "sleep", fail)
    run = call("train", "--dataset", "mail", "--recipe", "baseline", code=1)
    assert (run["status"], run["reason"]) == ("failed", reason)
    printed = said("train", "--dataset", "mail", "--recipe", "baseline", code=1)
    assert "is failed. It broke. Mend it." in printed


def test_saved_settings_and_going_on_are_taken_from_the_server(server, call, tmp_path):
    record = server.ana.add(tmp_path, "mail")
    earlier = server.ana.finished(
        record, recipe="finetune", options={"strategy": "lpft", "epochs": 7.0}
    )
    longer = call("train", "--continue", earlier.id, "--set", "epochs=2", "--detach")
    config = RunConfig.read(server.ana.runs.get(longer["run_id"]).folder)
    assert config.options["continue_from"] == earlier.id
    assert (config.options["strategy"], config.options["epochs"]) == ("lpft", 2.0)
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps({"recipe": "baseline", "options": {"seed": 5}, "sealed": True}))
    again = call("train", "--config", saved, "--dataset", "mail", "--detach")
    config = RunConfig.read(server.ana.runs.get(again["run_id"]).folder)
    assert (config.recipe, config.options, config.sealed) == ("baseline", {"seed": 5}, True)


def test_a_model_is_asked_and_taken_home(server, worker, call, tmp_path, tiny, monkeypatch):
    """What it answers about a file, and its bundle, are what this machine makes of the same
    model.
    """
    source = write_texts(tmp_path / "t.csv", 60)
    call("data", "add", source, "--name", "mail")
    backbone = f"local:{tiny('bert').name}"
    run = call(
        "train",
        "--dataset",
        "mail",
        "--recipe",
        "probe",
        "--backbone",
        backbone,
        "--set",
        "max_length=24",
        "--set",
        "repeats=0",
        "--set",
        "baseline=false",
    )
    assert run["status"] == "done", run
    answers, folder = tmp_path / "answers.csv", tmp_path / "out" / "bundle"
    counts = call("predict", run["run_id"], source, "-o", answers)
    assert (counts["rows"], counts["errors"], counts["output"]) == (60, 0, str(answers))
    parquet = call("predict", run["run_id"], source, "-o", tmp_path / "answers.parquet")
    assert parquet["rows"] == 60 and (tmp_path / "answers.parquet").stat().st_size
    assert call("predict", run["run_id"], source, "-o", tmp_path / "a.txt", code=2)["error"]
    refused = call("predict", run["run_id"], source, "-o", answers, "--precision", "bf16", code=2)
    assert "Leave --precision out" in refused["error"]["try_this"]
    bundle = call("export", run["run_id"], "-o", folder, "--zip")
    assert bundle["ok"] and bundle["run"] == run["run_id"]
    assert (
        sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())
        == bundle["files"]
    )
    assert bundle["zip"] == f"{folder}.zip"
    assert call("export", run["run_id"], "-o", folder, code=2)["error"]["code"] == "state"
    verdict = call("verify", folder)  # which needs no server
    assert verdict["ok"]
    same = tmp_path / "same.csv"
    call("predict", folder, source, "-o", same)  # a folder at hand is asked here
    assert same.read_bytes() == answers.read_bytes()


def test_what_rests_on_a_guess_is_refused_when_asked_to(server, worker, call, tmp_path):
    (tmp_path / "odd.csv").write_text(
        "c1,c2\n" + "".join(f"some text {n} of it,{'ab'[n % 2]}\n" for n in range(40))
    )
    error = call("data", "add", tmp_path / "odd.csv", "--name", "odd", "--strict", code=2)["error"]
    assert error["what"] == "The import rests on a guess, so nothing was stored."
    assert call("data", "list") == []


def test_interrupting_a_training_detaches_and_an_import_ends(server, call, tmp_path, monkeypatch):
    server.ana.add(tmp_path, "mail")

    def interrupt(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(following.time, "sleep", interrupt)
    run = call("train", "--dataset", "mail", "--recipe", "baseline")
    assert run["status"] == "queued"
    with pytest.raises(KeyboardInterrupt):
        main(["data", "add", str(tmp_path / "mail.csv"), "--name", "other"])
    assert [one.status for one in server.ana.runs.list(kind="import")] == ["cancelled"]


def test_a_folder_is_packed_without_what_its_links_lead_to(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "photos"
    write_pictures(folder, each=1)
    (folder / "red" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "away").symlink_to(tmp_path)
    with as_file(str(folder)) as packed, zipfile.ZipFile(packed) as archive:
        assert packed.name == "photos.zip"
        assert sorted(archive.namelist()) == ["blue/0.png", "green/0.png", "red/0.png"]
    assert not packed.exists()
    with pytest.raises(DataError), as_file(str(tmp_path / "nothing")):
        pass


def test_a_zip_of_the_server_leads_nowhere(tmp_path):
    for names in (["../evil.txt"], ["a/x", "b/x"], ["file"], ["/etc/evil.txt"]):
        with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        target = tmp_path / "out" / "bundle"
        target.parent.mkdir(exist_ok=True)
        with suppress(StateError):
            unpack_bundle(tmp_path / "bundle.zip", target)
        evil = [one for one in tmp_path.rglob("*evil*") if not one.is_relative_to(target)]
        assert evil == []
        shutil.rmtree(target, ignore_errors=True)
