"""What only the way by SSH does: keys, a line that breaks, and what is brought there and back."""

from __future__ import annotations

import pytest
from tests_support import stepping

from tl_core.errors import ConfigError, UserError
from tl_core.jobs.executors import ssh as module
from tl_core.jobs.executors.by_ssh.line import line_of
from tl_core.settings import Settings

KNOWN = {"ssh_host": "other", "ssh_dir": "/a", "ssh_python": "/usr/bin/python", "ssh_code": "/c"}


def test_an_unknown_or_wrong_host_key_and_an_unknown_person_are_refused(other):
    other.sshd.know("other")
    with pytest.raises(UserError, match="Host key verification failed"):
        other.executor.check()
    (other.sshd.folder / "known_hosts").write_text("")
    with pytest.raises(UserError, match="Host key verification failed"):
        other.executor.check()
    assert (other.sshd.folder / "known_hosts").read_text() == ""  # nothing was accepted
    other.sshd.know("host")
    (other.sshd.folder / "authorized").write_text("")
    with pytest.raises(UserError, match="Permission denied"):
        other.executor.check()


def test_a_line_that_breaks_is_tied_again_and_the_worker_goes_on(other):
    run = other.queue(steps=150)
    other.until_at(run, 10)
    other.sshd.cut()
    seen = other.steps(run)
    other.until(lambda: other.steps(run) == other.steps(run) >= seen, 5)
    other.sshd.start()
    done = other.until_ended(run, "done")
    assert done.summary["began"] == 0  # it was never interrupted
    assert done.summary["weights"] == stepping.weights_after(150)
    events = (run.folder / "events.jsonl").read_bytes()
    assert events == (other.there / "runs" / run.id / "events.jsonl").read_bytes()
    assert (run.folder / "manifest.json").exists()


def test_a_machine_that_is_down_is_waited_for_when_a_run_is_to_start(other):
    other.sshd.cut()
    with pytest.raises(UserError, match="not reached"):
        other.executor.check()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssh_host", ""),
        ("ssh_host", "-oProxyCommand=sh"),
        ("ssh_host", "a b"),
        ("ssh_dir", "relative"),
        ("ssh_dir", "/a/../b"),
        ("ssh_python", "/a b"),
        ("ssh_code", ""),
        ("ssh_config", "/a;b"),
    ],
)
def test_settings_that_could_be_more_than_a_name_are_refused(name, value):
    with pytest.raises(ConfigError, match=name.upper()):
        module.make(Settings(**{**KNOWN, name: value}))


def test_no_password_is_asked_for_and_no_key_accepted_whatever_the_configuration_says():
    command = line_of(Settings(**KNOWN)).command("true")
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes"} <= set(command)
    assert command[-3:] == ["--", "other", "cd /c && exec true"]
