"""Labelling by the command line, on a server as on this machine."""

from __future__ import annotations

from tests_support.datasets import write_texts

from tests.cli.test_remote import locally, plain
from tl_core.cli import following
from tl_core.database.engine import open_database
from tl_core.jobs.worker import carry_out
from tl_core.registry.label_answers import AnswerStore
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings


def mail(tmp_path):
    """Texts of two classes, of which the last twenty have lost theirs."""
    lines = write_texts(tmp_path / "mail.csv", 60).read_text().splitlines()
    waiting = [line.rpartition(",")[0] + "," for line in lines[41:]]
    (tmp_path / "mail.csv").write_text("\n".join([*lines[:41], *waiting]) + "\n")
    return tmp_path / "mail.csv"


def session(call, source, backbone):
    """A whole labelling; what every command said."""
    said = [call("data", "add", source, "--name", "mail")]
    said += [call("labels", "take", "mail")]
    said += [call("labels", "next", "mail", "--backbone", backbone, "--batch", 6)]
    rows = [one["row"] for one in call("labels", "take", "mail", "--count", 3)["rows"]]
    said += [rows, call("labels", "give", "mail", rows[0], "good")]
    said += [call("labels", "give", "mail", rows[1], "so-so", code=2)["error"]]
    said += [call("labels", "give", "mail", rows[1], "so-so", "--new")]
    said += [call("labels", "skip", "mail", rows[2]), call("labels", "undo", "mail")]
    said += [call("labels", "give", "mail", 999, "good", code=2)["error"]]
    said += [call("labels", "settle", "mail", rows[1], "bad"), call("labels", "status", "mail")]
    said += [call("labels", "next", "mail", "--strategy", "class", code=2)["error"]]
    said += [call("labels", "apply", "mail"), call("labels", "status", "mail")]
    return said


def carried_out(monkeypatch):
    """What commands queue on this machine from now on is carried out when they wait for it."""
    settings = read_settings()
    writer = RunWriter(open_database(settings))

    def work(_seconds):
        if claimed := writer.claim_next("light"):
            carry_out(settings.home_path / claimed[1], settings)

    monkeypatch.setattr(following.time, "sleep", work)


def test_a_labelling_says_the_same_as_on_this_machine(
    server, worker, call, said, tmp_path, monkeypatch, tiny
):
    source, backbone = mail(tmp_path), f"local:{tiny('bert').name}"
    there = session(call, source, backbone)
    queue = there[2]
    assert len(queue["rows"]) == 6 and queue["run"] and "20 texts" in queue["sentence"]
    assert there[-2]["dataset"] == "mail" and there[-1]["without_class"] == 18
    answers = AnswerStore(server.ana.data).list("mail@1")
    whys = {one["row"]: one["why"] for one in queue["rows"]}
    assert {one.why for one in answers} <= {*whys.values(), ""}
    lines = said("labels", "status", "mail")
    assert "18 rows of mail@2 have no class" in lines
    locally(monkeypatch, tmp_path)
    carried_out(monkeypatch)
    here = session(call, source, f"local:{tiny('bert')}")
    for remote, local in zip(there, here, strict=True):
        assert plain(remote) == plain(local)


def test_whoever_may_only_look_is_told_so(server, worker, call, tmp_path, monkeypatch):
    call("data", "add", mail(tmp_path), "--name", "mail")
    ben = server.member("ben")
    server.ana.sharing.share("project", "mail", "ben", "viewer")
    monkeypatch.setenv("TL_TOKEN", ben.token())
    assert call("labels", "status", "ana/mail")["without_class"] == 20
    error = call("labels", "give", "ana/mail", 45, "good", code=2)["error"]
    assert error["code"] == "access"
    monkeypatch.setenv("TL_TOKEN", server.ana.token("datasets:read"))
    assert call("labels", "take", "mail", code=2)["error"]["code"] == "access"
