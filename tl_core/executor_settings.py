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
