"""The worker process: carries out one run and leaves its folder and row in a state that everyone can read.

`python -m tl_core.jobs.worker RUN_FOLDER`, or `--standby` to import the heavy libraries and wait for the folder, and
the number of a GPU, on standard input.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from tl_core import vault
from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion, write_json
from tl_core.errors import Cancelled, UserError
from tl_core.jobs.events import EventLog
from tl_core.jobs.heart import Heart
from tl_core.jobs.notify import notify
from tl_core.jobs.trackers import track
from tl_core.log import quiet_libraries, setup_logging
from tl_core.progress import Progress
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.processes import own_identity
from tl_core.registry.runs import RunWriter
from tl_core.settings import Settings, read_settings
from tl_core.storage import remove_tree

_NICENESS = 5  # on a machine without a GPU the pages must stay quick beside the training
log = logging.getLogger(__name__)


class _Terminated(Exception):
    """The system asked the process to go."""


def main(arguments: list[str]) -> int:
    """Entry point: the run folder as the only argument, or `--standby`."""
    quiet_libraries()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    if arguments == ["--standby"]:
        _import_heavy()
        line, _, gpu = sys.stdin.readline().rstrip("\n").partition("\t")
        if not line:
            return 0
        if gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before CUDA is asked for anything
        folder = Path(line)
        _become(folder)
    else:
        folder = Path(arguments[0])
    setup_logging()
    return carry_out(folder, read_settings())


def _import_heavy() -> None:
    """Import what every run needs, so that a waiting worker starts at once."""
    import datasets  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torchvision  # noqa: F401
    from transformers import models  # noqa: F401
    from transformers.models.bert import modeling_bert  # noqa: F401

    import tl_core.recipes.finetune
    import tl_core.recipes.probe  # noqa: F401


def _become(folder: Path) -> None:
    """Take on the run's log file and a command line that names the run."""
    import setproctitle

    setproctitle.setproctitle(f"{sys.executable} -m tl_core.jobs.worker {folder}")
    target = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)


def carry_out(folder: Path, settings: Settings) -> int:
    """Do the run in `folder` to its end, whatever end that is."""
    run_id, writer = folder.name, RunWriter(open_database(settings))
    _, pid, started = own_identity()
    writer.hand_over(run_id, pid, started)
    events = EventLog(folder)
    heart = Heart(run_id, writer, events, lambda: writer.finish(
        run_id, "cancelled", reason=_explain(Cancelled())[1]))
    signal.signal(signal.SIGTERM, _on_terminate)
    heart.start()
    try:
        config = RunConfig.read(folder)
        headline, summary = _WORK[config.kind](config, folder, settings, events)
        write_json(folder / "manifest.json", {"run": run_id, "files": sorted(p.name for p in folder.iterdir())})
        heart.stop()
        writer.finish(run_id, "done", headline=headline, summary=summary)
        notify(settings, run_id, "done", headline)
        if config.kind == "train":
            track(settings, folder)
        return 0
    except BaseException as error:  # noqa: BLE001 - the worker's edge: every end must reach the row
        heart.stop()
        status, reason = _explain(error)
        writer.finish(run_id, status, reason=reason)
        notify(settings, run_id, status, reason["what"])
        return 1
    finally:
        events.close()


def _on_terminate(_signal: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _explain(error: BaseException) -> tuple[str, dict[str, str]]:
    """Status and reason for an error, in words that a person can act on."""
    if isinstance(error, Cancelled):
        return "cancelled", {"code": "cancelled", "what": "You cancelled it.", "why": "",
                             "try_this": "Resume or start it again."}
    if isinstance(error, _Terminated | KeyboardInterrupt):
        return "interrupted", {"code": "interrupted", "what": "The system asked the worker to stop.",
                               "why": "The machine is shutting down or somebody ended the process.",
                               "try_this": "Resume it; finished parts are kept."}
    if isinstance(error, UserError):
        return "failed", error.as_dict()
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "failed", {"code": "memory", "what": "The memory ran out.", "why": str(error)[:200],
                          "try_this": "Lower the batch size or the maximum length, or choose a smaller backbone."}
    name = secrets.token_hex(3)
    log.error("unexpected error %s", name, exc_info=error)
    return "failed", {"code": "unexpected", "what": "Something went wrong that we did not expect.",
                      "why": f"{type(error).__name__} (log id {name}).",
                      "try_this": "Try again; if it happens again, report it with the log of this run."}


def _train(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.predict import carried
    from tl_core.recipes import run_recipe

    started = time.perf_counter()
    if config.dataset.startswith("sample:"):
        config = _bring_sample(config, folder, settings, events)
    version = DatasetVersion(Path(config.dataset_dir))
    report = run_recipe(config, version, folder, settings.home_path / "features", events)
    carried.keep(folder / "model", version.info)
    report["timing"]["total"] = time.perf_counter() - started
    report["run_id"] = folder.name
    if config.sealed and "validation" in report:
        report = vault.seal(folder, report)
    write_json(folder / "report.json", report)
    if "search" in report:  # only now: until there is a report, a resumed run is still a search
        _turn_into(config, report["search"]["winner"], folder, settings)
    return report["headline"], vault.summary_of(report)


def _turn_into(config: RunConfig, winner: dict[str, Any], folder: Path, settings: Settings) -> None:
    """An automatic search ends as an ordinary run of what it has chosen, to repeat, train further and export."""
    RunWriter(open_database(settings)).became(folder.name, winner["recipe"], winner["backbone"])
    replace(config, **winner).write(folder)


def _bring_sample(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> RunConfig:
    """Make the sample a dataset like any other, and the run one on that dataset."""
    from tl_core.data.schema import ImportOptions
    from tl_core.intake import add_dataset

    engine = open_database(settings)
    store = DatasetStore(engine, config.owner, settings.home_path)
    record, _, _ = add_dataset(store, settings, config.dataset, config.dataset.partition(":")[2], ImportOptions(),
                               progress=_Quiet(events))
    config = replace(config, dataset=record.reference, dataset_dir=str(record.folder))
    config.write(folder)
    RunWriter(engine).rename_dataset(folder.name, record.reference)
    return config


class _Quiet(Progress):
    """Shows the stages of a part without counting them to the run's share."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        del share
        self._events.stage(name, total)


def _import(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.data.schema import ImportOptions
    from tl_core.intake import add_dataset

    del folder
    asked = config.options
    store = DatasetStore(open_database(settings), config.owner, settings.home_path)
    record, info, is_new = add_dataset(store, settings, asked["source"], asked["name"],
                                       ImportOptions.from_dict(asked.get("options", {})), asked.get("test", ""), events,
                                       append=bool(asked.get("append")), shown=str(asked.get("shown", "")))
    if asked.get("upload"):
        remove_tree(Path(asked["upload"]))
    return (f"{info.rows:,} items in {len(info.classes)} classes",
            {"dataset": record.reference, "new": is_new})


def _fix(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.intake import fix_dataset, relabel_dataset, restore_dataset

    del folder
    asked = config.options
    store = DatasetStore(open_database(settings), config.owner, settings.home_path)
    events.stage("Making the new version", 0)
    record, info, is_new = (restore_dataset(store, config.dataset) if asked.get("restore") else
                            relabel_dataset(store, config.dataset) if asked.get("decisions") else
                            fix_dataset(store, config.dataset, asked["finding"], asked["action"]))
    return info.change, {"dataset": record.reference, "new": is_new}


def _take_out(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.data.takeout import FORMATS, take_out

    record = DatasetStore(open_database(settings), config.owner, settings.home_path).get(config.dataset)
    kind = str(config.options["format"])
    events.stage("Writing the files", 0)
    out = folder / f"{record.name}-{record.version}{FORMATS[kind]}"
    count = take_out(DatasetVersion(record.folder), out, kind, events.batch)
    return f"{count:,} items written", {"file": out.name, "rows": count}


def _predict(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.predict import carried
    from tl_core.predict.batch import predict_source

    asked = config.options
    source, model, own = Path(asked.get("source", "")), Path(asked["model"]), bool(asked.get("prepared"))
    kept = carried.preparation_of(model)
    if kept is None or own:
        store = DatasetStore(open_database(settings), config.owner, settings.home_path)
        version = DatasetVersion(store.get(config.dataset).folder)
        kept = kept or carried.of_version(version.info)
        source, kept = carried.unlabelled(version, kept) if own else (source, kept)
    out = folder / f"predictions.{asked.get('format', 'csv')}"
    counts = predict_source(model, source, out, settings, progress=events, spreadsheet=bool(asked.get("spreadsheet")),
                            text_column=str(asked.get("text_column", "")),
                            title_column=str(asked.get("title_column", "")), preparation=kept, prepared=own)
    events.log(f"Computed in {counts['precision']}.")
    return f"{counts['rows']:,} predicted, {counts['errors']:,} could not be read", {**counts, "file": out.name}


def _preflight(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.preflight import measure

    version = DatasetVersion(Path(config.dataset_dir))
    found = measure(config, version, folder, settings.home_path / "features", events)
    return f"About {found['minutes']:.1f} minutes", found


def _suspect(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.suspects import look

    found = look(config, DatasetVersion(Path(config.dataset_dir)), folder, settings.home_path / "features", events)
    return found["sentence"], {"suspects": found["count"], "share": found["share"]}


def _explore(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.explore import explore

    found = explore(config, DatasetVersion(Path(config.dataset_dir)), folder, settings.home_path / "features", events)
    return found["advice"], {"points": len(found["points"])}


def _curve(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.curve import follow

    found = follow(config, DatasetVersion(Path(config.dataset_dir)), folder, settings.home_path / "features", events)
    return found["advice"], {"points": len(found["points"])}


def _stress(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.stress import stress

    del settings
    found = stress(config, DatasetVersion(Path(config.dataset_dir)), folder, events)
    return found["sentence"], {"run": config.options["run"]}


def _trace(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.trace import trace

    found = trace(config, DatasetVersion(Path(config.dataset_dir)), folder, settings.home_path / "features", events)
    return f"{found['rows']:,} items and what they are like", found


def _rank(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.recipes.rank import rank

    found = rank(config, DatasetVersion(Path(config.dataset_dir)), folder, settings.home_path / "features", events)
    return found["sentence"], {"recommended": found["recommended"], "backbones": len(found["ranking"])}


def _export(config: RunConfig, folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.export.bundle import export
    from tl_core.export.wishes import Wishes
    from tl_core.storage import zip_folder

    del settings
    asked = config.options
    target = folder / str(asked["name"])
    remove_tree(target)  # of a try before
    found = export(Path(asked["run"]), target, Wishes(**asked["wishes"]), DatasetVersion(Path(config.dataset_dir)),
                   events)
    events.stage("Packing", 0)
    archive = zip_folder(target)
    write_json(folder / "export.json", found)
    return (f"A bundle of {found['bytes'] / 1e6:,.1f} MB, verified", {
        "run": Path(asked["run"]).name, "folder": target.name, "file": archive.name, "bytes": found["bytes"]})


def _push(config: RunConfig, _folder: Path, settings: Settings, events: EventLog) -> tuple[str, dict[str, Any]]:
    from tl_core.export.push import push, token_of

    asked = config.options
    done = push(Path(asked["bundle"]), str(asked["repository"]), token_of(settings), events,
                public=bool(asked.get("public")))
    return f"{done['repository']} is on the Hub", done


_WORK = {"push": _push, "export": _export, "train": _train, "curve": _curve, "explore": _explore, "stress": _stress,
         "trace": _trace, "rank": _rank, "preflight": _preflight, "suspect": _suspect, "import": _import, "fix": _fix,
         "takeout": _take_out, "predict": _predict}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
