"""A run as the registry keeps it, and in which states it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tl_core.errors import ErrorObject

ACTIVE = ("queued", "running")
ENDED = ("done", "failed", "cancelled", "interrupted")
# recipes that can be stopped early and keep a model
KEEPS_BEST = ("finetune", "ladder", "auto", "distillation", "pretrain", "contrastive")


@dataclass(frozen=True)
class Run:
    """One row, as pages and command line see it. `parent` is the id of the run that it goes on
    from or looks at, `place` its position in the queue, in the order of the runs' turns, 0 when not
    queued; `priority` is what an administrator gave it. `executor` carries it out, as `job` where
    another scheduler keeps it, on `host`.
    """

    id: str
    owner: str
    kind: str
    dataset: str
    backbone: str
    recipe: str
    folder: Path
    parent: str
    status: str
    reason: ErrorObject | None
    created: float
    queued: float
    started: float | None
    finished: float | None
    progress: float
    headline: str
    summary: dict[str, object] | None
    pid: int | None
    cancel_requested: bool
    stop_requested: bool
    tags: Sequence[str] = ()
    note: str = ""
    archived: bool = False
    place: int = 0
    priority: int = 0
    executor: str = ""
    job: str = ""
    host: str | None = None

    @property
    def waits_elsewhere(self) -> bool:
        """Whether another scheduler has it and has not begun it yet, or has put it back."""
        return self.status == "running" and bool(self.job) and self.pid is None

    def as_dict(self) -> dict[str, object]:
        """The run object of the command line contract."""
        return {
            "run_id": self.id,
            "kind": self.kind,
            "dataset": self.dataset,
            "backbone": self.backbone,
            "recipe": self.recipe,
            "status": self.status,
            "reason": self.reason,
            "created": self.created,
            "started": self.started,
            "finished": self.finished,
            "progress": self.progress,
            "headline": self.headline,
            "place": self.place,
            "executor": self.executor,
            "waits_elsewhere": self.waits_elsewhere,
        }
