"""A real Slurm of two nodes on this machine: slurmctld, two slurmd, munge; no cgroups, no
accounting.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
from common import free_port

_CONF = """
ClusterName=graft
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
SlurmctldPort={port}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=12
KillWait=5
MinJobAge=300
SchedulerParameters=requeue_delay=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n1 NodeHostname={host} Port={first} CPUs=2 RealMemory=2000 State=UNKNOWN
NodeName=n2 NodeHostname={host} Port={second} CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=short Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


class RealSlurm:
    """The cluster; its commands find it by SLURM_CONF of this process."""

    def __init__(self, folder: Path) -> None:
        for program in ("slurmctld", "slurmd", "munged"):
            if shutil.which(program) is None:
                raise SystemExit("Slurm is not installed: apt-get install slurm-wlm munge.")
        self.folder = folder
        for name in ("state", "n1", "n2"):
            (folder / name).mkdir(parents=True)
        ports = {"port": free_port(), "first": free_port(), "second": free_port()}
        conf = folder / "slurm.conf"
        conf.write_text(_CONF.format(folder=folder, host=socket.gethostname(), **ports))
        os.environ["SLURM_CONF"] = str(conf)
        self._munge()
        self._own: list[str] = []
        subprocess.run(["slurmctld"], check=True)
        for node in ("n1", "n2"):
            subprocess.run(["slurmd", "-N", node], check=True)
        end = time.monotonic() + 30
        while "idle" not in self._say("sinfo", "--noheader", "--format=%T"):
            if time.monotonic() > end:
                raise SystemExit(f"Slurm did not start; see {folder}.")
            time.sleep(0.5)

    def _munge(self) -> None:
        """Who vouches for users; left as it is where it runs already."""
        if subprocess.run(["munge", "-n"], capture_output=True).returncode:
            place = Path("/run/munge")
            place.mkdir(exist_ok=True)
            shutil.chown(place, "munge", "munge")
            subprocess.run(["runuser", "-u", "munge", "--", "/usr/sbin/munged"], check=True)

    def _say(self, *command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def node_of(self, job: str) -> str:
        """The node that a job is on."""
        return self._say("squeue", "--noheader", f"--name=graft-{job}", "--format=%N")

    def lose(self, node: str, worker: int) -> None:
        """Kill the daemon of a node, then what it has started for the job that `worker` is of, from
        above, so that nobody is left to tell how it ended.
        """
        line = [psutil.Process(worker), *psutil.Process(worker).parents()]
        ours = [one for one in line if "slurmstepd" in one.name()]
        top = line.index(ours[-1])
        slurmd = psutil.Process(int((self.folder / f"{node}.pid").read_text()))
        for process in (slurmd, *reversed(line[: top + 1])):
            with suppress(psutil.Error):
                process.kill()

    def begin_node(self, node: str) -> None:
        """The node comes back."""
        subprocess.run(["slurmd", "-N", node], check=True)

    def urgent(self, seconds: int) -> None:
        """A job of the higher tier takes both nodes for a while."""
        subprocess.run(
            ["sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null"],
            input=f"#!/bin/sh\nsleep {seconds}\n",
            text=True,
            check=True,
            capture_output=True,
        )

    def close(self) -> None:
        self._say("scancel", "--partition=short")
        self._say("scancel", "--partition=urgent")
        time.sleep(1)
        for name in ("n1", "n2", "slurmctld"):
            with suppress(OSError, ValueError, psutil.Error):
                psutil.Process(int((self.folder / f"{name}.pid").read_text())).terminate()
