"""The workplace on a server: what commands do on this machine, by its API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from tl_core.cli.following import follow
from tl_core.cli.output import Output, ProgressLine
from tl_core.cli.remote.answered import config_of, info_of, record_of, run_of
from tl_core.cli.remote.packing import Sent, as_file, unpack_bundle
from tl_core.cli.remote.server_client import ServerClient, ServerError, named
from tl_core.cli.this_machine import is_model_folder, predict_with
from tl_core.cli.workplace import (
    OWN_ROWS,
    LabellingObject,
    Made,
    NewDataset,
    PredictionWishes,
)
from tl_core.config import RunConfig
from tl_core.data.versions.store import VersionInfo
from tl_core.errors import ConfigError, DataError, StateError
from tl_core.evaluate.report import Report
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run
from tl_core.results import EXPORT, ExportedBundle, LabelQueue
from tl_core.settings import Settings

if TYPE_CHECKING:
    from tl_core.export.wishes import Wishes
    from tl_core.jobs.events import RunView
    from tl_core.predict.batch import Predicted

_LOOK_SECONDS = 1.0
_LISTED = 200  # runs in one answer, the most that the server gives
_NO_FILES = ("hub", "sample")
_NEVER = ("http", "https", "s3")
_TABLES = {".csv": "csv", ".parquet": "parquet"}


class ServerWorkplace:
    """Works on the server of TL_SERVER; what is deleted there goes into its trash."""

    look_seconds = _LOOK_SECONDS

    def __init__(self, settings: Settings) -> None:
        self.settings, self._client = settings, ServerClient(settings)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def list_datasets(self) -> Sequence[DatasetRecord]:
        answer = self._client.get("/datasets", all_versions=True)
        return [record_of(facts) for facts in answer["datasets"]]

    def dataset(self, reference: str) -> DatasetRecord:
        return record_of(self._client.get(f"/datasets/{named(reference)}"))

    def facts(self, record: DatasetRecord) -> VersionInfo:
        return info_of(self._client.get(f"/datasets/{named(record.reference)}"))

    def add(self, wanted: NewDataset, output: Output) -> Made:
        kind = wanted.source.partition(":")[0]
        if kind in _NEVER:
            raise DataError(
                f"Data cannot be fetched from {kind} addresses.",
                "A server that fetches whatever it is told could be made to read its own network.",
                "Download it and bring the file, zip or folder.",
            )
        wishes = {
            "name": wanted.name,
            "options": wanted.options.as_dict(),
            "append": wanted.append,
            "strict": wanted.strict,
        }
        if kind in _NO_FILES and ":" in wanted.source:
            if wanted.test:
                raise ConfigError(
                    "A second source goes with a file or folder only.", "", "Leave --test out."
                )
            started = self._client.post("/datasets", {**wishes, "source": wanted.source})
        else:
            sources = {"file": wanted.source, **({"test": wanted.test} if wanted.test else {})}
            started = self._send("/datasets", wishes, sources, output)
        summary = self._ended(started, output)
        record = self.dataset(str(summary["dataset"]))
        return record, self.facts(record), bool(summary["new"])

    def _send(
        self, path: str, fields: Mapping[str, object], sources: Mapping[str, str], output: Output
    ) -> Any:  # noqa: ANN401
        """Upload files or folders, with a line of progress."""
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in fields.items()
        }
        progress = ProgressLine(output)
        with ExitStack() as opened:
            files = {}
            for name, source in sources.items():
                file = opened.enter_context(as_file(source))
                handle = opened.enter_context(file.open("rb"))
                files[name] = file.name, Sent(handle, progress.batch)
            progress.stage("Uploading")
            try:
                return self._client.send(path, texts, files)
            finally:
                progress.end()

    def _ended(self, started: Mapping[str, Any], output: Output) -> Mapping[str, Any]:
        """What came of a run that was started, followed to its end; a person who breaks off breaks
        it off.

        Raises:
            ServerError: when it has not ended well.
        """
        run = run_of(started)
        try:
            run = follow(run, self, output)
        except KeyboardInterrupt:
            self.cancel(run.id)
            raise
        if run.status != "done":
            raise ServerError(run.reason or {"what": f"Run {run.id} is {run.status}."})
        return {**(run.summary or {}), "run_id": run.id}

    def delete_dataset(self, reference: str, *, with_runs: bool) -> tuple[int, int]:
        answer = self._client.delete(f"/datasets/{named(reference)}", with_runs=with_runs)
        return answer["versions"], answer["runs"]

    def labelling(self, reference: str) -> LabellingObject:
        return cast(LabellingObject, self._client.get(f"/labelling/{named(reference)}"))

    def take_rows(self, reference: str, count: int) -> Mapping[str, Any]:
        path = f"/labelling/{named(reference)}/take"
        return cast(Mapping[str, Any], self._client.post(path, {"count": count}))

    def answer_rows(
        self, reference: str, action: str, labels: Mapping[int, str], *, new: bool = False
    ) -> LabellingObject:
        said = [{"row": row, "label": label} for row, label in labels.items()]
        body = {"action": action, "labels": said, "new": new}
        path = f"/labelling/{named(reference)}/answers"
        return cast(LabellingObject, self._client.post(path, body))

    def undo_answer(self, reference: str) -> tuple[Sequence[int], LabellingObject]:
        found = dict(self._client.post(f"/labelling/{named(reference)}/undo"))
        return found.pop("undone"), found

    def propose(
        self, reference: str, backbone: str, wishes: Mapping[str, object], output: Output
    ) -> tuple[str, LabelQueue] | None:
        path = f"/proposals/{named(reference)}"
        made = self._ended(self._client.post(path, {**wishes, "backbone": backbone}), output)
        found = dict(self._client.get(path, run=made["run_id"]))  # others choose, too
        return found.pop("run"), cast(LabelQueue, found)

    def apply_labels(self, reference: str, output: Output) -> Made:
        started = self._client.post(f"/labelling/{named(reference)}/version")
        record = self.dataset(str(self._ended(started, output)["dataset"]))
        return record, self.facts(record), True

    def list_runs(self) -> Sequence[Run]:
        found: list[Run] = []
        after: str | None = ""
        while after is not None:
            answer = self._client.get("/runs", limit=_LISTED, cursor=after)
            found += [run_of(facts) for facts in answer["runs"]]
            after = answer["next"]
        return found

    def run(self, run_id: str) -> Run:
        return run_of(self._client.get(f"/runs/{named(run_id)}"))

    def config_of(self, run: Run) -> RunConfig:
        return config_of(self._client.get(f"/runs/{named(run.id)}"), self.settings.user)

    def start(self, config: RunConfig) -> Run:
        body = {
            "kind": config.kind,
            "dataset": config.dataset,
            "recipe": config.recipe,
            "backbone": config.backbone,
            "settings": config.options,
            "sealed": config.sealed,
        }
        return run_of(self._client.post("/runs", body))

    def cancel(self, run_id: str) -> Run:
        return self._told(run_id, "cancel")

    def stop(self, run_id: str) -> Run:
        return self._told(run_id, "stop")

    def resume(self, run_id: str) -> Run:
        return self._told(run_id, "resume")

    def _told(self, run_id: str, what: str) -> Run:
        return run_of(self._client.post(f"/runs/{named(run_id)}/{what}"))

    def delete_run(self, run_id: str) -> None:
        self._client.delete(f"/runs/{named(run_id)}")

    def take_in(self, run: Run, view: RunView) -> None:
        answer = self._client.get(f"/runs/{named(run.id)}/events", **{"from": view.offset})
        for event in answer["events"]:
            view.add(event)
        view.offset = answer["next"]

    def report(self, run_id: str) -> Report:
        return cast(Report, self._client.get(f"/runs/{named(run_id)}/report"))

    def export(self, run_id: str, folder: Path, wishes: Wishes, output: Output) -> ExportedBundle:
        self.run(run_id)
        if folder.exists():
            raise StateError(
                f"{folder.name} is there already.",
                "Nothing is overwritten.",
                "Choose another name.",
            )
        body = {"onnx": wishes.onnx, "int8": wishes.int8, "examples": wishes.examples}
        made = self._ended(self._client.post(f"/runs/{named(run_id)}/bundle", body), output)
        files = f"/runs/{named(made['run_id'])}/files"
        proof = cast(ExportedBundle, self._client.get(f"{files}/{EXPORT.name}"))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="graft-", dir=folder.parent) as beside:
            archive = Path(beside) / "bundle.zip"
            self._fetch(f"{files}/{named(str(made['file']))}", archive, output)
            unpack_bundle(archive, folder)
        return proof

    def _fetch(self, path: str, target: Path, output: Output) -> None:
        progress = ProgressLine(output)
        progress.stage("Downloading")
        try:
            self._client.fetch(path, target, progress.batch)
        finally:
            progress.end()

    def predict(
        self, model: str, source: str, wishes: PredictionWishes, output: Output
    ) -> Predicted:
        if is_model_folder(model):
            return predict_with(Path(model), Path(source), wishes, self.settings, output)
        form = _TABLES.get(wishes.target.suffix.lower())
        if form is None:
            raise DataError(
                f"{wishes.target.name!r} is neither a CSV nor a Parquet file.",
                "",
                "Call it answers.csv, for example.",
            )
        if wishes.precision != "auto":
            raise ConfigError(
                "A server chooses the precision itself.", "", "Leave --precision out."
            )
        fields: dict[str, object] = {
            "format": form,
            "spreadsheet": wishes.spreadsheet,
            "text_column": wishes.text_column,
            "title_column": wishes.title_column,
            "processes": wishes.processes,
        }
        path = f"/runs/{named(model)}/predictions"
        if source.startswith(OWN_ROWS):
            rows = {**fields, "unlabelled": source.removeprefix(OWN_ROWS)}
            started = self._client.post(path, rows)
        else:
            started = self._send(path, fields, {"file": source}, output)
        counts = dict(self._ended(started, output))
        run_id, file = str(counts.pop("run_id")), str(counts.pop("file"))
        _check_sure(counts, strict=wishes.strict)
        wishes.target.parent.mkdir(parents=True, exist_ok=True)
        self._fetch(f"/runs/{named(run_id)}/files/{named(file)}", wishes.target, output)
        return cast("Predicted", counts)


def _check_sure(counts: Mapping[str, Any], *, strict: bool) -> None:
    """Refuse answers that rest on a guess where none is wanted.

    Raises:
        DataError: names the guesses.
    """
    doubts = counts["plan"].get("uncertain", [])
    if strict and doubts:
        raise DataError(
            "It is not sure what is to be read.",
            " ".join(doubts),
            "Name the column with --text-column, or leave --strict out.",
        )
