"""Workers as jobs of Slurm, by its own commands: the executor `slurm`.

A job is found by its name, which is chosen before it is submitted (`--job-name`): whatever happens
to who submitted it, whoever comes after finds it, and none is submitted twice. Its batch script
starts the worker, hands SIGTERM on to it (a preemption), and requeues the job where Slurm announces
its time limit (SIGUSR1): the worker lets its run wait, and goes on from the last checkpoint.

Written from the manual pages of sbatch, squeue, sacct, scancel, sinfo and scontrol.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tl_core.errors import ConfigError, UserError
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
from tl_core.registry.elsewhere.executor_names import SLURM, YIELD_VARIABLE
from tl_core.registry.processes import HOST
from tl_core.settings import Settings

_SECONDS = 15.0  # for an answer
_WARNED_SECONDS = 120  # before its time limit a job hears of it
_ALSO = ("PATH", "HOME", "USER", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,:=*()/-]*")
_NUMBER = re.compile(r"[0-9]+")
_ROOT = Path(__file__).parents[3]
_MEGABYTE = 1 << 20
# states as `squeue` and `sacct` name them
_STATES = {
    **dict.fromkeys(
        ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD"),
        WAITING,
    ),
    **dict.fromkeys(
        ("RUNNING", "SUSPENDED", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED"),
        RUNNING,
    ),
    **dict.fromkeys(
        ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"), ENDED
    ),
    # preempted for good (PreemptMode=CANCEL): where Slurm requeues it, it is PENDING
    **dict.fromkeys(("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED"), LOST),
}
_AWAY_NODES = ("down", "drain", "fail", "maint", "unk", "power")
_SCRIPT = """#!/bin/sh
trap 'again=1; kill -TERM "$worker"' USR1
trap 'kill -TERM "$worker"' TERM
again=
{python} -m tl_core.jobs.worker {folder} &
worker=$!
while :; do
    wait "$worker"
    code=$?
    kill -0 "$worker" 2>/dev/null || break
done
[ -z "$again" ] || scontrol requeue "$SLURM_JOB_ID"
exit "$code"
"""


def make(settings: Settings) -> SlurmExecutor:
    """The executor of these settings.

    Raises:
        ConfigError: when one of them is nothing that Slurm takes.
    """
    for name in ("partition", "account", "gres", "time"):
        value: str = getattr(settings, f"slurm_{name}")
        if value and not _FIELD.fullmatch(value):
            raise ConfigError(
                f"TL_SLURM_{name.upper()} is {value!r}.",
                "It is one word as sbatch takes it, without blanks.",
                "See docs/guide/executors.md.",
            )
    return SlurmExecutor(settings)


@dataclass(frozen=True)
class _Known:
    """What Slurm says of a job: its number, state, reason or exit code, and machines."""

    number: str
    state: str
    why: str
    nodes: str

    @property
    def sentence(self) -> str:
        about = f" ({self.why})" if self.why not in ("", "None", "0:0") else ""
        where = f" on {self.nodes}" if self.nodes not in ("", "None assigned") else ""
        return f"Slurm job {self.number}: {self.state}{about}{where}."


class SlurmExecutor:
    """Jobs of Slurm on a home and in an environment that its machines share.

    Args:
        settings: partition, account, generic resources and time limit; what a job is given.
    """

    name = SLURM

    def __init__(self, settings: Settings) -> None:
        self._settings, self._home = settings, settings.home_path

    def submit(self, folder: Path, needs: Needs) -> Job:
        """Queue a batch job.

        Raises:
            UserError: when sbatch refuses it.
        """
        environment = {
            **{name: os.environ[name] for name in _ALSO if name in os.environ},
            **needs.environment,
            YIELD_VARIABLE: "1",
        }
        script = _SCRIPT.format(
            python=shlex.quote(self._settings.slurm_python or sys.executable),
            folder=shlex.quote(str(folder)),
        )
        arguments = [
            "--parsable",
            f"--job-name={_slurm_name(needs.job)}",
            f"--chdir={_ROOT}",
            f"--output={folder / 'worker.log'}",
            "--open-mode=append",
            "--requeue",
            f"--signal=B:USR1@{_WARNED_SECONDS}",
            "--nodes=1",
            "--ntasks=1",
            f"--cpus-per-task={needs.processors}",
            # names alone: their values pass by the environment, which no list of processes shows
            f"--export={','.join(sorted(environment))}",
            *([f"--mem={needs.memory // _MEGABYTE}"] if needs.memory else []),
            *self._wishes(needs),
        ]
        given = {**os.environ, **environment}  # sbatch itself may need more, such as SLURM_CONF
        told = _call("sbatch", *arguments, given=script, environment=given)
        number = told.strip().partition(";")[0]  # a name of a cluster may follow
        if not _NUMBER.fullmatch(number):
            raise SilentError(f"sbatch answered {told[:200]!r}")
        return Job(needs.job)

    def _wishes(self, needs: Needs) -> list[str]:
        """What the settings ask for beside."""
        asked = {
            "partition": self._settings.slurm_partition,
            "account": self._settings.slurm_account,
            "gres": self._settings.slurm_gres if needs.gpus else "",
            "time": self._settings.slurm_time,
        }
        return [f"--{name}={value}" for name, value in asked.items() if value]

    def poll(self, job: str) -> str:
        """What squeue says, or sacct of a job that it has forgotten.

        Raises:
            SilentError: when they give no answer, or one that nobody understands.
        """
        found = self._ask(job)
        if found is None:
            return LOST
        if found.state not in _STATES:
            raise SilentError(f"job {found.number} is {found.state!r}")
        return _STATES[found.state]

    def _ask(self, job: str) -> _Known | None:
        name = _slurm_name(job)
        told = _call(
            *("squeue", "--noheader", "--states=all", f"--name={name}", "--format=%i|%T|%r|%N")
        )
        try:
            told = told.strip() or _call(
                *("sacct", "--noheader", "--parsable2", "--allocations", f"--name={name}"),
                *("--starttime=now-30days", "--format=JobIDRaw,State,ExitCode,NodeList"),
            )
        except UserError:  # accounting is switched off, or its command not installed
            told = ""
        jobs = [_read(line) for line in told.splitlines() if line.strip()]
        return max(jobs, key=lambda one: int(one.number), default=None)

    def logs(self, job: str) -> str:
        """What Slurm says of the job, then what its worker has said."""
        found = self._ask(job)
        said = last_lines(self._home / "runs" / run_of(job) / "worker.log")
        return "\n".join(part for part in (found.sentence if found else "", said) if part)

    def cancel(self, job: str) -> None:
        """scancel; a job that is over is no error."""
        _call("scancel", "--quiet", f"--name={_slurm_name(job)}")

    def check(self) -> None:
        """Whether Slurm answers, has the partition, and its workers can reach the registry.

        Raises:
            UserError: when not.
        """
        try:
            _call("scontrol", "ping")
            nodes = self.resources().nodes
        except SilentError as error:
            raise UserError(
                "Slurm gives no answer.",
                f"{error}.",
                "Look whether slurmctld runs; what waits is submitted when it answers.",
            ) from error
        if not nodes:
            raise UserError(
                "Slurm has no machine for trainings.",
                f"The partition {self._settings.slurm_partition or '(default)'!r} holds none.",
                "Set TL_SLURM_PARTITION to one that sinfo lists.",
            )
        others = [node.name for node in nodes if node.name not in (HOST, HOST.partition(".")[0])]
        if others and sandbox.is_sqlite(self._settings):
            raise UserError(
                "The registry is an SQLite file, which workers on other machines cannot share.",
                f"Slurm has {', '.join(others[:3])}.",
                "Set TL_DATABASE_URL to a PostgreSQL server that they reach.",
            )

    def resources(self) -> Resources:
        """What sinfo lists; as many slots as such trainings fit at once."""
        wanted = self._settings.slurm_partition
        told = _call(
            *("sinfo", "--noheader", "--Node", "--format=%N|%c|%m|%G|%T"),
            *([f"--partition={wanted}"] if wanted else []),
        )
        nodes = {node.name: node for node in map(_node, told.split())}
        processors = self._settings.number("job_processors")
        fit = 0
        for node in nodes.values():
            if not node.state.startswith(_AWAY_NODES):
                by_processors = node.processors // processors
                fit += min(by_processors, node.gpus) if self._settings.slurm_gres else by_processors
        slots = self._settings.number("workers") if self._settings.workers else max(1, fit)
        return Resources(slots, tuple(nodes.values()))


def _slurm_name(job: str) -> str:
    return f"graft-{job}"


def _read(line: str) -> _Known:
    """A line of squeue or sacct: number, state, reason, machines.

    Raises:
        SilentError: when it is anything else.
    """
    parts = line.strip().split("|")
    if len(parts) != 4 or not _NUMBER.fullmatch(parts[0]):
        raise SilentError(f"Slurm answered {line[:200]!r}")
    state, _, rest = parts[1].partition(" ")  # CANCELLED by 1000
    why = " ".join(part for part in (rest, parts[2]) if part)
    return _Known(parts[0], state.rstrip("+"), why, parts[3])


def _node(line: str) -> Node:
    """A line of sinfo: name, processors, megabytes, generic resources, state.

    Raises:
        SilentError: when it is anything else.
    """
    parts = line.split("|")
    numbers = [part.rstrip("+") for part in parts[1:3]]
    if len(parts) != 5 or not all(_NUMBER.fullmatch(number) for number in numbers):
        raise SilentError(f"sinfo answered {line[:200]!r}")
    processors, megabytes = map(int, numbers)
    return Node(parts[0], processors, megabytes * _MEGABYTE, _gpus(parts[3]), parts[4].lower())


def _gpus(resources: str) -> int:
    """GPUs of generic resources such as `gpu:a100:4(S:0-1),shard:8`."""
    found = re.findall(r"(?:^|,)gpu(?::[A-Za-z0-9_.-]+)??(?::(\d+))?(?:\(|,|$)", resources)
    return sum(int(count or 1) for count in found)


def _call(
    program: str,
    *arguments: str,
    given: str = "",
    environment: dict[str, str] | None = None,
) -> str:
    """What a command of Slurm prints.

    Raises:
        SilentError: when it takes too long, or cannot reach its controller.
        UserError: when it is not installed, or refuses.
    """
    try:
        done = subprocess.run(
            [program, *arguments],
            input=given,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SilentError(f"{program} took more than {_SECONDS:.0f} seconds") from error
    except OSError as error:
        raise UserError(
            f"Slurm's command {program} cannot be started.",
            f"{error}.",
            "Install Slurm's commands on the dispatcher's machine, or choose another TL_EXECUTOR.",
        ) from error
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr.strip() or done.stdout.strip())[-300:]
    if re.search("contact|connect|timed out|timeout|Zero Bytes|socket", said, re.IGNORECASE):
        raise SilentError(f"{program}: {said}")
    raise UserError(
        f"Slurm refused: {program} failed.",
        f"{said or f'exit code {done.returncode}'}.",
        "See docs/guide/executors.md for the settings; an administrator of Slurm knows the limits.",
    )
