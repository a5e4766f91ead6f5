"""What Linux lets a process give up for good: new ways into a network, and resources.

Nothing here needs a privilege, and nothing can be taken back by the process or its children.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

# Numbers of calls in the tables of the kernel, which have never changed.
_ON_BOTH = {"io_uring_setup": 425, "pidfd_getfd": 438}
_CALLS = {
    "x86_64": {
        "socket": 41,
        "ptrace": 101,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "seccomp": 317,
        **_ON_BOTH,
    },
    "aarch64": {
        "ptrace": 117,
        "socket": 198,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "seccomp": 277,
        **_ON_BOTH,
    },
}
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000  # calls of a second table for the same processor begin here
# By these a process could use the sockets, the memory or the network of another one.
_WAYS_AROUND = ("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "setns")
_LOCAL_KINDS = (socket.AF_UNIX, getattr(socket, "AF_NETLINK", 16))  # netlink tells of devices
_PR_SET_NO_NEW_PRIVS = 38
_SET_FILTER, _ON_EVERY_THREAD = 1, 1
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # 13: permission denied
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in what a filter sees
_SET_FLAGS, _UP = 0x8914, 0x41  # ioctl of a network device: up and running
_NEW_RULES, _UNDER_RULES = 444, 446  # landlock, numbered alike everywhere
_ASK_VERSION, _WITH_SCOPES = 1, 6  # the version of landlock that knows scopes, of Linux 6.12
_SCOPES = 0b11  # abstract sockets of others, signals to others


class KernelError(Exception):
    """The kernel does not permit it here; the text says what and why."""


def refuse_networks() -> None:
    """Let no thread of this process, nor any child, open a socket to a network again.

    Open sockets go on working, and so do those between processes of one machine (AF_UNIX). Refused
    are also io_uring, which would open sockets unseen, and the calls that reach into other
    processes.

    Raises:
        KernelError: where the kernel has no seccomp, or this is another system than Linux.
    """
    _apply(_program([*_WAYS_AROUND, "io_uring_setup"], families=_LOCAL_KINDS))


def enter_own_network() -> None:
    """Move this process, which must have a single thread, into a network of its own in which there
    is nothing but a loopback device, for good.

    Raises:
        KernelError: where that is not permitted, as in most containers.
    """
    user, group = os.geteuid(), os.getegid()
    library = _library()
    if library.unshare(_NEW_NETWORK):  # needs a right that only the administrator has,
        if library.unshare(_NEW_USER | _NEW_NETWORK):  # or a name space of users
            raise KernelError(f"no network of its own: {_reason()}")
        _write_map("setgroups", "deny")
        _write_map("uid_map", f"{user} {user} 1")
        _write_map("gid_map", f"{group} {group} 1")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            fcntl.ioctl(device, _SET_FLAGS, struct.pack("16sH22x", b"lo", _UP))
    except OSError as error:
        raise KernelError(f"no loopback device: {error.strerror}") from error
    _apply(_program(_WAYS_AROUND))


def stay_among_own_processes() -> None:
    """Close the memory and environment of all other processes to this thread and to what it starts
    from now on, and let it signal nobody but its own children.

    Raises:
        KernelError: where the kernel is older than Linux 6.12 or built without landlock.
    """
    library = _library()
    version = library.syscall(_NEW_RULES, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < _WITH_SCOPES:
        raise KernelError("the kernel is older than Linux 6.12, or without landlock")
    scopes = struct.pack("QQQ", 0, 0, _SCOPES)  # of files and ports nothing is restricted
    rules = library.syscall(_NEW_RULES, scopes, ctypes.c_size_t(len(scopes)), 0)
    if rules < 0:
        raise KernelError(f"no landlock: {_reason()}")
    try:
        if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or library.syscall(
            _UNDER_RULES, rules, 0
        ):
            raise KernelError(f"no landlock: {_reason()}")
    finally:
        os.close(rules)


def limit(name: str, value: int) -> bool:
    """Lower the limit `name` of this process and its children (`FSIZE`, `CORE` and so on, see
    `resource`) to `value`, if it is not lower already; False where the system knows none.
    """
    try:
        import resource
    except ImportError:  # Windows
        return False
    number = getattr(resource, f"RLIMIT_{name}", None)
    if number is None:
        return False
    ceiling = resource.getrlimit(number)[1]
    lower = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
    with suppress(ValueError, OSError):
        resource.setrlimit(number, (lower, lower))
        return True
    return False


def end_first_when_memory_runs_out(preference: int) -> None:
    """Let the kernel end this process before others (0: like any other, 1000: always first)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(preference))


def give_way(niceness: int) -> None:
    """Let the processor go to other processes first (0: like any other, 19: least of all). Desktop
    kernels share it out among sessions before they look at processes, see sched(7), so a leader
    of a session says it for the session as well.
    """
    if hasattr(os, "nice"):
        os.nice(niceness)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def memory_limit() -> int:
    """Bytes of memory that this process could use at most: of the machine with its swap space, or
    what its container has been given.
    """
    import psutil

    limits = [psutil.virtual_memory().total + psutil.swap_memory().total]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limits.append(int(Path(path).read_text()))
    return min(limits)


def _table() -> dict[str, int]:
    """The numbers of calls on this machine."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        raise KernelError(f"not known how on {sys.platform} {platform.machine()}")
    return _CALLS[platform.machine()]


def _library() -> ctypes.CDLL:
    _table()
    return ctypes.CDLL(None, use_errno=True)


def _reason() -> str:
    return os.strerror(ctypes.get_errno())


def _write_map(name: str, text: str) -> None:
    try:
        Path(f"/proc/self/{name}").write_text(text)
    except OSError as error:
        raise KernelError(f"no name space of users: {error.strerror}") from error


def _program(refused: Iterable[str], families: Sequence[int] = ()) -> bytes:
    """A filter of system calls: those of another architecture and of `refused` get "permission
    denied", and so does a socket of another family than `families`, where some are given.
    """
    calls, machine = _table(), platform.machine()
    steps = [  # a code, its value, and where to go on when it holds and when not (empty: next)
        (_LOAD, _ARCHITECTURE, "", ""),
        (_EQUAL, _ARCHITECTURES[machine], "", "refuse"),
        (_LOAD, _NUMBER, "", ""),
    ]
    if machine == "x86_64":
        steps.append((_AT_LEAST, _X32, "refuse", ""))
    steps += [(_EQUAL, calls[name], "refuse", "") for name in refused]
    if families:
        steps.append((_EQUAL, calls["socket"], "", "allow"))
        steps.append((_LOAD, _FIRST_ARGUMENT, "", ""))
        steps += [(_EQUAL, int(family), "allow", "") for family in families]
        steps.append((_RETURN, _REFUSE, "", ""))
    ends = {"allow": len(steps), "refuse": len(steps) + 1}
    steps += [(_RETURN, _ALLOW, "", ""), (_RETURN, _REFUSE, "", "")]
    packed = b""
    for at, (code, value, *targets) in enumerate(steps):
        jumps = [ends[target] - at - 1 if target else 0 for target in targets]
        packed += struct.pack("HBBI", code, *jumps, value)
    return packed


class _Filter(ctypes.Structure):
    """`struct sock_fprog`: how many instructions, and where."""

    _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_char_p)]


def _apply(program: bytes) -> None:
    """Filter the system calls of every thread of this process from now on."""
    library, call = _library(), _table()["seccomp"]
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise KernelError(f"rights could still grow: {_reason()}")
    given = _Filter(len(program) // 8, program)
    left = library.syscall(call, _SET_FILTER, _ON_EVERY_THREAD, ctypes.byref(given))
    if left:
        raise KernelError(
            f"no filter of system calls: {_reason() if left < 0 else f'not on thread {left}'}"
        )
