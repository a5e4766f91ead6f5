"""The workplace on this machine: its database, its folders, its processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tl_core.cli.following import result_of
from tl_core.cli.output import Output, ProgressLine
from tl_core.cli.stores import open_stores
from tl_core.cli.workplace import (
    OWN_ROWS,
    LabellingObject,
    Made,
    NewDataset,
    PredictionWishes,
)
from tl_core.config import RunConfig
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import StateError, UserError
from tl_core.evaluate.report import FILE, Report, load_report
from tl_core.registry.datasets import DatasetRecord, DatasetStore
from tl_core.registry.label_answers import AnswerStore
from tl_core.registry.run import Run
from tl_core.registry.runs import RunStore
from tl_core.results import LABEL_QUEUE, ExportedBundle, LabelQueue
from tl_core.services.labelling import Labelling
from tl_core.services.labelling_contract import (
    answer,
    labelling_object,
    proposal,
    take,
)
from tl_core.settings import Settings
from tl_core.storage import remove_tree

if TYPE_CHECKING:
    from tl_core.export.wishes import Wishes
    from tl_core.jobs.events import RunView
    from tl_core.predict.batch import Predicted

_LOOK_SECONDS = 0.2
_TRAININGS = ("train", "preflight")


class ThisMachine:
    """Works in TL_HOME; makes the database where there is none yet. Deletes at once, past the
    trash.
    """

    look_seconds = _LOOK_SECONDS

    def __init__(self) -> None:
        self.settings, self._datasets, self._runs = open_stores()

    def list_datasets(self) -> Sequence[DatasetRecord]:
        return self._datasets.list(all_versions=True)

    def dataset(self, reference: str) -> DatasetRecord:
        return self._datasets.get(reference)

    def facts(self, record: DatasetRecord) -> VersionInfo:
        return DatasetVersion(record.folder).info

    def add(self, wanted: NewDataset, output: Output) -> Made:
        from tl_core.services.datasets import add_dataset

        del output
        return add_dataset(
            self._datasets,
            self.settings,
            wanted.source,
            wanted.name,
            wanted.options,
            wanted.test,
            append=wanted.append,
            strict=wanted.strict,
        )

    def delete_dataset(self, reference: str, *, with_runs: bool) -> tuple[int, int]:
        dependent = [run.id for run in self._runs.of_dataset(reference)] if with_runs else []
        run_folders = self._runs.discard(dependent) if dependent else []
        for folder in run_folders:
            remove_tree(folder)
        version_folders = self._datasets.discard(reference)
        for folder in version_folders:
            remove_tree(folder)
        return len(version_folders), len(run_folders)

    def labelling(self, reference: str) -> LabellingObject:
        labelling, record = self._labelling(reference)
        return labelling_object(labelling, record, self._datasets.policy.handle)

    def _labelling(self, reference: str) -> tuple[Labelling, DatasetRecord]:
        record = self._datasets.get(reference)
        return Labelling(AnswerStore(self._datasets), record), record

    def take_rows(self, reference: str, count: int) -> Mapping[str, Any]:
        labelling, record = self._labelling(reference)
        return {"dataset": record.reference, "rows": take(labelling, count)}

    def answer_rows(
        self, reference: str, action: str, labels: Mapping[int, str], *, new: bool = False
    ) -> LabellingObject:
        answer(self._labelling(reference)[0], action, labels.items(), new=new)
        return self.labelling(reference)

    def undo_answer(self, reference: str) -> tuple[Sequence[int], LabellingObject]:
        rows = self._labelling(reference)[0].undo()
        return rows, self.labelling(reference)

    def propose(
        self, reference: str, backbone: str, wishes: Mapping[str, object], output: Output
    ) -> tuple[str, LabelQueue] | None:
        labelling, record = self._labelling(reference)
        who = self.settings.user
        config = proposal(labelling.standing, record, who, self.settings, wishes, backbone)
        return result_of(config, LABEL_QUEUE, self, output)

    def apply_labels(self, reference: str, output: Output) -> Made:
        from tl_core.services.datasets import relabel_dataset

        del output
        return relabel_dataset(self._datasets, reference)

    def list_runs(self) -> Sequence[Run]:
        return self._runs.list(limit=None)

    def run(self, run_id: str) -> Run:
        return self._runs.get(run_id)

    def config_of(self, run: Run) -> RunConfig:
        return RunConfig.read(run.folder)

    def start(self, config: RunConfig) -> Run:
        if config.kind in _TRAININGS:
            from tl_core.services.trainings import check_training

            check_training(config)
        return self._taken(self._runs.create(config))

    def cancel(self, run_id: str) -> Run:
        return self._runs.cancel(run_id)

    def stop(self, run_id: str) -> Run:
        return self._runs.stop(run_id)

    def resume(self, run_id: str) -> Run:
        return self._taken(self._runs.resume(run_id))

    def _taken(self, run: Run) -> Run:
        from tl_core.jobs.dispatch import ensure_dispatcher

        ensure_dispatcher(self.settings)
        return run

    def delete_run(self, run_id: str) -> None:
        for folder in self._runs.discard([run_id]):
            remove_tree(folder)

    def take_in(self, run: Run, view: RunView) -> None:
        view.follow(run.folder)

    def report(self, run_id: str) -> Report:
        return read_report(self._runs.get(run_id))

    def export(self, run_id: str, folder: Path, wishes: Wishes, output: Output) -> ExportedBundle:
        from tl_core.export.bundle import export as make_bundle
        from tl_core.progress import Progress

        del output
        run = self._runs.get(run_id)
        version = None
        if wishes.int8 or wishes.examples:
            version = DatasetVersion(self._datasets.get(run.dataset).folder)
        return make_bundle(run.folder, folder, wishes, version, Progress())

    def predict(
        self, model: str, source: str, wishes: PredictionWishes, output: Output
    ) -> Predicted:
        from tl_core.predict import carried

        folder, dataset = model_folder(self._runs, model)
        preparation, path = preparation_for(self._datasets, folder, dataset), Path(source)
        own_rows = source.startswith(OWN_ROWS)
        if own_rows:
            record = self._datasets.get(source.removeprefix(OWN_ROWS))
            path, preparation = carried.unlabelled(DatasetVersion(record.folder), preparation)
        return predict_with(
            folder, path, wishes, self.settings, output, preparation, prepared=own_rows
        )


def read_report(run: Run) -> Report:
    """The report of a finished run.

    Raises:
        StateError: when it has none.
    """
    if not (run.folder / FILE).is_file():
        raise StateError(
            f"Run {run.id} has no report.",
            f"It is {run.status}.",
            "Wait until it is done, or resume it.",
        )
    return load_report(run.folder)


def is_model_folder(model: str) -> bool:
    """Whether this names a folder with a trained model on this machine, not a run."""
    path = Path(model)
    return (path / "config.json").is_file() and not (path / "events.jsonl").exists()


def model_folder(runs: RunStore, model: str) -> tuple[Path, str]:
    """The model folder of a run id or path, and the dataset reference it was trained on.

    Raises:
        NotFoundError: when it is neither.
        UserError: when the run has no model.
    """
    if is_model_folder(model):
        return Path(model), ""
    run = runs.get(model)
    if not (run.folder / "model" / "config.json").is_file():
        raise UserError(
            f"Run {run.id} has no model to predict with.",
            f"It is a {run.recipe or run.kind} run and {run.status}.",
            "Choose a finished run of the recipe 'probe'.",
        )
    return run.folder / "model", run.dataset


def preparation_for(datasets: DatasetStore, folder: Path, dataset: str) -> Preparation | None:
    """What training did to a row; of models that do not carry it, their dataset says it."""
    from tl_core.predict.carried import of_version, preparation_of

    carried = preparation_of(folder)
    if carried is None and dataset:
        return of_version(DatasetVersion(datasets.get(dataset).folder).info)
    return carried


def predict_with(
    folder: Path,
    source: Path,
    wishes: PredictionWishes,
    settings: Settings,
    output: Output,
    preparation: Preparation | None = None,
    *,
    prepared: bool = False,
) -> Predicted:
    """Write the answers of the model in a folder, with a line of progress.

    Args:
        folder: of the model.
        source: what is to be predicted.
        wishes: how, and where to.
        settings: bounds for unpacking.
        output: for the progress.
        preparation: what training did to a row; None: what the model carries.
        prepared: the rows are a dataset's own, which has joined and repaired them already.
    """
    from tl_core.predict.batch import predict_source

    progress = ProgressLine(output)
    try:
        return predict_source(
            folder,
            source,
            wishes.target,
            settings,
            progress=progress,
            spreadsheet=wishes.spreadsheet,
            text_column=wishes.text_column,
            title_column=wishes.title_column,
            precision=wishes.precision,
            preparation=preparation,
            prepared=prepared,
            strict=wishes.strict,
            processes=wishes.processes,
        )
    finally:
        progress.end()  # an error has a line of its own
