"""Where commands work: on this machine, or on a server that TL_SERVER names. They ask a `Workplace`
for everything, and need not know which of the two it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from tl_core.cli.output import Output
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import VersionInfo
from tl_core.errors import ConfigError
from tl_core.evaluate.report import Report
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run
from tl_core.results import ExportedBundle
from tl_core.settings import Settings, read_settings

if TYPE_CHECKING:
    from tl_core.export.wishes import Wishes
    from tl_core.jobs.events import RunView
    from tl_core.predict.batch import Predicted

OWN_ROWS = "unlabelled:"
ON_A_SERVER = frozenset(
    "data add|data list|data show|data delete|train|runs list|runs show|runs cancel|runs stop|"
    "runs resume|runs delete|report|predict|export".split("|")
)
"""Commands that work on a server as on this machine."""
ON_FILES = frozenset("recipes list|recipes show|verify|push|serve|doctor".split("|"))
"""Commands that need neither: they are about files at hand, or about this program."""

Made = tuple[DatasetRecord, VersionInfo, bool]
"""A version, its facts, and whether it is new."""


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


def open_workplace() -> Workplace:
    """This machine, or the server that TL_SERVER names, until the command ends."""
    settings = read_settings()
    if settings.server:
        from tl_core.cli.remote.server_workplace import ServerWorkplace

        place = ServerWorkplace(settings)
        click.get_current_context().call_on_close(place.close)
        return place
    from tl_core.cli.this_machine import ThisMachine

    return ThisMachine()


def refuse_elsewhere(command: str) -> None:
    """Refuse a command that is about this machine while TL_SERVER names another one.

    Args:
        command: its name, such as `runs list`; empty for none.

    Raises:
        ConfigError: in that case.
    """
    settings = read_settings()
    if settings.server and command and command not in ON_A_SERVER | ON_FILES:
        raise ConfigError(
            f"'{command}' does not work with a server.",
            f"TL_SERVER is {settings.server}, and it is about the machine that it runs on.",
            "Unset TL_SERVER to use it here; on the server, its pages can do the same.",
        )


def command_name(commands: click.Group, arguments: Sequence[str]) -> str:
    """The name of the command that a command line names, such as `runs list`; empty for none, and
    for a question about its help.
    """
    if not arguments or {"-h", "--help"} & set(arguments):
        return ""
    command = commands.commands.get(arguments[0])
    if isinstance(command, click.Group):
        known = len(arguments) > 1 and arguments[1] in command.commands
        return f"{arguments[0]} {arguments[1]}" if known else ""
    return arguments[0] if command else ""
