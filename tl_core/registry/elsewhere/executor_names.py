"""How executors are called, and by what a worker knows which job it is."""

from __future__ import annotations

JOB_VARIABLE = "TL_JOB"  # the name of the job that a worker is of
# set where a job that is asked to go will be begun again by its scheduler: the run then waits there
YIELD_VARIABLE = "TL_YIELD"
LOCAL, SLURM, SSH = "local", "slurm", "ssh"
SPREADING = ("ray",)  # those that spread the processes of one run over several machines
TITLES = {LOCAL: "this machine", SLURM: "Slurm", SSH: "another machine by SSH", "ray": "Ray"}


def title_of(executor: str) -> str:
    """What people call an executor; runs of earlier versions, which name none, were carried out on
    the machine of the dispatcher.
    """
    return TITLES.get(executor or LOCAL, executor)
