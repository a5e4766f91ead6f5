"""What a worker hands to the function of a run's kind, and what it gets back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tl_core.access.policy import WORK
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.engine import open_database
from tl_core.errors import AccessError
from tl_core.jobs.events import EventLog
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.quotas import Quotas
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """How a run ended: one sentence, and the facts that lists and the command line show."""

    headline: str
    summary: Mapping[str, object]


@dataclass(frozen=True)
class RunContext:
    """One run at work: its config, its own folder, and what it may read."""

    config: RunConfig
    folder: Path
    settings: Settings
    events: EventLog

    @cached_property
    def version(self) -> DatasetVersion:
        """The dataset version that the run is about."""
        return DatasetVersion(Path(self.config.dataset_dir))

    @cached_property
    def target(self) -> DatasetVersion | None:
        """Another dataset that the run reads as its target, None where it names none.

        Raises:
            NotFoundError: when it has been deleted meanwhile, or is shared with the owner no more.
        """
        if not self.config.target:
            return None
        return DatasetVersion(self.datasets.get(self.config.target).folder)

    @property
    def cache(self) -> Path:
        """Where features are kept."""
        return self.settings.home_path / "features"

    @cached_property
    def datasets(self) -> DatasetStore:
        """The datasets of the run's owner."""
        return DatasetStore(
            open_database(self.settings), self.config.owner, self.settings.home_path
        )

    @cached_property
    def quotas(self) -> Quotas:
        """What people may use."""
        return Quotas(open_database(self.settings), self.settings)

    def require_work(self, run_id: str) -> None:
        """Refuse what changes an earlier run to somebody who may only look at it.

        Raises:
            NotFoundError: when it has been deleted meanwhile, or is shared no more.
            AccessError: see above.
        """
        store = RunStore(open_database(self.settings), self.config.owner, self.settings.home_path)
        if not store.may(store.find(run_id), WORK):
            raise AccessError(
                f"You may only look at run {run_id}.",
                "It belongs to somebody else.",
                "Ask its owner to share it for more.",
            )

    def folder_of(self, run_id: str) -> Path:
        """The folder of an earlier run of the same owner.

        Raises:
            NotFoundError: when it has been deleted meanwhile.
        """
        store = RunStore(open_database(self.settings), self.config.owner, self.settings.home_path)
        return store.get(run_id).folder
