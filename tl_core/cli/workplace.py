"""Where commands work: on this machine, or on a server that TL_SERVER names. They ask a `Workplace`
for everything, and need not know which of the two it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tl_core.cli.output import Output
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import VersionInfo
from tl_core.evaluate.report import Report
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run
from tl_core.results import ExportedBundle, LabelQueue
from tl_core.settings import Settings

if TYPE_CHECKING:
    from tl_core.export.wishes import Wishes
    from tl_core.jobs.events import RunView
    from tl_core.predict.batch import Predicted

OWN_ROWS = "unlabelled:"
Made = tuple[DatasetRecord, VersionInfo, bool]
"""A version, its facts, and whether it is new."""
LabellingObject = Mapping[str, Any]
"""Of the command line contract; see `services/labelling_contract.py`."""


@dataclass(frozen=True)
class NewDataset:
    """A dataset, or its next version, as `data add` is asked for it."""

    source: str
    name: str
    options: ImportOptions
    test: str = ""
    append: bool = False
    strict: bool = False


@dataclass(frozen=True)
class PredictionWishes:
    """How `predict` shall read a file, and where the answers go."""

    target: Path
    precision: str = "auto"
    spreadsheet: bool = False
    text_column: str = ""
    title_column: str = ""
    strict: bool = False
    processes: int = 1


class Workplace(Protocol):
    """Datasets and runs of the acting person. Every method raises a UserError where it cannot do
    what is asked.
    """

    settings: Settings
    look_seconds: float  # between two looks at a run that is followed

    def list_datasets(self) -> Sequence[DatasetRecord]:
        """All versions, newest first."""
        ...

    def dataset(self, reference: str) -> DatasetRecord:
        """The version of a reference."""
        ...

    def facts(self, record: DatasetRecord) -> VersionInfo:
        """Everything about a version but its rows."""
        ...

    def add(self, wanted: NewDataset, output: Output) -> Made:
        """Make a version of a source."""
        ...

    def delete_dataset(self, reference: str, *, with_runs: bool) -> tuple[int, int]:
        """Delete a dataset or a version; gives how many versions and runs have gone."""
        ...

    def labelling(self, reference: str) -> LabellingObject:
        """How far the labelling of a version is."""
        ...

    def take_rows(self, reference: str, count: int) -> Mapping[str, Any]:
        """The next rows for the acting person, and the version that they are of."""
        ...

    def answer_rows(
        self, reference: str, action: str, labels: Mapping[int, str], *, new: bool = False
    ) -> LabellingObject:
        """Label rows, pass them over (`skip`) or have the last word about them (`settle`)."""
        ...

    def undo_answer(self, reference: str) -> tuple[Sequence[int], LabellingObject]:
        """Take back what the acting person answered last; gives its rows."""
        ...

    def propose(
        self, reference: str, backbone: str, wishes: Mapping[str, object], output: Output
    ) -> tuple[str, LabelQueue] | None:
        """What to label next, and the run that chose it; None where that failed and its reason was
        printed.
        """
        ...

    def apply_labels(self, reference: str, output: Output) -> Made:
        """Make the labels the next version."""
        ...

    def list_runs(self) -> Sequence[Run]:
        """The newest runs."""
        ...

    def run(self, run_id: str) -> Run:
        """One run as it stands."""
        ...

    def config_of(self, run: Run) -> RunConfig:
        """What a training was asked to do."""
        ...

    def start(self, config: RunConfig) -> Run:
        """Queue a run, if it can be carried out, and see to it that somebody takes it."""
        ...

    def cancel(self, run_id: str) -> Run:
        """Stop a queued or running run."""
        ...

    def stop(self, run_id: str) -> Run:
        """End a running training, and keep its best state."""
        ...

    def resume(self, run_id: str) -> Run:
        """Queue an ended run again, and see to it that somebody takes it."""
        ...

    def delete_run(self, run_id: str) -> None:
        """Delete an ended run."""
        ...

    def take_in(self, run: Run, view: RunView) -> None:
        """Let a view take in what a run has told since."""
        ...

    def report(self, run_id: str) -> Report:
        """The report of a finished run."""
        ...

    def export(self, run_id: str, folder: Path, wishes: Wishes, output: Output) -> ExportedBundle:
        """Make the bundle of a finished run in a folder that does not exist yet."""
        ...

    def predict(
        self, model: str, source: str, wishes: PredictionWishes, output: Output
    ) -> Predicted:
        """Write the answers of a model about a source."""
        ...
