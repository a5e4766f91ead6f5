"""Runs as jobs of a Ray cluster: each is a process of its own, on whichever machine has room.

A job's entrypoint is a line for the shell that every holder of the cluster's token can read in its
list of jobs. So secrets stand in a file beside the run that its owner alone can read; the line
reads it, removes it, and becomes the worker.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from tl_core.config import RunConfig
from tl_core.errors import ConfigError, StateError
from tl_core.jobs import sandbox
from tl_core.jobs.executors.executor_contract import (
    ENDED,
    LOST,
    RUNNING,
    WAITING,
    Job,
    Needs,
    Node,
    Resources,
    SilentError,
    run_of,
)
from tl_core.jobs.executors.local import last_lines
from tl_core.jobs.executors.ray_head import OLDEST, JobFacts, RayHead
from tl_core.settings import SPREAD_VARIABLE, Settings

_ROOT = Path(__file__).parents[3]
_STATES = {"PENDING": WAITING, "RUNNING": RUNNING, "SUCCEEDED": ENDED, "STOPPED": ENDED}
_OWN_FAULTS = (  # of Ray's `error_type`: it would go wrong on every machine
    "JOB_ENTRYPOINT_COMMAND_ERROR",
    "JOB_ENTRYPOINT_COMMAND_START_ERROR",
    "RUNTIME_ENV_SETUP_FAILURE",
)
_OF_THE_CLUSTER = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")  # which a run on one machine needs not
_SUMMARY = 400  # characters at most


class RayExecutor:
    """See the module's text.

    Raises:
        ConfigError: when `TL_RAY_ADDRESS` is no address.
    """

    name = "ray"

    def __init__(self, settings: Settings, head: RayHead | None = None) -> None:
        self._settings, self._head = settings, head or RayHead(settings)

    def submit(self, folder: Path, needs: Needs) -> Job:
        """Start the run's worker as a job named `needs.job`.

        Raises:
            StateError: when no machine of the cluster, or all together, have what it needs.
            ConfigError: when the cluster does not accept our token, or anybody's.
        """
        self._refuse_open()
        processes = int(RunConfig.read(folder).options.get("processes", 1))
        several, living = processes > 1, _living(self._head.nodes())
        gpus = needs.gpus if any(node.gpus for node in living) else 0
        if several:
            _check_room_together(living, needs, gpus, processes)
        _check_room(living, needs, 0 if several else gpus)
        plain = {
            name: value
            for name, value in needs.environment.items()
            if not sandbox.is_secret(name, value)
        }
        secret = {name: value for name, value in needs.environment.items() if name not in plain}
        file = _write_secrets(folder, needs.job, secret)
        request: dict[str, object] = {
            "submission_id": needs.job,
            "entrypoint": _entrypoint(folder, file, of_the_cluster=several),
            "runtime_env": {
                "env_vars": {**plain, **({SPREAD_VARIABLE: self.name} if several else {})}
            },
            "metadata": {"run": needs.run},
            "entrypoint_num_cpus": needs.processors,
            # processes that share a training take theirs themselves
            "entrypoint_num_gpus": 0 if several else gpus,
            "entrypoint_memory": needs.memory,
        }
        try:
            self._head.submit(request)
        except Exception as error:
            # an answer may be lost on its way back
            if not isinstance(error, SilentError) or self._head.job(needs.job) is None:
                file.unlink(missing_ok=True)
                raise
        return Job(needs.job)

    def poll(self, job: str) -> str:
        facts = self._head.job(job)
        if facts is None:
            return LOST
        status = facts["status"]
        if status != "FAILED":
            return _STATES[status]
        came_to_an_end = facts.get("driver_exit_code") is not None
        return ENDED if came_to_an_end or facts.get("error_type") in _OWN_FAULTS else LOST

    def logs(self, job: str) -> str:
        facts = self._head.job(job) or {}
        said = [_summary(facts, kept := self._head.logs(job)), kept]
        said.append(last_lines(self._folder(job) / "worker.log"))
        return "\n".join(part.strip() for part in said if part.strip())

    def cancel(self, job: str) -> None:
        self._head.stop(job)
        _secrets(self._folder(job), job).unlink(missing_ok=True)

    def check(self) -> None:
        """Look whether the cluster can be used.

        Raises:
            ConfigError: when it is open to everybody, too old, or has no machine, or the database
                is a file.
        """
        if sandbox.is_sqlite(self._settings):
            raise ConfigError(
                "Runs on a Ray cluster need PostgreSQL.",
                "Their workers write to the database from other machines; SQLite is a file of "
                "this one.",
                "Set TL_DATABASE_URL to the address of a PostgreSQL server.",
            )
        head = self._head
        try:
            self._refuse_open()
            version, living = head.version(), _living(head.nodes())
        except SilentError as error:
            raise ConfigError(
                f"The Ray cluster at {head.address} cannot be reached.",
                f"{error}.",
                "Check TL_RAY_ADDRESS, and that `ray start --head` runs there with its dashboard.",
            ) from error
        if version < OLDEST:
            raise ConfigError(
                f"The Ray cluster has version {version[0]}.{version[1]}.",
                "Earlier ones than {}.{} cannot be closed by a token in every part.".format(
                    *OLDEST
                ),
                "Install the extra `ray` of this version on all its machines.",
            )
        if not any(node.processors for node in living):
            raise ConfigError(
                "The Ray cluster has no machine with processors to give.",
                "Nothing could run there.",
                f"Join one: ray start --address={head.address.rpartition('/')[2]} ...",
            )

    def _refuse_open(self) -> None:
        head = self._head
        if not head.is_here and head.is_open():
            raise ConfigError(
                f"The Ray cluster at {head.address} asks nobody for a token.",
                "Whoever reaches it can run any program there, with the rights of your runs.",
                "Start all its machines with RAY_AUTH_MODE=token and the same token, and set "
                "TL_RAY_TOKEN to it; see docs/guide/ray.md.",
            )

    def resources(self) -> Resources:
        """Slots are GPUs, or machines where there is no GPU."""
        nodes = self._head.nodes()
        living = _living(nodes)
        gpus = sum(node.gpus for node in living)
        return Resources(gpus or sum(node.processors > 0 for node in living), nodes)

    def _folder(self, job: str) -> Path:
        return self._settings.home_path / "runs" / run_of(job)


def make(settings: Settings) -> RayExecutor:
    """The executor of these settings."""
    return RayExecutor(settings)


def _summary(facts: JobFacts, kept: str) -> str:
    """One line of how a job ended; empty where it has not, or well."""
    if facts.get("status") != "FAILED":
        return ""
    if (code := facts.get("driver_exit_code")) is None:
        return " ".join((facts.get("message") or "").split())[:_SUMMARY]
    last = kept.strip().rpartition("\n")[2]
    return f"Exit code {code}. {last}"[:_SUMMARY]


def _living(nodes: tuple[Node, ...]) -> list[Node]:
    return [node for node in nodes if node.state == "alive"]


def _check_room(living: list[Node], needs: Needs, gpus: int) -> None:
    """Ray lets a job that fits nowhere wait for ever, so it is refused here.

    Raises:
        StateError: see above.
    """
    if any(
        node.processors >= needs.processors and node.gpus >= gpus and node.memory >= needs.memory
        for node in living
    ):
        return
    wanted = [f"{needs.processors} processors"]
    wanted += [f"{gpus} GPUs"] if gpus else []
    wanted += [f"{needs.memory >> 20} MB of memory"] if needs.memory else []
    most = {
        what: max((getattr(node, what) for node in living), default=0)
        for what in ("processors", "gpus", "memory")
    }
    raise StateError(
        f"No machine of the Ray cluster has {', '.join(wanted)}.",
        f"The most that one has are {most['processors']} processors, {most['gpus']} GPUs and "
        f"{most['memory'] >> 20} MB.",
        "Lower TL_JOB_PROCESSORS or TL_JOB_MEMORY_MB, or join a larger machine.",
    )


def _check_room_together(living: list[Node], needs: Needs, gpus: int, processes: int) -> None:
    """The same for processes that share a training, and the one that prepares and judges it.

    Raises:
        StateError: when all machines together have too little.
    """
    there, processors = Resources(0, tuple(living)), needs.processors * (processes + 1)
    if there.gpus < gpus or there.processors < processors:
        wanted = f"{gpus} GPUs and {processors} processors" if gpus else f"{processors} processors"
        raise StateError(
            f"{processes} processes need {wanted}.",
            f"The machines of the Ray cluster have {there.gpus} GPUs and {there.processors} "
            "processors together; one process more prepares and judges the training.",
            "Set processes to fewer, or lower TL_JOB_PROCESSORS.",
        )


def _secrets(folder: Path, job: str) -> Path:
    return folder / f".environment-{job}"


def _write_secrets(folder: Path, job: str, secret: dict[str, str]) -> Path:
    """Lines for the shell, in a file that nobody else can read."""
    file = _secrets(folder, job)
    with suppress(FileNotFoundError):
        file.unlink()
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in secret.items())
    return file


def _entrypoint(folder: Path, secrets: Path, *, of_the_cluster: bool) -> str:
    """The line that becomes the worker; where its files are not there it says so."""
    lost = (
        f"{folder} is not on this machine. TL_HOME must be the same folder under the same path on "
        "all machines of the cluster, and so must the program and its Python."
    )
    needed = " && ".join(
        f"test -r {shlex.quote(str(path))}" for path in (secrets, _ROOT, sys.executable)
    )
    keep = "" if of_the_cluster else f"unset {' '.join(_OF_THE_CLUSTER)}; "
    worker = shlex.join([sys.executable, "-m", "tl_core.jobs.worker", str(folder)])
    log = shlex.quote(str(folder / "worker.log"))
    return (
        f"({needed}) || {{ echo {shlex.quote(lost)}; exit 3; }}; "
        f". {shlex.quote(str(secrets))} && rm -f {shlex.quote(str(secrets))}; {keep}"
        f"cd {shlex.quote(str(_ROOT))} && exec {worker} >>{log} 2>&1"
    )
