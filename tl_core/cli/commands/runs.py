"""Commands about runs: watch, compare, end, resume, open, delete, report."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import click

from tl_core import test_score
from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.following import follow_to_the_end, reason_of
from tl_core.cli.output import Output
from tl_core.cli.parsing import Choice, Command, Group
from tl_core.cli.stores import open_stores
from tl_core.cli.this_machine import read_report
from tl_core.errors import ConfigError, StateError
from tl_core.evaluate.report import beside, compared_by, rivals
from tl_core.registry.run import Run

Item = tuple[str, str, int]  # name, class, and how often both have come before

runs = Group(
    "runs", help="Runs: list, show, compare, open, cancel, stop, resume, delete, thresholds."
)
run_argument = click.argument("run_id", metavar="RUN", help="run id")


@runs.command("list")
@click.pass_obj
def list_runs(output: Output) -> int:
    """All runs, newest first."""
    known = open_workplace().list_runs()
    return output.show(
        [run.as_dict() for run in known],
        [
            f"{run.id}  {run.status:11} {run.kind:7} {run.recipe:9} {run.dataset:24} {run.headline}"
            for run in known
        ]
        or [
            "No runs yet. Train one: python -m tl_core train --dataset NAME --recipe probe "
            "--backbone starter:text"
        ],
    )


@runs.command("show")
@run_argument
@click.pass_obj
def show(output: Output, run_id: str) -> int:
    """One run."""
    run = open_workplace().run(run_id)
    line = f"{run.id}: {run.status}, {run.progress:.0%}. {run.headline} {reason_of(run)}"
    return output.show(run.as_dict(), [line.strip()])


@runs.command("cancel")
@run_argument
@click.pass_obj
def cancel(output: Output, run_id: str) -> int:
    """Stop a queued or running run."""
    run = open_workplace().cancel(run_id)
    end = " and will stop in a moment." if run.status == "running" else "."
    return output.show(run.as_dict(), [f"Run {run.id} is {run.status}{end}"])


@runs.command("open")
@run_argument
@click.pass_obj
def open_test_score(output: Output, run_id: str) -> int:
    """Open the test score of a run that was trained sealed.

    It counts as a look at the test items of its dataset version.
    """
    settings, _, store = open_stores()
    run = store.get(run_id)
    read_report(run)
    content = test_score.open_test(run.folder, settings.home_path, run.owner)
    run = store.reveal(run.id, content["headline"], test_score.summary_of(content))
    return output.show(
        {**run.as_dict(), "test_looks": content["test_looks"]},
        [
            content["headline"],
            f"These test items have now judged {content['test_looks']:,} of your runs.",
        ],
    )


@runs.command("delete")
@run_argument
@click.pass_obj
def delete(output: Output, run_id: str) -> int:
    """Remove an ended run and its files."""
    open_workplace().delete_run(run_id)
    return output.show({"deleted": run_id}, [f"Deleted run {run_id}."])


@runs.command("stop")
@run_argument
@click.option("--keep-best", is_flag=True, required=True, help="keep its best state (required)")
@click.pass_obj
def stop(output: Output, run_id: str, keep_best: bool) -> int:
    """End a running fine-tuning early; its best state becomes the model."""
    del keep_best
    run = open_workplace().stop(run_id)
    return output.show(
        run.as_dict(), [f"Run {run.id} will end after this step and keep its best state."]
    )


@runs.command("compare")
@click.argument("first_id", metavar="FIRST", help="run id")
@click.argument("second_id", metavar="SECOND", help="run id")
@click.pass_obj
def compare(output: Output, first_id: str, second_id: str) -> int:
    """A paired test of two runs on the same test items."""
    import numpy as np

    from tl_core.evaluate import compare as paired

    store = open_stores().runs
    first, second = store.get(first_id), store.get(second_id)
    closed = [run.id for run in (first, second) if read_report(run)["test"] is None]
    file, noun = (
        ("validation.csv", "validation items") if closed else ("predictions.csv", "test items")
    )
    correct, also_correct = read_correct(first, file), read_correct(second, file)
    both = [item for item in correct if item in also_correct]
    if not both or not closed and correct.keys() != also_correct.keys():
        raise StateError(
            "The two runs were tested on different items.",
            "Only the same items can be compared fairly.",
            "Choose two runs on the same dataset version.",
        )
    if closed:
        output.note(
            f"The test score of {' and '.join(closed)} is closed, so validation items decide."
        )
    comparison = paired.compare(
        np.array([correct[item] for item in both]),
        np.array([also_correct[item] for item in both]),
        noun,
        (f"Run {first.id}", f"run {second.id}"),
    )
    return output.show({"runs": [first.id, second.id], **comparison}, [comparison["sentence"]])


@runs.command("resume")
@run_argument
@click.option("--detach", is_flag=True, help="return at once")
@click.pass_obj
def resume(output: Output, run_id: str, detach: bool) -> int:
    """Queue an ended run again; finished parts are kept."""
    place = open_workplace()
    return follow_to_the_end(place.resume(run_id), place, output, detach=detach)


@runs.command("thresholds")
@run_argument
@click.option(
    "--for",
    "wish",
    type=Choice(("", "f1", "precision", "recall", "half")),
    default="",
    help="choose them on the validation items: f1, precision, recall, or half for one half",
)
@click.option(
    "--at", type=float, default=0.8, help="precision or recall that is wanted, such as .8"
)
@click.option(
    "--set", "changes", multiple=True, metavar="LABEL=P", help="one threshold; without a label: all"
)
@click.pass_obj
def thresholds(output: Output, run_id: str, wish: str, at: float, changes: tuple[str, ...]) -> int:
    """From which probability on a model of several labels names each of them; kept with it."""
    from tl_core.evaluate.kept_answers import answered
    from tl_core.evaluate.scores.deciding import Wish, choose_thresholds
    from tl_core.tasks.kept_thresholds import read_thresholds, save_thresholds, with_changes

    run = open_stores().runs.get(run_id)
    model, held = run.folder / "model", answered(_validation_of(run))
    kept = dict(zip(held.classes, read_thresholds(model, held.classes).tolist(), strict=True))
    if wish:
        chosen = choose_thresholds(held.truth, held.said, Wish(wish, at))
        kept = dict(zip(held.classes, chosen.tolist(), strict=True))
        save_thresholds(model, kept)
    if changes:
        kept = with_changes(model, held.classes, dict(map(_change, changes)))
        save_thresholds(model, kept)
    return output.show(
        {"run": run.id, "thresholds": kept},
        [f"  {name}: named from {value:.3f} on" for name, value in kept.items()],
    )


def _validation_of(run: Run) -> Path:
    """The list of what a run said of its validation items.

    Raises:
        StateError: when it has none, or no model.
    """
    file = run.folder / "validation.csv"
    if not file.is_file() or not (run.folder / "model").is_dir():
        raise StateError(
            f"Run {run.id} has no validation items, or no model, to choose thresholds for.",
            f"It is a {run.recipe or run.kind} run and {run.status}.",
            "Choose a finished training.",
        )
    return file


def _change(given: str) -> tuple[str, float]:
    """A label and its threshold, of `LABEL=P`.

    Raises:
        ConfigError: when it is written in another way.
    """
    name, _, value = given.rpartition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise ConfigError(
            f"{given!r} is no threshold.", "", "Write LABEL=0.4, or =0.4 for all labels."
        ) from error


@click.command("report", cls=Command)
@run_argument
@click.option(
    "--html", default="", metavar="FILE", help="also write it as a page without any of your items"
)
@click.pass_obj
def report(output: Output, run_id: str, html: str) -> int:
    """The whole report of a run."""
    content = open_workplace().report(run_id)
    if html:
        from tl_core.evaluate.html import render

        Path(html).write_text(render(content), encoding="utf-8")
    section = content["test"] or content["validation"]
    scores = [
        f"  {name:18} {score['value']:.3f}  ({score['low']:.3f} to {score['high']:.3f})"
        for name, score in section.items()
        if isinstance(score, dict) and "value" in score
    ]
    what = compared_by(section)[0]
    baselines = [
        f"  without transfer ({name}): {what} {score['value']:.3f}"
        for name, score in rivals(content).items()
    ]
    others = [f"  {sentence}" for sentence in beside(content)]
    return output.show(content, [content["headline"], *scores, *baselines, *others])


def read_correct(run: Run, file: str) -> dict[Item, bool]:
    """Whether a finished run has each of its items right.

    Raises:
        StateError: when it has no such file.
    """
    if not (run.folder / file).is_file():
        raise StateError(
            f"Run {run.id} has no stored predictions of the validation items.",
            "",
            "Train it again, or open the test score of the other run.",
        )
    seen: Counter[tuple[str, str]] = Counter()
    correct: dict[Item, bool] = {}
    with (run.folder / file).open(newline="", encoding="utf-8") as handle:
        for line in csv.DictReader(handle):
            item = line["row"], line["true"]
            correct[*item, seen[item]] = line.get("label", line.get("labels")) == line["true"]
            seen[item] += 1
    return correct
