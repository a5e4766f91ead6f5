"""Finished trainings in a team's own tracker: MLflow or TensorBoard, both extras, named by
TL_TRACKERS.

Told are the settings, the curves, the scores with their intervals, and the files; of a closed test
score nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from tl_core.config import CONFIG_FILE, RunConfig
from tl_core.errors import ConfigError, nearest
from tl_core.evaluate.report import FILE as REPORT_FILE
from tl_core.evaluate.report import Report, load_report
from tl_core.jobs.events import Points, RunView
from tl_core.progress import Curve
from tl_core.settings import Settings

_PARAMETER = 500  # signs of a value that MLflow takes
_BATCH = 1000  # points that it takes at once
log = logging.getLogger(__name__)


def track(settings: Settings, folder: Path) -> None:
    """Log the finished training in `folder`; a tracker that fails costs a line in the log, never
    the run.
    """
    for name in wanted(settings):
        try:
            _TRACKERS[name](settings, folder)
        except ImportError:
            log.warning(
                "TL_TRACKERS names %s, which is not installed: pip install 'graft-studio[%s]'",
                name,
                name,
            )
        except Exception as error:  # noqa: BLE001 - a tracker may fail in any way, and the run is done
            log.warning("the tracker %s failed: %s: %s", name, type(error).__name__, error)


def wanted(settings: Settings) -> list[str]:
    """The trackers that the settings name.

    Raises:
        ConfigError: for an unknown one.
    """
    names = [part.strip() for part in settings.trackers.split(",") if part.strip()]
    for name in names:
        if name not in _TRACKERS:
            raise ConfigError(f"TL_TRACKERS names {name!r}.", "", nearest(name, _TRACKERS))
    return names


def parameters_of(config: RunConfig) -> dict[str, str]:
    """The config of a run as flat parameters."""
    return {
        "recipe": config.recipe,
        "backbone": config.backbone,
        "dataset": config.dataset,
        **{
            name: json.dumps(value, ensure_ascii=False)[:_PARAMETER]
            for name, value in config.options.items()
        },
    }


def scores_of(report: Report) -> dict[str, float]:
    """Scores of the report's open sections as `test/accuracy`, with `_low` and `_high` where there
    is an interval.
    """
    scores: dict[str, float] = {}
    for section, scored in (("validation", report["validation"]), ("test", report["test"])):
        for name, value in (scored or {}).items():
            key = f"{section}/{name}"
            if isinstance(value, float):
                scores[key] = value
            elif isinstance(value, dict) and isinstance(value.get("value"), float):
                scores[key] = value["value"]
                for end in ("low", "high"):
                    if isinstance(value.get(end), float):
                        scores[f"{key}_{end}"] = value[end]
    return scores


def points_of(folder: Path) -> list[tuple[str, int, float]]:
    """Name, step and value of every point of the run's curves."""
    view = RunView().follow(folder)
    return [
        ("/".join(filter(None, (curve.label, *part.split(" | "), name))), step, value)
        for curve in Curve
        for part, points in view.of(curve).items()
        for step, name, value in _values(points)
    ]


def _values(points: Points) -> Iterator[tuple[int, str, float]]:
    for number, point in enumerate(points):
        for name, value in point.items():
            if name != "step" and value is not None:
                yield int(point.get("step") or number), name, value


def _files(folder: Path, report: Report) -> list[Path]:
    names = (CONFIG_FILE, REPORT_FILE, report["predictions"])
    return [folder / name for name in names if name and (folder / name).is_file()]


def _mlflow(_settings: Settings, folder: Path) -> None:
    """A run in the experiment named after the dataset, on the server of MLFLOW_TRACKING_URI."""
    import time

    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    config, report = RunConfig.read(folder), load_report(folder)
    client, now = MlflowClient(), int(time.time() * 1000)
    name = f"graft-studio/{config.dataset.partition('@')[0]}"
    known = client.get_experiment_by_name(name)
    run = client.create_run(
        known.experiment_id if known else client.create_experiment(name),
        run_name=folder.name,
        tags={
            "graft.run": folder.name,
            "graft.headline": report["headline"],
            "mlflow.user": config.owner,
        },
    )
    client.log_batch(
        run.info.run_id, params=[Param(key, value) for key, value in parameters_of(config).items()]
    )
    metrics = [Metric(key, value, now, 0) for key, value in scores_of(report).items()]
    metrics += [Metric(key, value, now, step) for key, step, value in points_of(folder)]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + _BATCH])
    for file in _files(folder, report):
        client.log_artifact(run.info.run_id, str(file))
    client.set_terminated(run.info.run_id)


def _tensorboard(settings: Settings, folder: Path) -> None:
    """Events in `tensorboard/<run>` of TL_HOME; see them with `tensorboard --logdir`."""
    from torch.utils.tensorboard import SummaryWriter

    config, report = RunConfig.read(folder), load_report(folder)
    with SummaryWriter(str(settings.home_path / "tensorboard" / folder.name)) as writer:
        for key, step, value in points_of(folder):
            writer.add_scalar(key, value, step)
        scores = scores_of(report)
        for key, value in scores.items():
            writer.add_scalar(key, value, 0)
        writer.add_hparams(parameters_of(config), scores, run_name=".")
        writer.add_text("report", str(report["headline"]))


_TRACKERS: dict[str, Callable[[Settings, Path], None]] = {
    "mlflow": _mlflow,
    "tensorboard": _tensorboard,
}
