"""What a worker cannot do: shown by workers that try."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests_support import reaching
from tests_support.postgres import by_socket, new_database
from tests_support.processes import kill_all, of_home

from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs import kernel, sandbox
from tl_core.jobs.dispatch import Dispatcher, ensure_dispatcher, slots_of
from tl_core.jobs.executors.local import LocalExecutor
from tl_core.jobs.monitor import gpu_count
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a sandbox of Linux")
OURS = sorted(
    spec.metadata["env"]
    for spec in Settings.__dataclass_fields__.values()
    if spec.metadata["secret"] and spec.metadata["env"] != "TL_DATABASE_URL"
)
THEIRS = [
    "HF_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "STREAMLIT_SERVER_COOKIE_SECRET",
    "TL_OIDC_GOOGLE_CLIENT_SECRET",
    "MLFLOW_TRACKING_PASSWORD",
    "PGPASSWORD",
    "OPENAI_API_KEY",
]


@pytest.fixture
def listener():
    """The port of somebody on this machine who takes every connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def attempt(home, tmp_path, monkeypatch, listener):
    """`attempt(standby=..., **config)`: what a real worker could do, with secrets around it."""
    for name in (*OURS, *THEIRS):
        monkeypatch.setenv(name, f"{reaching.HUSH}-{name}")
    monkeypatch.setenv("SOME_ADDRESS", f"https://ann:{reaching.HUSH}@example.org/")

    def run(*, standby=False, without_filters=False, backbone="", **options):
        folder = tmp_path / secrets.token_hex(4)
        reaching.install(folder, monkeypatch, without_filters=without_filters)
        settings = read_settings()
        engine = open_database(settings)
        runs = RunStore(engine, "local", settings.home_path)
        runner = LocalExecutor(2, standby=standby)
        runner.prepare()
        config = RunConfig(
            "reach", "local", "d@1", "", backbone, options={"port": listener, **options}
        )
        made = runs.create(config)
        Dispatcher(engine, settings.home_path, runner, slots_of(settings)).turn()
        if standby:
            assert runs.get(made.id).pid == runner._children[0].pid
        end = time.monotonic() + 120
        while (found := runs.get(made.id)).status == "running" and time.monotonic() < end:
            time.sleep(0.1)
        log = (made.folder / "worker.log").read_text()
        assert found.status in ("done", "failed"), (found, log)
        return found, found.summary or {}, log

    yield run
    kill_all(home)


CLOSED = {
    "connect": "PermissionError",
    "thread": "PermissionError",
    "child": "PermissionError",
    "ipv6": "PermissionError",
    "udp": "PermissionError",
    "io_uring": "Permission denied",
    "ptrace": "Permission denied",
}


@pytest.mark.parametrize("standby", [False, True], ids=["started for it", "standing by"])
def test_a_run_that_needs_no_network_has_none(attempt, standby):
    run, found, log = attempt(standby=standby, backbone="starter:text")
    assert run.status == "done", (run.reason, log)
    assert {name: found[name] for name in CLOSED} == CLOSED
    assert found["unix"] == "reached" and found["offline"] == "1"
    assert found["secrets"] == []
    assert "There is no network for this run." in log
    assert found["threads"] > 1  # of numpy, and the heart


def test_a_worker_has_limits_and_a_session_of_its_own(attempt, monkeypatch):
    monkeypatch.setenv("TL_MAX_UNPACKED_MB", "100")
    _, found, _ = attempt()
    assert found["leads"] and found["nice"] == min(19, os.nice(0) + 15)
    assert found["session_nice"] in (15, None)
    assert found["core"] == [0, 0] and found["file"] == 400 << 20
    assert 4096 < found["tasks"] <= os.sysconf("SC_CHILD_MAX")
    assert found["data"] == (-1 if gpu_count() else kernel.memory_limit())
    assert found["space"] == -1  # CUDA and mapped files need it
    assert found["first"] >= 500


def test_a_run_that_reads_from_the_hub_keeps_network_and_token_alone(attempt):
    _, found, log = attempt(backbone="hub:somebody/something")
    assert (found["connect"], found["child"], found["udp"]) == ("reached",) * 3
    assert found["secrets"] == ["HF_TOKEN"]
    assert "it reads from the Hub" in log


def test_processes_of_one_run_talk_to_each_other_and_to_nobody_else(attempt):
    if not sandbox.enforced(read_settings())["several_processes"]:
        pytest.skip("needs a kernel that permits a network of its own")
    _, found, log = attempt(processes=2)
    assert found["sum"].count("sum 3") == 2, found["sum"]
    assert found["connect"] == found["child"] == "ConnectionRefusedError"
    assert found["ptrace"] == "Permission denied"
    assert "There is no network for this run." in log
    assert found["nice"] == min(19, os.nice(0) + 15)  # not twice, though it was started twice


@pytest.mark.postgres
def test_a_database_is_reached_by_its_socket_without_a_network(attempt, monkeypatch):
    monkeypatch.setenv("TL_SANDBOX", "require")
    with new_database() as url, by_socket(url) as address:
        monkeypatch.setenv("TL_DATABASE_URL", address)
        run, found, log = attempt()
        open_database(read_settings()).dispose()
    assert run.status == "done", (run.reason, log)
    assert {name: found[name] for name in CLOSED} == CLOSED
    assert found["secrets"] == ["PGPASSWORD"]


@pytest.mark.postgres
def test_a_database_over_the_network_keeps_it_open_or_is_refused(attempt, monkeypatch):
    with new_database() as url:
        monkeypatch.setenv("TL_DATABASE_URL", url)
        _, found, log = attempt()
        assert found["connect"] == "reached" and "database is reached over the network" in log
        monkeypatch.setenv("TL_SANDBOX", "require")
        run, _, _ = attempt()
        assert run.status == "failed" and "UNIX socket" in run.reason["try_this"]
        open_database(read_settings()).dispose()


def test_what_cannot_be_enforced_is_said_or_refused(attempt, monkeypatch):
    _, found, log = attempt(without_filters=True)
    assert found["connect"] == "reached"
    assert "The network stays open: no filter of system calls" in log


def test_a_required_sandbox_refuses_what_it_cannot_hold(attempt, monkeypatch):
    monkeypatch.setenv("TL_SANDBOX", "require")
    run, _, _ = attempt(without_filters=True)
    assert run.status == "failed" and "TL_SANDBOX=require" in run.reason["what"]
    assert "filter of system calls" in run.reason["why"]


def test_a_sandbox_that_is_off_leaves_all_but_secrets(attempt, monkeypatch):
    monkeypatch.setenv("TL_SANDBOX", "off")
    _, found, log = attempt()
    assert found["connect"] == "reached" and found["secrets"] == []
    assert "switched off" in log


def train(backbone="starter:text", **options):
    return RunConfig("train", "ann", "d@1", "", backbone, "probe", options)


LOCAL, FAR = Settings(), Settings(database_url="postgresql://graft:pw@db:5432/graft")
NEEDS = [
    (train(), LOCAL, ""),
    (train("run:3f9a0c12de"), LOCAL, ""),
    (train("static:starter:text"), LOCAL, ""),
    (train("local:/models/hub"), LOCAL, ""),
    (train("hub:a/b@main"), LOCAL, "it reads from the Hub"),
    (train("static:hub:a/b"), LOCAL, "it reads from the Hub"),
    (RunConfig("import", "ann", options={"source": "a.csv", "name": "d"}), LOCAL, ""),
    (
        RunConfig("import", "ann", options={"source": "hub:a/b", "name": "d"}),
        LOCAL,
        "it reads from the Hub",
    ),
    (
        RunConfig("rank", "ann", "d@1", options={"backbones": ["starter:text", "hub:a/b"]}),
        LOCAL,
        "it reads from the Hub",
    ),
    (
        RunConfig("push", "ann", options={"run": "a1", "folder": "m", "repository": "a/b"}),
        LOCAL,
        "it uploads to the Hub",
    ),
    (train(), FAR, "the database is reached over the network"),
    (train(), Settings(trackers="tensorboard"), ""),
    (train(), Settings(trackers="tensorboard,mlflow"), "its scores go to a tracker"),
]


@pytest.mark.parametrize(("config", "settings", "reason"), NEEDS)
def test_who_needs_a_network(config, settings, reason, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    assert sandbox.needs_of(config, settings).network == reason


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("", True),
        ("sqlite:////data/graft.db", True),
        ("postgresql:///graft", True),
        ("postgresql://graft:pw@/graft?host=/var/run/postgresql", True),
        ("postgresql://graft:pw@127.0.0.1/graft", False),
        ("postgresql:///graft?host=/run&host=db", False),
    ],
)
def test_which_database_is_reached_without_a_network(url, local, monkeypatch):
    monkeypatch.delenv("PGHOST", raising=False)
    assert sandbox.has_local_database(Settings(database_url=url)) is local


@pytest.mark.parametrize(
    "name", [*OURS, *THEIRS, "PGPASSWORD", "GITHUB_PAT_TOKEN", "SSH_AUTH_SOCK"]
)
def test_a_secret_is_known_by_its_setting_or_its_name(name):
    assert sandbox.is_secret(name, "x")
    assert sandbox.scrubbed({name: "x", "PATH": "/bin"}, frozenset()) == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("TOKENIZERS_PARALLELISM", "true", False),
        ("PWD", "/srv", False),
        ("KEYBOARD", "de", False),
        ("TL_HOME", "/data", False),
        ("HTTPS_PROXY", "http://proxy:3128", False),
        ("HTTPS_PROXY", "http://ann:pw@proxy:3128", True),
        ("HF_ENDPOINT", "https://mirror", False),
        ("BROKER", "amqp://:pw@host", True),
        ("CUDA_VISIBLE_DEVICES", "0", False),
    ],
)
def test_what_is_no_secret_stays(name, value, secret):
    assert sandbox.is_secret(name, value) is secret


def test_a_dispatcher_never_learns_what_signs_people_in(home, monkeypatch):
    for name in (*OURS, *THEIRS):
        monkeypatch.setenv(name, f"{reaching.HUSH}-{name}")
    ensure_dispatcher(read_settings())
    end = time.monotonic() + 60
    try:
        while not (found := of_home(home)) and time.monotonic() < end:
            time.sleep(0.1)
        kept = {name for name, value in found[0].environ().items() if reaching.HUSH in value}
    finally:
        kill_all(home)
    assert kept == sandbox.OF_A_DISPATCHER & {*OURS, *THEIRS}
    assert {"TL_WEBHOOK", "TL_HUB_TOKEN", "HF_TOKEN"} <= kept
    assert not kept & {"TL_COOKIE_SECRET", "TL_OIDC_CLIENT_SECRET", "TL_SERVE_TOKEN"}


STAY = """
import json, os, subprocess, sys, time
from tl_core.jobs import kernel
if not os.getuid():
    os.setuid(65534)  # an administrator may look into everything
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
other = subprocess.Popen(["sleep", "10"], env={"TOLD": "hush"}, **quiet)
def look():
    try:
        return open(f"/proc/{other.pid}/environ").read().strip("\\0")
    except OSError as error:
        return type(error).__name__
def end():
    try:
        os.kill(other.pid, 0)
        return "may"
    except OSError as error:
        return type(error).__name__
time.sleep(0.5)  # the other one may just be becoming another program
before = [look(), end()]
try:
    kernel.stay_among_own_processes()
    told = ""
except kernel.KernelError as error:
    told = str(error)
after = [look(), end()]
own = subprocess.Popen(["sleep", "60"])
own.kill()
print(json.dumps([before, after, own.wait(), told]))
"""


def test_other_processes_are_closed_to_a_worker():
    done = subprocess.run(
        [sys.executable, "-c", STAY], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    before, after, own, told = json.loads(done.stdout)
    if told:
        assert "older than Linux 6.12" in told
        pytest.skip("needs a kernel with landlock and scopes")
    assert before == ["TOLD=hush", "may"]
    assert after == ["PermissionError", "PermissionError"] and own == -9


def test_another_system_is_told_apart(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(kernel.KernelError, match="vax"):
        kernel.refuse_networks()


def test_doctor_tells_what_holds_here(capsys, monkeypatch):
    from tl_core.cli.main import main

    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["sandbox"]
    assert told["mode"] == "auto" and told["network"] is True and told["limits"]["CORE"] == 0
    assert any("administrator" in text for text in told["problems"]) is (os.geteuid() == 0)
    monkeypatch.setenv("TL_DATABASE_URL", "postgresql://graft:pw@db/graft")
    held = sandbox.enforced(read_settings())
    assert not held["network"] and any("UNIX socket" in text for text in held["problems"])
    monkeypatch.setenv("TL_SANDBOX", "sometimes")
    with pytest.raises(sandbox.ConfigError, match="sometimes"):
        sandbox.enforced(read_settings())
