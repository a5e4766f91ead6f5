"""Commands about runs: train, watch, cancel, resume, report."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tl_core import vault
from tl_core.cli.context import Output, parse_setting, stores
from tl_core.config import SETTINGS, RunConfig
from tl_core.data.small import check_trainable
from tl_core.data.store import DatasetVersion
from tl_core.errors import ConfigError, NotFoundError, StateError, nearest
from tl_core.evaluate.report import migrate, rivals
from tl_core.registry.runs import ACTIVE, Run, RunStore
from tl_core.settings import Settings
from tl_core.storage import remove_tree

_LOOK_SECONDS = 0.2


def train(args: argparse.Namespace, output: Output) -> int:
    settings, _, runs = stores()
    config = _longer(args, runs) if args.continue_run else _new(args)
    check_trainable(DatasetVersion(Path(config.dataset_dir)), learns=config.recipe != "zero_shot")
    if args.estimate:
        config = replace(config, kind="preflight")
    return _start_and_follow(runs.create(config), runs, settings, output, detach=args.detach)


def _longer(args: argparse.Namespace, runs: RunStore) -> RunConfig:
    """The config of a run that goes on from the end of another."""
    earlier = runs.get(args.continue_run)
    if earlier.status != "done":
        raise StateError(
            f"Run {earlier.id} is {earlier.status}.",
            "Only a finished one can be trained further.",
            "Resume it instead.",
        )
    extra = dict(parse_setting(text) for text in args.set)
    config = RunConfig.read(earlier.folder).longer(earlier.id, float(extra.pop("epochs", 2.0)))
    return replace(config, options={**config.options, **extra}, sealed=args.sealed or config.sealed)


def _again(args: argparse.Namespace) -> RunConfig:
    """The config that saved settings describe, with what the command line changes."""
    from tl_core.export.reproduce import from_saved

    path = Path(args.config)
    if not path.is_file():
        raise NotFoundError(f"There is no file {args.config!r}.", "", "Check the spelling.")
    if args.recipe or not args.dataset:
        raise ConfigError(
            "Saved settings name the recipe, but not the data.",
            "",
            "Give --dataset with --config, and no --recipe.",
        )
    settings, datasets, _ = stores()
    record = datasets.get(args.dataset)
    saved = from_saved(path.read_bytes(), settings.user, record.reference, str(record.folder))
    return replace(
        saved,
        backbone=args.backbone or saved.backbone,
        sealed=args.sealed or saved.sealed,
        options={**saved.options, **dict(parse_setting(text) for text in args.set)},
    )


def _new(args: argparse.Namespace) -> RunConfig:
    if args.config:
        return _again(args)
    if not args.dataset or not args.recipe:
        raise ConfigError(
            "A run needs a dataset and a recipe.",
            "",
            "Give --dataset and --recipe, or --continue RUN.",
        )
    if args.recipe not in SETTINGS:
        raise NotFoundError(
            f"There is no recipe {args.recipe!r}.", "", nearest(args.recipe, SETTINGS)
        )
    settings, datasets, _ = stores()
    record = datasets.get(args.dataset)
    if args.backbone:
        from tl_core.models.references import parse_reference

        parse_reference(args.backbone)
    return RunConfig(
        "train",
        settings.user,
        record.reference,
        str(record.folder),
        args.backbone if args.recipe != "baseline" else "",
        args.recipe,
        {**_budget(args), **dict(parse_setting(text) for text in args.set)},
        args.sealed,
    )


def _budget(args: argparse.Namespace) -> dict[str, float]:
    """`--budget` as the setting of recipe auto.

    Raises:
        ConfigError: for another recipe, or what is no length of time.
    """
    if not args.budget:
        return {}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|)", args.budget.strip().lower())
    if args.recipe != "auto" or not found:
        raise ConfigError(
            f"--budget {args.budget} cannot be used here.",
            "Only recipe auto has a budget." if found else "It is no length of time.",
            "Write --recipe auto --budget 20m; s, m and h are seconds, minutes and hours.",
        )
    return {"budget_minutes": float(found[1]) * {"s": 1 / 60, "h": 60.0}.get(found[2], 1.0)}


def _start_and_follow(
    run: Run, runs: RunStore, settings: Settings, output: Output, *, detach: bool
) -> int:
    from tl_core.jobs.dispatch import ensure_dispatcher

    ensure_dispatcher(settings)
    if detach:
        return output.show(
            run.as_dict(),
            [
                f"Run {run.id} is queued (place {run.place}). "
                f"Watch it: python -m tl_core runs show {run.id}"
            ],
        )
    try:
        run = follow(run, runs, output)
    except KeyboardInterrupt:
        output.note(f"\nThe run goes on. Stop it with: python -m tl_core runs cancel {run.id}")
        run = runs.get(run.id)
        output.show(run.as_dict(), [f"Run {run.id} is {run.status}."])
        return 0
    reason = " ".join(
        (run.reason or {}).get(key, "") for key in ("what", "why", "try_this")
    ).strip()
    shown = {**run.as_dict(), "estimate": run.summary} if run.kind == "preflight" else run.as_dict()
    output.show(shown, [f"Run {run.id} is {run.status}. {run.headline or reason}"])
    return 0 if run.status == "done" else 1


def result_of(config: RunConfig, file: str, output: Output) -> tuple[str, dict[str, Any]] | None:
    """Carry out a light run; its id and the JSON `file` that it wrote, or None, the reason printed,
    when it failed.
    """
    from tl_core.jobs.dispatch import ensure_dispatcher

    settings, _, runs = stores()
    run = runs.create(config)
    ensure_dispatcher(settings)
    run = follow(run, runs, output)
    if run.status == "done":
        return run.id, json.loads((run.folder / file).read_text(encoding="utf-8"))
    reason = " ".join(
        (run.reason or {}).get(key, "") for key in ("what", "why", "try_this")
    ).strip()
    output.show(run.as_dict(), [f"Run {run.id} is {run.status}. {reason}"])
    return None


def follow(run: Run, runs: RunStore, output: Output) -> Run:
    """Show stage, share and time left on standard error until the run has ended."""
    from tl_core.jobs.events import RunView

    view, shown = RunView(), ""
    while True:
        run = runs.get(run.id)
        told = len(view.findings)
        for finding in view.follow(run.folder).findings[told:]:
            output.note(f"\n[{finding['severity']}] {finding['text']} {finding['fix']}")
        line = _status_line(run, view)
        if line != shown:
            output.note("\r" + line.ljust(len(shown)), end="")
            shown = line
        if run.status not in ACTIVE:
            output.note("")
            return run
        time.sleep(_LOOK_SECONDS)


def _status_line(run: Run, view: Any) -> str:  # noqa: ANN401
    if run.status == "queued":
        return f"waiting, place {run.place} in the queue"
    left = view.seconds_left()
    done = f" {view.done:,}/{view.total:,}" if view.total else ""
    return f"{run.progress:4.0%} {view.stage}{done}" + (
        f", about {left:.0f} s left" if left else ""
    )


def runs_list(_args: argparse.Namespace, output: Output) -> int:
    _, _, runs = stores()
    found = runs.list()
    return output.show(
        [run.as_dict() for run in found],
        [
            f"{r.id}  {r.status:11} {r.kind:7} {r.recipe:9} {r.dataset:24} {r.headline}"
            for r in found
        ]
        or [
            "No runs yet. Train one: python -m tl_core train --dataset NAME --recipe probe "
            "--backbone starter:text"
        ],
    )


def runs_show(args: argparse.Namespace, output: Output) -> int:
    run = stores()[2].get(args.run)
    reason = " ".join(
        (run.reason or {}).get(key, "") for key in ("what", "why", "try_this")
    ).strip()
    return output.show(
        run.as_dict(),
        [f"{run.id}: {run.status}, {run.progress:.0%}. {run.headline} {reason}".strip()],
    )


def runs_cancel(args: argparse.Namespace, output: Output) -> int:
    run = stores()[2].cancel(args.run)
    return output.show(
        run.as_dict(),
        [
            f"Run {run.id} is {run.status}"
            + (" and will stop in a moment." if run.status == "running" else ".")
        ],
    )


def runs_stop(args: argparse.Namespace, output: Output) -> int:
    run = stores()[2].stop(args.run)
    return output.show(
        run.as_dict(), [f"Run {run.id} will end after this step and keep its best state."]
    )


def runs_resume(args: argparse.Namespace, output: Output) -> int:
    settings, _, runs = stores()
    return _start_and_follow(runs.resume(args.run), runs, settings, output, detach=args.detach)


def runs_open(args: argparse.Namespace, output: Output) -> int:
    """Open a closed test score, which counts as a look at the test items of its dataset version."""
    settings, _, runs = stores()
    run = runs.get(args.run)
    read_report(run)
    content = vault.open_test(run.folder, settings.home_path)
    run = runs.reveal(run.id, content["headline"], vault.summary_of(content))
    return output.show(
        {**run.as_dict(), "test_looks": content["test_looks"]},
        [
            content["headline"],
            f"These test items have now judged {content['test_looks']:,} of your runs.",
        ],
    )


def runs_delete(args: argparse.Namespace, output: Output) -> int:
    remove_tree(stores()[2].delete(args.run))
    return output.show({"deleted": args.run}, [f"Deleted run {args.run}."])


def read_report(run: Run) -> dict[str, Any]:
    """The report of a finished run.

    Raises:
        StateError: when it has none.
    """
    path = run.folder / "report.json"
    if not path.is_file():
        raise StateError(
            f"Run {run.id} has no report.",
            f"It is {run.status}.",
            "Wait until it is done, or resume it.",
        )
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def read_correct(run: Run, file: str) -> dict[tuple[str, str, int], bool]:
    """Whether a finished run has each of its items right, by name, class, and how often both have
    come before.

    Raises:
        StateError: when it has no such file.
    """
    import csv

    if not (run.folder / file).is_file():
        raise StateError(
            f"Run {run.id} has not kept what it said of the items kept for choosing.",
            "",
            "Train it again, or open the test score of the other run.",
        )
    seen: Counter[tuple[str, str]] = Counter()
    right = {}
    with (run.folder / file).open(newline="", encoding="utf-8") as handle:
        for line in csv.DictReader(handle):
            item = line["row"], line["true"]
            right[*item, seen[item]] = line["label"] == line["true"]
            seen[item] += 1
    return right


def runs_compare(args: argparse.Namespace, output: Output) -> int:
    import numpy as np

    from tl_core.evaluate.compare import compare

    runs = stores()[2]
    first, second = runs.get(args.first), runs.get(args.second)
    closed = [run.id for run in (first, second) if read_report(run)["test"] is None]
    file, noun = (
        ("validation.csv", "items kept for choosing")
        if closed
        else ("predictions.csv", "test items")
    )
    right, also = read_correct(first, file), read_correct(second, file)
    both = [item for item in right if item in also]
    if not both or not closed and right.keys() != also.keys():
        raise StateError(
            "The two runs were tested on different items.",
            "Only the same items can be compared fairly.",
            "Choose two runs on the same dataset version.",
        )
    if closed:
        output.note(
            f"The test score of {' and '.join(closed)} is closed, so items kept for choosing"
            " decide."
        )
    found = compare(
        np.array([right[item] for item in both]),
        np.array([also[item] for item in both]),
        noun,
        (f"Run {first.id}", f"run {second.id}"),
    )
    return output.show({"runs": [first.id, second.id], **found}, [found["sentence"]])


def report(args: argparse.Namespace, output: Output) -> int:
    run = stores()[2].get(args.run)
    content = read_report(run)
    if args.html:
        from tl_core.evaluate.html import render

        Path(args.html).write_text(render(migrate(content)), encoding="utf-8")
    section = content["test"] or content["validation"]
    scores = [
        f"  {name:18} {part['value']:.3f}  ({part['low']:.3f} to {part['high']:.3f})"
        for name, part in section.items()
        if isinstance(part, dict) and "value" in part
    ]
    others = [
        f"  without transfer ({name}): {accuracy['value']:.3f}"
        for name, accuracy in rivals(migrate(content)).items()
    ]
    return output.show(content, [content["headline"], *scores, *others])
