"""What is asked of the head of a Ray cluster, and what is made of its answers, the shapes of which
are those of Ray 2.60; `test_ray_cluster` asks a real one.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass, field

import httpx
import pytest

from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError, StateError
from tl_core.jobs.dispatch import Dispatcher
from tl_core.jobs.executors.executor_contract import (
    ENDED,
    LOST,
    RUNNING,
    WAITING,
    Job,
    Needs,
    SilentError,
)
from tl_core.jobs.executors.ray_head import RayHead
from tl_core.jobs.executors.ray_jobs import RayExecutor
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings, read_settings

POSTGRES = "postgresql://graft:hidden@db/graft"


@dataclass
class Head:
    """A head that knows some jobs and machines, and remembers what it was asked.

    Args:
        token: that it wants; empty for none.
    """

    token: str = "right"
    version: str = "2.60.0"
    jobs: dict[str, dict[str, object]] = field(default_factory=dict)
    machines: tuple[tuple[str, dict[str, float]], ...] = (("ALIVE", {"CPU": 4.0, "memory": 8e9}),)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        shown = request.headers.get("authorization", "")
        if self.token and shown != f"Bearer {self.token}":
            return httpx.Response(403 if shown else 401, text="Unauthorized")
        path = request.url.path
        if path == "/api/version":
            return httpx.Response(200, json={"version": "4", "ray_version": self.version})
        if path == "/api/v0/nodes":
            return httpx.Response(200, json={"data": {"result": {"result": self.rows()}}})
        name = path.removeprefix("/api/jobs/").partition("/")[0]
        if request.method == "POST" and not name:
            sent = json.loads(request.content)
            self.jobs[sent["submission_id"]] = {"status": "PENDING"}
            return httpx.Response(200, json={"submission_id": sent["submission_id"]})
        if not name:
            return httpx.Response(200, json=[])
        if name not in self.jobs:
            return httpx.Response(404, text=f"Job {name} does not exist")
        if path.endswith("/logs"):
            return httpx.Response(200, json={"logs": self.jobs[name].get("logs", "")})
        return httpx.Response(200, json=self.jobs[name])

    def rows(self) -> list[dict[str, object]]:
        return [
            {
                "node_id": f"{number}abcdef0123",
                "node_ip": f"10.0.0.{number}",
                "node_name": f"10.0.0.{number}",
                "state": state,
                "resources_total": resources,
            }
            for number, (state, resources) in enumerate(self.machines)
        ]

    @property
    def sent(self) -> dict[str, object]:
        """The job that was submitted last."""
        [*_, last] = (one for one in self.asked if one.method == "POST")
        return json.loads(last.content)


def executor(head, home, address="http://10.0.0.9:8265", token="right", database=POSTGRES):
    settings = Settings(home=str(home), database_url=database, ray_address=address, ray_token=token)
    return RayExecutor(settings, RayHead(settings, httpx.MockTransport(head)))


@pytest.fixture
def run(tmp_path):
    """The folder of a run in a home, and a way to give it options."""

    def make(**options):
        folder = tmp_path / "runs" / "abc"
        folder.mkdir(parents=True, exist_ok=True)
        config = RunConfig("train", "local", "d@1", str(tmp_path), "local:x", "finetune", options)
        config.write(folder)
        return folder

    return make


def needs(**more):
    environment = {"TL_HOME": "/shared/home", "TL_DATABASE_URL": POSTGRES, "TL_JOB": "abc-1f"}
    return Needs("abc-1f", environment=environment, **{"processors": 2, **more})


def test_a_run_becomes_a_job_of_its_own_with_what_it_needs(tmp_path, run):
    head = Head(machines=(("ALIVE", {"CPU": 4.0, "GPU": 2.0, "memory": 8e9}),))
    job = executor(head, tmp_path).submit(run(), needs(gpus=1, memory=1 << 30))
    assert (job.name, job.process) == ("abc-1f", None)
    sent = head.sent
    assert sent["submission_id"] == "abc-1f" and sent["metadata"] == {"run": "abc"}
    wanted = [sent[f"entrypoint_{name}"] for name in ("num_cpus", "num_gpus", "memory")]
    assert wanted == [2, 1, 1 << 30]
    assert sent["runtime_env"]["env_vars"] == {"TL_HOME": "/shared/home", "TL_JOB": "abc-1f"}


def test_no_secret_stands_in_what_every_holder_of_the_token_can_read(tmp_path, run):
    head = Head()
    executor(head, tmp_path).submit(run(), needs())
    assert "hidden" not in json.dumps(head.sent) and "right" not in json.dumps(head.sent)
    [file] = tmp_path.glob("runs/abc/.environment-*")
    assert file.stat().st_mode & 0o777 == 0o600 and POSTGRES in file.read_text()


def test_its_line_becomes_the_worker_with_the_secrets_and_leaves_none_behind(
    tmp_path, run, monkeypatch
):
    """The line is carried out by a shell as Ray does it, with a worker that shows its variables."""
    worker = tmp_path / "python"
    worker.write_text('#!/bin/sh\necho "$*"\nenv\n')
    worker.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(worker))
    head, folder = Head(), run()
    needed = needs()
    needed.environment["TL_DATABASE_URL"] = "postgresql://graft:o'ne $two `three`@db/graft"
    executor(head, tmp_path).submit(folder, needed)
    environment = {"PATH": os.environ["PATH"], "RAY_AUTH_TOKEN": "of the cluster"}
    subprocess.run(head.sent["entrypoint"], shell=True, env=environment, check=True, timeout=20)
    said = (folder / "worker.log").read_text().splitlines()
    assert said[0] == f"-m tl_core.jobs.worker {folder}"
    assert "TL_DATABASE_URL=postgresql://graft:o'ne $two `three`@db/graft" in said
    assert not [line for line in said if line.startswith("RAY_AUTH")]
    assert not list(folder.glob(".environment-*"))


def test_a_machine_without_the_home_says_so(tmp_path, run):
    head, folder = Head(), run()
    executor(head, tmp_path).submit(folder, needs())
    entrypoint = head.sent["entrypoint"].replace(shlex.quote(str(folder)), "/elsewhere")
    for file in folder.glob(".environment-*"):
        file.unlink()
    ended = subprocess.run(entrypoint, shell=True, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 3
    assert "TL_HOME must be the same folder under the same path" in ended.stdout


def test_processes_that_share_a_training_take_their_gpus_themselves(tmp_path, run):
    machine = {"CPU": 4.0, "GPU": 1.0, "memory": 8e9}
    head = Head(machines=(("ALIVE", machine), ("ALIVE", machine)))
    executor(head, tmp_path).submit(run(processes=2), needs(gpus=2))
    assert head.sent["entrypoint_num_gpus"] == 0
    assert head.sent["runtime_env"]["env_vars"]["TL_SPREAD"] == "ray"
    assert "unset RAY_AUTH" not in head.sent["entrypoint"]  # it joins the cluster itself


@pytest.mark.parametrize(
    ("asked", "options", "sentence"),
    [
        ({"processors": 5}, {}, "No machine of the Ray cluster has 5 processors"),
        ({"memory": 1 << 40}, {}, "1048576 MB of memory"),
        ({"gpus": 3}, {}, "No machine of the Ray cluster has 2 processors, 3 GPUs"),
        ({"gpus": 3}, {"processes": 3}, "3 processes need 3 GPUs"),
        ({"gpus": 0}, {"processes": 9}, "9 processes need 20 processors"),
    ],
)
def test_what_fits_nowhere_is_refused_since_ray_would_let_it_wait_for_ever(
    tmp_path, run, asked, options, sentence
):
    machine = {"CPU": 4.0, "GPU": 1.0, "memory": 8e9}
    head = Head(machines=(("ALIVE", machine), ("ALIVE", machine), ("DEAD", {"CPU": 99.0})))
    with pytest.raises(StateError, match=sentence):
        executor(head, tmp_path).submit(run(**options), needs(**asked))
    assert not head.jobs and not list(tmp_path.glob("runs/abc/.environment-*"))


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (None, LOST),
        ({"status": "PENDING"}, WAITING),
        ({"status": "RUNNING"}, RUNNING),
        ({"status": "SUCCEEDED", "driver_exit_code": 0}, ENDED),
        ({"status": "STOPPED"}, ENDED),
        ({"status": "FAILED", "driver_exit_code": 1}, ENDED),
        ({"status": "FAILED", "error_type": "RUNTIME_ENV_SETUP_FAILURE"}, ENDED),
        ({"status": "FAILED", "error_type": "JOB_SUPERVISOR_ACTOR_DIED"}, LOST),
        ({"status": "FAILED", "error_type": "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"}, LOST),
    ],
)
def test_a_job_whose_machine_is_gone_is_told_from_one_that_ended(tmp_path, facts, state):
    head = Head(jobs={"abc-1f": facts} if facts else {})
    assert executor(head, tmp_path).poll("abc-1f") == state


def test_logs_say_first_how_it_ended(tmp_path, run):
    run().joinpath("worker.log").write_text("loading\nstep 3\n")
    failed = {"status": "FAILED", "driver_exit_code": 3, "message": "long", "logs": "Run\nNo home."}
    said = executor(Head(jobs={"abc-1f": failed}), tmp_path).logs("abc-1f").splitlines()
    assert said == ["Exit code 3. No home.", "Run", "No home.", "loading", "step 3"]
    lost = {"status": "FAILED", "message": "Job supervisor actor died:\n  The node is dead."}
    said = executor(Head(jobs={"abc-1f": lost}), tmp_path).logs("abc-1f").splitlines()
    assert said[0] == "Job supervisor actor died: The node is dead."
    assert executor(Head(), tmp_path).logs("nobody-1f") == ""


def test_ending_what_is_over_is_no_error(tmp_path):
    executor(Head(), tmp_path).cancel("abc-1f")


@pytest.mark.parametrize(
    ("head", "changed", "sentence"),
    [
        (Head(), {"database": ""}, "need PostgreSQL"),
        (Head(token=""), {}, "asks nobody for a token"),
        (Head(), {"token": "wrong"}, "does not accept our token. TL_RAY_TOKEN is another one"),
        (Head(version="2.52.1"), {}, "has version 2.52"),
        (Head(machines=(("DEAD", {"CPU": 4.0}),)), {}, "no machine with processors"),
        (Head(), {"address": "head:8265"}, "TL_RAY_ADDRESS is 'head:8265'"),
        (Head(), {"address": ""}, "TL_RAY_ADDRESS is not set"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused_with_what_to_do(
    tmp_path, head, changed, sentence
):
    with pytest.raises(ConfigError) as refused:
        executor(head, tmp_path, **changed).check()
    assert sentence in str(refused.value) and refused.value.try_this


def test_an_open_cluster_is_used_on_this_machine_alone(tmp_path, run):
    executor(Head(token=""), tmp_path, address="http://127.0.0.1:8265").check()
    executor(Head(token=""), tmp_path, address="http://localhost:8265").check()
    head = Head(token="")
    with pytest.raises(ConfigError, match="asks nobody for a token"):
        executor(head, tmp_path).submit(run(), needs())
    assert not head.jobs


def test_a_head_that_is_silent_or_broken_is_no_death(tmp_path):
    def silent(_request):
        raise httpx.ConnectTimeout("")

    for head in (silent, lambda _request: httpx.Response(502, text="no upstream")):
        with pytest.raises(SilentError):
            executor(head, tmp_path).poll("abc-1f")


def test_slots_are_gpus_or_machines_and_those_that_have_gone_have_none(tmp_path):
    cpu, gpu = {"CPU": 8.0, "memory": 1e10}, {"CPU": 8.0, "GPU": 4.0}
    without = Head(machines=(("ALIVE", cpu), ("ALIVE", cpu), ("DEAD", gpu), ("ALIVE", {})))
    there = executor(without, tmp_path).resources()
    assert there.slots == 2 and [node.state for node in there.nodes].count("gone") == 1
    assert (
        executor(Head(machines=(("ALIVE", cpu), ("ALIVE", gpu))), tmp_path).resources().slots == 4
    )


class Here:
    """What carries runs out on this machine: remembers their folders."""

    name = "local"

    def __init__(self):
        self.taken = []

    def submit(self, folder, needs):
        self.taken.append(folder.name)
        return Job(needs.run, (os.getpid(), 0.0))

    def prepare(self):
        pass


def test_a_short_run_of_several_processes_goes_to_the_cluster_as_long_as_it_answers(
    home, monkeypatch
):
    """From its own lane, whatever the executor; others stay on the dispatcher's machine."""
    monkeypatch.setenv("TL_JOB_PROCESSORS", "1")
    settings = read_settings()
    engine, head, here = open_database(settings), Head(), Here()
    runs = RunStore(engine, "local", home)
    slots = {"train": 1, "light": 9}
    dispatcher = Dispatcher(engine, home, here, slots, trains=executor(head, home))

    def queued(processes):
        options = {"backbones": ["starter:text", "local:x"], "processes": processes}
        return runs.create(RunConfig("rank", "local", "d@1", "", options=options))

    alone, several = queued(1), queued(2)
    dispatcher.turn()
    assert here.taken == [alone.id] and head.sent["metadata"] == {"run": several.id}
    assert head.sent["runtime_env"]["env_vars"]["TL_SPREAD"] == "ray"
    assert (runs.get(several.id).executor, runs.get(alone.id).executor) == ("ray", "local")

    def silent(_request):
        raise httpx.ConnectError("away")

    away = Dispatcher(engine, home, here, slots, trains=executor(silent, home))
    later = queued(2)
    away.turn()
    assert here.taken == [alone.id, later.id] and runs.get(later.id).executor == "local"
    engine.dispose()
