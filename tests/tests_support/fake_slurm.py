#!/usr/bin/env python3
"""A Slurm of one file, after the manual pages of its commands: jobs are processes of this machine.

`install(folder)` writes the commands into `folder/bin`. The state of a job is a JSON file. Options
that are not known here are refused, as Slurm does.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = ("sbatch", "squeue", "sacct", "scancel", "sinfo", "scontrol")
KNOWN = {
    "sbatch": "parsable job-name chdir output open-mode requeue signal nodes ntasks cpus-per-task"
    " export mem partition account gres time",
    "squeue": "noheader states name format",
    "sacct": "noheader parsable2 allocations name starttime format",
    "scancel": "quiet name",
    "sinfo": "noheader Node format partition",
}
OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


class Slurm:
    """The controller's memory, as files."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def install(self):
        """Write the commands; gives the folder that PATH must name."""
        (self.folder / "bin").mkdir(parents=True)
        (self.folder / "jobs").mkdir()
        for name in COMMANDS:
            target = self.folder / "bin" / name
            target.write_text(
                f'#!/bin/sh\nexec {sys.executable} -S {__file__} {self.folder} {name} "$@"\n'
            )
            target.chmod(0o755)
        return self.folder / "bin"

    def hold(self, held=True):
        """Begin nothing (or begin what waits)."""
        flag = self.folder / "held"
        flag.touch() if held else flag.unlink(missing_ok=True)
        if not held:
            for job in self.jobs():
                if job["state"] == "PENDING":
                    self.begin(job["id"])

    def silence(self, silent=True):
        """The controller gives no answer."""
        flag = self.folder / "silent"
        flag.touch() if silent else flag.unlink(missing_ok=True)

    def jobs(self):
        return [json.loads(p.read_text()) for p in sorted((self.folder / "jobs").glob("*.json"))]

    def change(self, number, only=None, **values):
        """Change a job under a lock, in the state `only` alone; gives it as it was."""
        path = self.folder / "jobs" / f"{number}.json"
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            job = json.loads(path.read_text())
            if only in (None, job["state"]):
                new = path.with_suffix(".new")
                new.write_text(json.dumps({**job, **values}))
                new.replace(path)
        return job

    def begin(self, number):
        """Start the job's step daemon, once."""
        if self.change(number, only="PENDING", state="CONFIGURING")["state"] != "PENDING":
            return
        subprocess.Popen(
            [sys.executable, "-S", __file__, str(self.folder), "step", str(number)],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
        )

    def signal(self, number, what, group=True):
        job = self.change(number)
        if job["pid"]:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(job["pid"], what)

    def lose_node(self, number, requeue=False):
        """The machine of a job goes down with all that runs there."""
        self.change(number, state="NODE_FAIL", again=requeue)
        self.signal(number, signal.SIGKILL)

    def preempt(self, number):
        """Somebody more important comes: SIGTERM, and the job waits again."""
        self.change(number, again=True)
        self.signal(number, signal.SIGTERM)

    def announce_limit(self, number):
        """As `--signal=B:USR1@120` wants it: to the batch shell alone."""
        self.signal(number, signal.SIGUSR1, group=False)

    def step(self, number):
        """Be the job: start its script, wait, note how it ended."""
        job = self.change(number)
        environment = {**job["environment"], "SLURM_JOB_ID": str(number)}
        with open(job["options"]["output"], "ab") as log:
            shell = subprocess.Popen(
                ["/bin/sh", "-s"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=job["options"]["chdir"],
                env=environment,
                start_new_session=True,
            )
        script = self.folder / "jobs" / f"{number}.sh"
        script.write_text(job["script"])
        shell.stdin.write(f"exec /bin/sh {script}\n".encode())
        shell.stdin.close()
        self.change(number, state="RUNNING", pid=shell.pid)
        code = shell.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        job = self.change(number)
        if job["again"]:
            self.change(number, state="PENDING", pid=0, again=False, restarts=job["restarts"] + 1)
            if not (self.folder / "held").exists():
                self.begin(number)
            return
        ended = job["state"] if job["state"] in OVER else "FAILED" if code else "COMPLETED"
        self.change(number, state=ended, pid=0, code=f"{max(code, 0)}:{max(-code, 0)}")


def options_of(command, arguments):
    found, rest = {}, []
    for one in arguments:
        if not one.startswith("--"):
            rest.append(one)
            continue
        name, _, value = one[2:].partition("=")
        if name not in KNOWN[command].split():
            sys.exit(f"{command}: unrecognized option '{one}'")
        found[name] = value or True
    return found, rest


def sbatch(slurm, options, _):
    if options.get("partition") == "nowhere":
        sys.exit("sbatch: error: Batch job submission failed: Invalid partition name specified")
    wanted = options["export"].split(",")
    number = 100 + len(slurm.jobs())
    job = {
        "id": number,
        "name": options["job-name"],
        "state": "PENDING",
        "environment": {
            name: value
            for name, value in os.environ.items()
            if name in wanted or name.startswith("SLURM_")
        },
        "script": sys.stdin.read(),
        "options": options,
        "pid": 0,
        "again": False,
        "restarts": 0,
        "code": "0:0",
    }
    (slurm.folder / "jobs" / f"{number}.json").write_text(json.dumps(job))
    if not (slurm.folder / "held").exists():
        slurm.begin(number)
    print(number)


def squeue(slurm, options, _):
    for job in slurm.jobs():
        if job["name"] == options["name"] and not (slurm.folder / "forgetful").exists():
            why = "Resources" if job["state"] == "PENDING" else "None"
            print(f"{job['id']}|{job['state']}|{why}|{'n1' if job['pid'] else ''}")


def sacct(slurm, options, _):
    for job in slurm.jobs():
        if job["name"] == options["name"]:
            print(f"{job['id']}|{job['state']}|{job['code']}|n1")


def scancel(slurm, options, _):
    for job in slurm.jobs():
        if job["name"] == options["name"] and job["state"] not in OVER:
            slurm.change(job["id"], state="CANCELLED")
            slurm.signal(job["id"], signal.SIGTERM)
            end = time.monotonic() + 1
            while slurm.change(job["id"])["pid"] and time.monotonic() < end:
                time.sleep(0.05)
            slurm.signal(job["id"], signal.SIGKILL)


def sinfo(_slurm, _options, _):
    host = os.uname().nodename
    print(f"{host}|4|8000|(null)|idle\n{host}|4|8000|(null)|idle")


def scontrol(slurm, _, arguments):
    if arguments[:1] == ["requeue"]:
        slurm.change(int(arguments[1]), again=True)
    elif arguments == ["ping"]:
        print("Slurmctld(primary) at here is UP")
    else:
        sys.exit(f"scontrol: {arguments}")


def main():
    folder, command, *arguments = sys.argv[1:]
    slurm = Slurm(folder)
    if command == "step":
        slurm.step(int(arguments[0]))
        return
    if (slurm.folder / "silent").exists():
        sys.exit(f"{command}: error: Unable to contact slurm controller (connect failure)")
    if os.environ.get("SLURM_CONF") != folder:
        sys.exit(f"{command}: fatal: Could not establish a configuration source")
    if command == "scontrol":
        scontrol(slurm, {}, arguments)
        return
    globals()[command](slurm, *options_of(command, arguments))


if __name__ == "__main__":
    main()
