"""The commands executors list and check."""

from __future__ import annotations

import json

from tl_core.cli.main import main


def told(capsys, *arguments):
    code = main([*arguments, "--json"])
    found = json.loads(capsys.readouterr().out)
    return code, found["error"] if code else found


def test_all_executors_are_listed_with_what_stands_in_their_way(home, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    code, found = told(capsys, "executors", "list")
    by_name = {one["name"]: one for one in found}
    assert code == 0 and {"local", "slurm", "ssh"} <= set(by_name)
    here = by_name["local"]
    assert here["chosen"] and not here["problem"] and here["nodes"][0]["processors"] >= 1
    assert "scontrol cannot be started" in by_name["slurm"]["problem"]
    assert "TL_SSH_HOST" in by_name["ssh"]["problem"]
    assert main(["executors", "list"]) == 0
    assert "chosen by TL_EXECUTOR): ready" in capsys.readouterr().out


def test_check_asks_the_one_in_use_and_fails_where_it_cannot_work(home, capsys, monkeypatch):
    code, found = told(capsys, "executors", "check")
    assert (code, found["name"]) == (0, "local")
    monkeypatch.setenv("TL_EXECUTOR", "ssh")
    code, found = told(capsys, "executors", "check")
    assert code == 2 and "TL_SSH_HOST" in found["why"]
    code, found = told(capsys, "executors", "check", "local")
    assert code == 0


def test_an_unknown_executor_is_refused_with_a_near_name(home, capsys, monkeypatch):
    code, found = told(capsys, "executors", "check", "slrum")
    assert code == 2 and "slurm" in found["try_this"]
    monkeypatch.setenv("TL_EXECUTOR", "slrum")
    code, found = told(capsys, "executors", "check")
    assert code == 2 and "no executor 'slrum'" in found["what"]
