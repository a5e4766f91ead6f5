"""Settings of the executors, a part of all settings, and how a setting is written down."""

from __future__ import annotations

from dataclasses import dataclass, field


def setting(env: str, default: str, text: str, *, secret: bool = False) -> str:
    """A field whose metadata feeds the README's configuration table (a test compares them); the
    value of a secret is shown nowhere.
    """
    return field(default=default, metadata={"env": env, "help": text, "secret": secret})


@dataclass(frozen=True)
class ExecutorSettings:
    """Where trainings are carried out, and what is needed for that."""

    executor: str = setting(
        "TL_EXECUTOR",
        "local",
        "Where trainings are carried out: local is the dispatcher's machine; the others are in "
        "docs/guide/executors.md. All other runs stay on that machine.",
    )
    job_processors: str = setting(
        "TL_JOB_PROCESSORS", "4", "Processors that a training gets elsewhere than on this machine."
    )
    job_memory_mb: str = setting(
        "TL_JOB_MEMORY_MB",
        "",
        "Memory that a training gets elsewhere, in MB. Empty or 0: what is usual there.",
    )
    ray_address: str = setting(
        "TL_RAY_ADDRESS",
        "",
        "Ray: address of the dashboard of the cluster's head, such as http://head:8265.",
    )
    ray_token: str = setting(
        "TL_RAY_TOKEN",
        "",
        "Ray: the token that the cluster was started with. Default: that of ~/.ray/auth_token.",
        secret=True,
    )
    slurm_partition: str = setting(
        "TL_SLURM_PARTITION", "", "Slurm: partition of trainings. Default: that of the cluster."
    )
    slurm_account: str = setting("TL_SLURM_ACCOUNT", "", "Slurm: account that trainings go on.")
    slurm_gres: str = setting(
        "TL_SLURM_GRES", "", "Slurm: what a training with a network gets, such as gpu:1."
    )
    slurm_time: str = setting(
        "TL_SLURM_TIME",
        "",
        "Slurm: time limit of a job as sbatch takes it, such as 4:00:00; a training that needs "
        "more goes on in the next job from its last checkpoint.",
    )
    slurm_python: str = setting(
        "TL_SLURM_PYTHON",
        "",
        "Slurm: Python of the same environment on its machines. Default: that of the dispatcher.",
    )
    ssh_host: str = setting(
        "TL_SSH_HOST", "", "SSH: the other machine, as ssh takes it: a name it knows, or user@host."
    )
    ssh_dir: str = setting("TL_SSH_DIR", "", "SSH: folder of all state there, its own TL_HOME.")
    ssh_python: str = setting("TL_SSH_PYTHON", "", "SSH: Python of the same environment there.")
    ssh_code: str = setting("TL_SSH_CODE", "", "SSH: folder of this program there.")
    ssh_config: str = setting(
        "TL_SSH_CONFIG",
        "",
        "SSH: file with ssh's configuration (key, port, known hosts). Default: the account's.",
    )
