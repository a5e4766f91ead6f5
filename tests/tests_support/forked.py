"""Programs of bundles, started by a fork of a process that has imported their libraries: what takes
seconds each time is done once.

Run as a program it is that process. It must not import anything of ours: a bundle stands alone.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a program ended, and what it wrote to stderr."""

    returncode: int
    stderr: str


@cache
def _starter() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tempfile.gettempdir(),
        env={"PATH": "/usr/bin", "HF_HUB_OFFLINE": "1"},
    )


def run(program: Path, *words: object, cwd: Path) -> Ended:
    """Run a Python program with its arguments, as `python program ...` would in `cwd`."""
    starter = _starter()
    request = {"program": str(program), "words": [str(one) for one in words], "cwd": str(cwd)}
    starter.stdin.write(json.dumps(request) + "\n")
    starter.stdin.flush()
    return Ended(*json.loads(starter.stdout.readline()))


def _serve() -> None:
    from transformers import (  # noqa: F401
        AutoImageProcessor,
        AutoModelForImageClassification,
        AutoModelForSequenceClassification,
        AutoTokenizer,
    )

    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as said:
            child = os.fork()
            if not child:
                os.dup2(said.fileno(), 2)
                os._exit(_carry_out(request))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said.seek(0)
            print(json.dumps([code, said.read().decode()]), flush=True)


def _carry_out(request: dict) -> int:
    import traceback

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.chdir(request["cwd"])
    sys.argv = [request["program"], *request["words"]]
    sys.path[0] = str(Path(request["program"]).parent)
    try:
        runpy.run_path(request["program"], run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    except BaseException:  # noqa: BLE001 - the end of the program, told as Python does
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    _serve()
