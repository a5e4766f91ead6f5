"""What a worker may not do: reach a network that its run does not need, read secrets that are not
its business, use up the machine, look into other processes.

`python -m tl_core.jobs.sandbox` tries out what of that the kernel permits here, and
`... own-network RUN_FOLDER` starts a worker in a network of its own.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from tl_core.errors import ConfigError, StateError
from tl_core.jobs import kernel
from tl_core.settings import Settings, read_settings, spread_by

if TYPE_CHECKING:
    from tl_core.config import RunConfig

MODES = AUTO, OFF, REQUIRE = ("auto", "off", "require")
_OWN_NETWORK = "own-network"
_TASKS = 4096  # processes and threads more than this user has when a worker begins
_FILE_SHARE = 4  # the largest file of a run, in terms of the largest dataset
_END_FIRST = 500  # of 1000: where memory runs out, the kernel ends a worker before the pages
_SECONDS = 30.0
FAR_DATABASE = "the database is reached over the network"

_SECRET_SETTINGS = frozenset(
    spec.metadata["env"] for spec in fields(Settings) if spec.metadata["secret"]
)
# Secrets of other programs are known by a part of their name, or by a password in an address.
_SECRET_PARTS = frozenset(
    "AUTH COOKIE CREDENTIAL CREDENTIALS KEY PASS PASSPHRASE PASSWD PASSWORD PGPASSWORD PWD SECRET "
    "SECRETS TOKEN TOKENS".split()
)
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_PLACES = {"PWD", "OLDPWD"}

_DATABASE = {"TL_DATABASE_URL", "PGPASSWORD"}
_PROXIES = {
    variant
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    for variant in (name, name.lower())
}
_HUB = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", *_PROXIES}
_PUSH = {"TL_HUB_TOKEN"}
_TRACKER = {
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    *_PROXIES,
}
OF_THE_STORE = frozenset(
    f"AWS_{name}"
    for name in (
        "ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN SHARED_CREDENTIALS_FILE "
        "WEB_IDENTITY_TOKEN_FILE CONTAINER_CREDENTIALS_RELATIVE_URI CONTAINER_CREDENTIALS_FULL_URI "
        "CONTAINER_AUTHORIZATION_TOKEN_FILE"
    ).split()
)
"""Credentials of the store of artifacts, which no worker gets."""
OF_A_DISPATCHER = frozenset({"TL_WEBHOOK", "TL_RAY_TOKEN"} | _DATABASE | _HUB | _PUSH | _TRACKER)
"""The secrets that a dispatcher needs: those that it hands to some worker, and its own."""


@dataclass(frozen=True)
class Needs:
    """What a run cannot do without.

    Args:
        network: why it needs one; empty when it needs none.
        loopback: whether its processes talk to each other over the loopback device.
        secrets: names of the environment variables with a secret that it reads.
    """

    network: str = ""
    loopback: bool = False
    secrets: frozenset[str] = frozenset()


def needs_of_any(settings: Settings) -> Needs:
    """What every run needs, and so does a worker that stands by: the way to the database."""
    if is_sqlite(settings):
        return Needs()
    far = "" if has_local_database(settings) else FAR_DATABASE
    return Needs(far, secrets=frozenset(_DATABASE))


def needs_of(config: RunConfig, settings: Settings) -> Needs:
    """What the run of `config` cannot do without."""
    push = config.kind == "push"
    hub = push or any(_is_of_hub(text) for text in _texts(asdict(config)))
    always = needs_of_any(settings)
    tracked = config.kind == "train" and "mlflow" in settings.listed("trackers")
    reasons = {
        "it uploads to the Hub": push,
        "it reads from the Hub": hub,
        "its scores go to a tracker": tracked and _is_far(os.environ.get("MLFLOW_TRACKING_URI")),
        "its processes are on several machines": bool(spread_by()),
        always.network: bool(always.network),
    }
    secrets = {
        *always.secrets,
        *(_HUB if hub else ()),
        *(_PUSH if push else ()),
        *(_TRACKER if tracked else ()),
    }
    return Needs(
        next((reason for reason, holds in reasons.items() if holds), ""),
        config.options.get("processes", 1) != 1,
        frozenset(secrets),
    )


def _texts(value: object) -> Iterator[str]:
    """Every text inside of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _is_of_hub(text: str) -> bool:
    return text.removeprefix("static:").startswith("hub:") or _is_far(text)


def _is_far(address: str | None) -> bool:
    return (address or "").startswith(("http://", "https://", "databricks"))


def is_sqlite(settings: Settings) -> bool:
    """Whether the database is a file."""
    return settings.database.startswith("sqlite")


def has_local_database(settings: Settings) -> bool:
    """Whether the database is a file, or a PostgreSQL server behind a UNIX socket."""
    if is_sqlite(settings):
        return True
    from sqlalchemy.engine import make_url

    url = make_url(settings.database)
    named = url.query.get("host") or url.host or os.environ.get("PGHOST", "")
    hosts = [named] if isinstance(named, str) else named
    return all(host == "" or host.startswith(("/", "@")) for host in hosts)


def is_secret(name: str, value: str) -> bool:
    """Whether an environment variable is a secret: of ours by what the settings say, of others by
    its name or by a password in an address.
    """
    if name in _SECRET_SETTINGS:
        return True
    parts = set() if name in _PLACES else set(re.split(r"[^A-Z0-9]+", name.upper()))
    return bool(parts & _SECRET_PARTS) or bool(_PASSWORD_IN_ADDRESS.search(value))


def scrubbed(environment: Mapping[str, str], keep: frozenset[str]) -> dict[str, str]:
    """An environment without secrets but for those that `keep` names."""
    return {
        name: value
        for name, value in environment.items()
        if name in keep or not is_secret(name, value)
    }


def without_store(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a worker: what it reads was brought before, and what it makes is stored
    after it, by others.
    """
    return {name: value for name, value in environment.items() if name != "TL_STORE"}


def granted(environment: Mapping[str, str], needs: Needs) -> dict[str, str]:
    """The secrets of an environment that a run needs."""
    return {
        name: value
        for name, value in environment.items()
        if name in needs.secrets and is_secret(name, value)
    }


def mode_of(settings: Settings) -> str:
    """One of `MODES`.

    Raises:
        ConfigError: for anything else.
    """
    if settings.sandbox not in MODES:
        raise ConfigError(f"TL_SANDBOX is {settings.sandbox!r}.", f"It is {', '.join(MODES)}.")
    return settings.sandbox


def limit_resources(settings: Settings) -> dict[str, int]:
    """Limit what this process and its children may use; gives the limits that hold, in bytes or
    processes.

    Memory is limited as data (RLIMIT_DATA), and only without a GPU: an address space of limited
    size (RLIMIT_AS) cannot hold CUDA, which reserves a multiple of the memory that there is, nor
    the files that Arrow and safetensors map. Everywhere the kernel ends a worker first where memory
    runs out. No file of core dumps is written: it would hold people's data.
    """
    from tl_core.jobs.monitor import gpu_count

    wanted = {
        "CORE": 0,
        "FSIZE": _FILE_SHARE * settings.number("max_unpacked_mb") << 20,
        "NPROC": _TASKS + _tasks_of_user(),
    }
    if not gpu_count():
        wanted["DATA"] = kernel.memory_limit()
    kernel.end_first_when_memory_runs_out(_END_FIRST)
    return {name: value for name, value in wanted.items() if kernel.limit(name, value)}


def _tasks_of_user() -> int:
    """Processes and threads of this user, which the kernel counts together."""
    import psutil

    tasks, mine = 0, psutil.Process().uids().real if hasattr(os, "getuid") else None
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if mine is None or process.uids().real == mine:
                tasks += process.num_threads()
    return tasks


def confine(needs: Needs, settings: Settings, folder: Path, *, entered: str | None = None) -> str:
    """Take from this process, for good, what its run does not need. A run of several processes goes
    on in a fresh process with the same id, in a network of its own.

    Args:
        needs: of the run.
        settings: of this process.
        folder: of the run.
        entered: in that fresh process, why the network could not be entered; empty when it was.

    Returns:
        A sentence for the log.

    Raises:
        StateError: when the sandbox is required and cannot be had here.
        ConfigError: when TL_SANDBOX is none of `MODES`.
    """
    mode = mode_of(settings)
    if mode == OFF:
        return "The sandbox is switched off."
    if entered is None and needs.loopback and not needs.network:
        command = ["-m", "tl_core.jobs.sandbox", _OWN_NETWORK, str(folder)]
        os.execv(sys.executable, [sys.executable, *command])
    closed = _attempt(kernel.stay_among_own_processes)
    aside = f" Other processes stay readable: {closed}." if closed else ""
    if needs.network:
        if mode == REQUIRE and needs.network == FAR_DATABASE:
            raise refusal(needs.network, "Reach it by a UNIX socket, see docs/guide/server.md.")
        return f"The network stays open: {needs.network}.{aside}"
    problem = entered if needs.loopback else _attempt(kernel.refuse_networks)
    if problem and mode == REQUIRE:
        raise refusal(problem, "Ask whoever runs this server, or set TL_SANDBOX=auto.")
    if problem:
        return f"The network stays open: {problem}.{aside}"
    os.environ["HF_HUB_OFFLINE"] = "1"  # nobody waits for what cannot be reached
    return f"There is no network for this run.{aside}"


def refusal(why: str, try_this: str) -> StateError:
    return StateError(
        "This run cannot be shut off from the network, and TL_SANDBOX=require wants that.",
        f"{why[:1].upper()}{why[1:]}.",
        try_this,
    )


def _attempt(what: Callable[[], None]) -> str:
    """Do something of the kernel; gives why it could not be done, or nothing."""
    try:
        what()
    except kernel.KernelError as error:
        return str(error)
    return ""


class Enforced(TypedDict):
    """What of the sandbox holds on this machine."""

    mode: str
    network: bool  # whether runs that need none have none
    several_processes: bool  # also those of several processes
    other_processes: bool  # whether memory and environment of other processes are closed
    limits: dict[str, int]  # in bytes; NPROC in processes and threads
    secrets: int  # variables that no worker gets
    problems: list[str]


class _Tried(TypedDict):
    refused: str
    own: str
    apart: str
    limits: dict[str, int]


def enforced(settings: Settings) -> Enforced:
    """What of the sandbox holds on this machine, found out by trying, once in a process.

    Raises:
        ConfigError: when TL_SANDBOX is none of `MODES`.
    """
    mode = mode_of(settings)
    on, local = mode != OFF, has_local_database(settings)
    tried = _try_out() if on else _Tried(refused="", own="", apart="", limits={})
    said = {
        "TL_SANDBOX is off: workers may use the network and the whole machine.": not on,
        f"A worker can use the network: {tried['refused']}.": tried["refused"],
        f"A run of several processes can use the network: {tried['own']}.": tried["own"],
        f"A worker can look into processes of the same user: {tried['apart']}.": tried["apart"],
        "Every run keeps the network, because the database is reached over it. Reach it by a UNIX "
        "socket to close the network.": on and not local,
        "Workers run as the administrator of this machine, who can leave any sandbox.": (
            hasattr(os, "geteuid") and os.geteuid() == 0
        ),
    }
    return {
        "mode": mode,
        "network": on and local and not tried["refused"],
        "several_processes": on and local and not tried["own"],
        "other_processes": on and not tried["apart"],
        "limits": tried["limits"],
        "secrets": sum(
            is_secret(name, value) and name not in OF_A_DISPATCHER
            for name, value in os.environ.items()
        ),
        "problems": [text for text, holds in said.items() if holds],
    }


@lru_cache(maxsize=1)
def _try_out() -> _Tried:
    """What a fresh process could give up."""
    try:
        told = subprocess.run(
            [sys.executable, "-m", "tl_core.jobs.sandbox"],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
        ).stdout
        tried: _Tried = json.loads(told)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        why = f"it could not be tried ({type(error).__name__})"
        return _Tried(refused=why, own=why, apart=why, limits={})
    return tried


def _tried_here() -> _Tried:
    """Give everything up in this process and in a child, and look whether it is gone."""
    limits = limit_resources(read_settings())
    own = subprocess.run(
        [sys.executable, "-m", "tl_core.jobs.sandbox", _OWN_NETWORK], capture_output=True, text=True
    ).stdout
    apart = _attempt(kernel.stay_among_own_processes)
    refused = _attempt(kernel.refuse_networks)
    if not refused:
        with suppress(PermissionError), socket.socket(socket.AF_INET):
            refused = "a socket could be opened all the same"
    return {"refused": refused, "own": own.strip(), "apart": apart, "limits": limits}


def main(arguments: list[str]) -> int:
    """Entry point; see the module."""
    if arguments[:1] != [_OWN_NETWORK]:
        sys.stdout.write(json.dumps(_tried_here()))
        return 0
    problem = _attempt(kernel.enter_own_network)
    if len(arguments) == 1:
        sys.stdout.write(problem)
        return 0
    worker = ["-m", "tl_core.jobs.worker", arguments[1], "--entered", problem]
    os.execv(sys.executable, [sys.executable, *worker])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
