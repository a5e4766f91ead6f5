"""A kind of run that tries to get out of its sandbox, in a real worker process.

A worker learns of it by the `sitecustomize.py` that `install` writes: Python reads that at its
start, wherever PYTHONPATH names its folder.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from tl_core.config.checked import setting
from tl_core.config.kinds import RUN_KINDS, RunKind
from tl_core.config.specs import RunSpec
from tl_core.jobs import kernel

ROOT = Path(__file__).parents[2]
_NOTHING = 0x4200  # asks nothing of a process that is not traced
HUSH = "hush"  # stands in the value of every secret that a test plants
_ADD_UP = """
import os, torch, torch.distributed as group
group.init_process_group("gloo")
mine = torch.tensor([group.get_rank() + 1.0])
group.all_reduce(mine)
os.write(1, b"sum %d\\n" % int(mine))  # in one piece, as two processes write
"""


@dataclass(frozen=True)
class ReachSpec(RunSpec):
    """What is tried."""

    port: int = setting(1, "Port on this machine where somebody listens.", low=1, high=65535)
    processes: int = setting(1, "Processes of the run.", low=1, high=2)
    source: str = setting("", "Stands for the source of an import.")


KIND = RunKind("attempt to get out", "tests_support.reaching:reach", ReachSpec)


def install(folder: Path, monkeypatch, *, without_filters: bool = False) -> None:
    """Let this process and all workers that it starts know the kind `reach`."""
    monkeypatch.setitem(RUN_KINDS, "reach", KIND)
    lines = [
        "import sys",
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]",
        "from tests_support import reaching",
        "reaching.RUN_KINDS['reach'] = reaching.KIND",
    ]
    if without_filters:  # as on a kernel that permits none
        lines.append("reaching.kernel.refuse_networks = reaching.permit_nothing")
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", str(folder))


def permit_nothing():
    raise kernel.KernelError("no filter of system calls: Operation not permitted")


def _try(action) -> str:
    """What came of it: `reached`, or the error that a library would see."""
    try:
        with action():
            return "reached"
    except OSError as error:
        return type(error).__name__


def _connect(port: int):
    return lambda: socket.create_connection(("127.0.0.1", port), 5)


def _in_thread(action) -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(_try(action)))
    thread.start()
    thread.join()
    return found[0]


def _in_child(port: int) -> str:
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1].partition(":")[0] if done.returncode else "reached"


def _call(number: int, *arguments: object) -> str:
    library = ctypes.CDLL(None, use_errno=True)
    left = library.syscall(number, *arguments)
    return "reached" if left >= 0 else os.strerror(ctypes.get_errno())


def _talk_locally(folder: Path) -> str:
    """Whether two sockets of this machine's own kind still meet."""
    path = str(folder / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        return _try(lambda: client.connect(path) or client)


def _session_niceness() -> int | None:
    """Of this session, where the kernel shares the processor out among sessions."""
    path = Path("/proc/self/autogroup")
    return int(path.read_text().split()[-1]) if path.exists() else None


def _add_up(folder: Path) -> str:
    """What two processes of torch.distributed say, which talk over the loopback device."""
    script = folder / "add_up.py"
    script.write_text(_ADD_UP)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    return done.stdout or done.stderr[-500:]


def reach(run):
    """Try everything; the outcome tells what came of it."""
    import resource

    from tl_core.jobs.context import Outcome

    spec = ReachSpec.from_dict(run.config.options)
    os.chdir(run.folder)  # the path of a UNIX socket is short
    found = {
        "connect": _try(_connect(spec.port)),
        "thread": _in_thread(_connect(spec.port)),
        "child": _in_child(spec.port),
        "ipv6": _try(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM)),
        "udp": _try(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "io_uring": _call(425, 4, ctypes.create_string_buffer(512)),
        "ptrace": _call(kernel._CALLS[os.uname().machine]["ptrace"], _NOTHING, 1, 0, 0),
        "unix": _talk_locally(Path()),
        "secrets": sorted(name for name, value in os.environ.items() if HUSH in value),
        "offline": os.environ.get("HF_HUB_OFFLINE"),
        "threads": len(os.listdir("/proc/self/task")),
        "leads": os.getsid(0) == os.getpgid(0) == os.getpid(),
        "nice": os.nice(0),
        "session_nice": _session_niceness(),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "file": resource.getrlimit(resource.RLIMIT_FSIZE)[1],
        "tasks": resource.getrlimit(resource.RLIMIT_NPROC)[1],
        "data": resource.getrlimit(resource.RLIMIT_DATA)[1],
        "space": resource.getrlimit(resource.RLIMIT_AS)[1],
        "first": int(Path("/proc/self/oom_score_adj").read_text()),
        "sum": _add_up(run.folder) if spec.processes > 1 else "",
    }
    return Outcome("tried", found)
