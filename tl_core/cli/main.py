"""Parsing, printing and exit codes: 0 done, 2 wrong use or bad input, 1 failed."""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from tl_core.cli import commands, data, labels, taking, training
from tl_core.cli.context import Output
from tl_core.data.edits import ACTIONS
from tl_core.data.schema import ImportOptions
from tl_core.errors import UserError, nearest
from tl_core.log import quiet_libraries, setup_logging

Handler = Callable[[argparse.Namespace, Output], int]


class _Usage(Exception):
    """Wrong use of the command line."""


class _Parser(argparse.ArgumentParser):
    """Reports wrong use as an exception, so that `--json` can answer in JSON."""

    def error(self, message: str) -> NoReturn:
        raise _Usage(f"{message}. {self.format_usage().strip()}")


def build_parser() -> argparse.ArgumentParser:
    """All commands with their help."""
    parser = _Parser(
        prog="tl_core", description="Transfer learning for images and texts, judged honestly."
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--json", action="store_true", help="print exactly one JSON document on standard output"
    )
    top = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )

    _add_data(top, common)
    backbones = top.add_parser("backbones", help="backbones: list, show, rank").add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=_Parser
    )
    _command(
        backbones,
        "list",
        commands.backbones_list,
        "starters, local model folders and the catalogue",
        common,
    )
    show = _command(backbones, "show", commands.backbones_show, "facts and layer tree", common)
    show.add_argument("reference")
    show.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=(
            "settings of finetune; then the tree says what they freeze and how fast the rest moves"
        ),
    )

    rank = _command(
        backbones,
        "rank",
        commands.backbones_rank,
        "several backbones on a sample of a dataset's training rows, the best first",
        common,
    )
    rank.add_argument(
        "reference",
        nargs="+",
        help="starter:, local:, hub: or static: references; one is enough with --depths",
    )
    rank.add_argument("--dataset", required=True, metavar="NAME[@VERSION]")
    rank.add_argument(
        "--rows", type=int, default=1000, help="training rows in the sample; default: 1000"
    )
    rank.add_argument(
        "--depths", action="store_true", help="rank each of them after every one of its blocks, too"
    )

    recipes = top.add_parser("recipes", help="recipes: list, show").add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=_Parser
    )
    _command(recipes, "list", commands.recipes_list, "all recipes", common)
    _command(
        recipes, "show", commands.recipes_show, "the settings of one recipe", common
    ).add_argument("recipe")

    train = _command(top, "train", training.train, "train, with a progress bar, to the end", common)
    train.add_argument("--dataset", default="", metavar="NAME[@VERSION]")
    train.add_argument("--recipe", default="")
    train.add_argument(
        "--backbone",
        default="",
        metavar="REF",
        help="starter:, local: or hub: reference; recipe auto tries those at hand without one",
    )
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; values are JSON"
    )
    train.add_argument(
        "--config",
        default="",
        metavar="FILE",
        help=(
            "settings that Export or a run's config.json gave; "
            "--backbone, --set and --sealed change them"
        ),
    )
    train.add_argument(
        "--continue",
        dest="continue_run",
        default="",
        metavar="RUN",
        help=(
            "train a finished fine-tuning further, with its settings; --set epochs=N says how long"
        ),
    )
    train.add_argument(
        "--budget",
        default="",
        metavar="TIME",
        help=(
            "how long recipe auto may search: 20m, 1h, 90s; "
            "the short form of --set budget_minutes=20"
        ),
    )
    train.add_argument(
        "--estimate",
        action="store_true",
        help="take a few steps and print minutes and memory instead of training",
    )
    train.add_argument(
        "--sealed",
        action="store_true",
        help=(
            "keep the test score closed until runs open asks for it; choose by validation until"
            " then"
        ),
    )
    train.add_argument("--detach", action="store_true", help="return at once; the run goes on")

    runs = top.add_parser(
        "runs", help="runs: list, show, compare, open, cancel, stop, resume, delete"
    ).add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=_Parser)
    _command(runs, "list", training.runs_list, "all runs, newest first", common)
    for name, handler, text in (
        ("show", training.runs_show, "one run"),
        ("cancel", training.runs_cancel, "stop a queued or running run"),
        ("open", training.runs_open, "open the test score of a run that was trained sealed"),
        ("delete", training.runs_delete, "remove an ended run and its files"),
    ):
        _command(runs, name, handler, text, common).add_argument("run")
    stop = _command(
        runs,
        "stop",
        training.runs_stop,
        "end a running fine-tuning early; its best state becomes the model",
        common,
    )
    stop.add_argument("run")
    stop.add_argument(
        "--keep-best", action="store_true", required=True, help="say that this is what you want"
    )
    compare = _command(
        runs,
        "compare",
        training.runs_compare,
        "a paired test of two runs on the same test items",
        common,
    )
    compare.add_argument("first")
    compare.add_argument("second")
    resume = _command(
        runs,
        "resume",
        training.runs_resume,
        "queue an ended run again; finished parts are kept",
        common,
    )
    resume.add_argument("run")
    resume.add_argument("--detach", action="store_true", help="return at once")

    _add_labels(top, common)
    report = _command(top, "report", training.report, "the whole report of a run", common)
    report.add_argument("run")
    report.add_argument(
        "--html",
        default="",
        metavar="FILE",
        help="also write it as a page without any of your items",
    )
    predict = _command(
        top, "predict", commands.predict, "predict a file, folder, zip or table", common
    )
    predict.add_argument("model", help="run id, or a folder with a trained model")
    predict.add_argument(
        "input",
        help=(
            "table, image, folder, zip, or unlabelled:NAME for a dataset's own rows without a class"
        ),
    )
    predict.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="a .csv or .parquet file; the same command goes on where a killed one was",
    )
    predict.add_argument(
        "--precision",
        default="auto",
        help="float32, bf16, or auto: bf16 where it is measured to be faster and to change little",
    )
    predict.add_argument(
        "--spreadsheet", action="store_true", help="guard cells that a spreadsheet would run"
    )
    predict.add_argument(
        "--text-column", default="", help="column to read; default: that of the training data"
    )
    predict.add_argument(
        "--title-column",
        default="",
        help=(
            "column that is put in front of it, for models trained "
            "with one; default: that of the training data"
        ),
    )
    predict.add_argument(
        "--yes", action="store_true", help="be silent about a column that had to be guessed"
    )
    predict.add_argument(
        "--strict",
        action="store_true",
        help="write nothing where a column would have to be guessed",
    )
    explain = _command(
        top, "explain", commands.explain, "what in a text or picture speaks for an answer", common
    )
    explain.add_argument("model", help="run id, or a folder with a trained model")
    explain.add_argument("input", help="a picture, or a text in quotes")
    explain.add_argument("--title", help="text of the title column, for models trained with one")
    explain.add_argument("--label", default="", help="class to explain; default: the answer")
    exporting = _command(top, "export", taking.export, "a bundle of a finished run, proven", common)
    exporting.add_argument("run", help="run id")
    exporting.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder to make; it must not exist"
    )
    exporting.add_argument(
        "--format",
        choices=("hf", "onnx"),
        default="hf",
        help="hf: the Hugging Face folder; onnx: with model.onnx beside it",
    )
    exporting.add_argument(
        "--int8", action="store_true", help="also an ONNX file in 8 bits, its cost measured"
    )
    exporting.add_argument(
        "--include-examples",
        action="store_true",
        help="golden examples from your own test rows instead of the samples",
    )
    exporting.add_argument("--zip", action="store_true", help="also DIR.zip")
    pushing = _command(
        top,
        "push",
        taking.push,
        "a bundle to the Hugging Face Hub, private unless asked otherwise",
        common,
    )
    pushing.add_argument("folder", metavar="BUNDLE")
    pushing.add_argument("repository", metavar="OWNER/NAME")
    pushing.add_argument("--public", action="store_true", help="everybody may read it")

    checking = _command(
        top, "verify", taking.verify, "whether a bundle still says what it said", common
    )
    checking.add_argument("folder", metavar="DIR")
    serving = _command(top, "serve", taking.serve, "answers of a bundle over HTTP", common)
    serving.add_argument("folder", metavar="BUNDLE")
    serving.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; default: this machine alone"
    )
    serving.add_argument("--port", type=int, default=8000)
    serving.add_argument(
        "--workers", type=int, default=1, help="processes, each with the model in memory"
    )
    serving.add_argument(
        "--batch", type=int, default=32, help="items computed together; 1 switches batching off"
    )
    serving.add_argument(
        "--wait-ms",
        type=float,
        default=4.0,
        help="how long a batch waits for more, when the last one had several",
    )
    serving.add_argument(
        "--room", type=int, default=1024, help="items that may wait; more are answered 429"
    )
    serving.add_argument("--seconds", type=float, default=30.0, help="longest wait for an answer")
    again = _command(
        top, "reproduce", taking.reproduce, "the command and the script that repeat a run", common
    )
    again.add_argument("run", help="run id")
    again.add_argument("--script", metavar="FILE.py", help="write the Python script to a file")
    _command(top, "doctor", commands.doctor, "what this machine can do", common)
    return parser


def _add_data(top: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401
    actions = "add, list, show, check, fix, versions, compare, restore, export, delete"
    group = top.add_parser("data", help=f"datasets: {actions}").add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=_Parser
    )
    add = _command(
        group,
        "add",
        data.add,
        "make a dataset version from a folder, zip, table or Hub dataset",
        common,
    )
    add.add_argument(
        "source",
        help=(
            "folder, zip, csv, tsv, json, jsonl, parquet, xlsx, hub:owner/name, or "
            "sample:digits, sample:messages, sample:messages-zh"
        ),
    )
    add.add_argument("--name", required=True, help="name of the dataset")
    add.add_argument(
        "--test", default="", metavar="SOURCE", help="a second source that becomes the test rows"
    )
    add.add_argument(
        "--append", action="store_true", help="add the rows to the dataset's newest version"
    )
    add.add_argument("--yes", action="store_true", help="take guesses without a warning")
    add.add_argument(
        "--strict",
        action="store_true",
        help="store nothing that rests on a guess; exit code 2 then",
    )
    _add_options(add)
    _command(group, "list", data.show_list, "all datasets", common)
    check = _command(group, "check", data.check, "only its findings", common)
    check.add_argument("name", help="NAME or NAME@VERSION")
    check.add_argument(
        "--shortcuts",
        action="store_true",
        help=(
            "also try to guess the class from size, light, "
            "borders, file format, length or punctuation alone"
        ),
    )
    for name, handler, text in (
        ("show", data.show, "classes, splits and findings of one dataset"),
        ("versions", data.versions, "all its versions and what was done to each"),
    ):
        _command(group, name, handler, text, common).add_argument(
            "name", help="NAME or NAME@VERSION"
        )
    fix = _command(
        group, "fix", data.fix, "apply a finding's fix; the result is a new version", common
    )
    fix.add_argument("name", help="NAME or NAME@VERSION")
    fix.add_argument("finding", help="id of the finding, as check shows it")
    fix.add_argument(
        "--action", dest="action_id", default="", help="which of its fixes; default: the first"
    )
    compare = _command(
        group, "compare", data.compare, "what was added, removed, relabelled, moved", common
    )
    compare.add_argument("first", help="NAME@VERSION")
    compare.add_argument("second", help="NAME@VERSION")
    restore = _command(
        group, "restore", data.restore, "make an older version the newest one", common
    )
    restore.add_argument("name", help="NAME@VERSION")
    export = _command(
        group, "export", data.export, "write a version as files for any other tool", common
    )
    export.add_argument("name", help="NAME or NAME@VERSION")
    export.add_argument("-o", "--output", required=True, metavar="FILE")
    export.add_argument(
        "--format",
        required=True,
        choices=("folders", "csv", "parquet"),
        help="folders: a zip of class folders (images); csv (texts); parquet",
    )
    delete = _command(group, "delete", data.delete, "remove a dataset or one version of it", common)
    delete.add_argument("name", help="NAME or NAME@VERSION")
    delete.add_argument(
        "--with-runs", action="store_true", help="also remove the runs that depend on it"
    )


def _add_labels(top: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401
    group = top.add_parser("labels", help="single labels: suggest, decide, apply").add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=_Parser
    )
    suggest = _command(
        group, "suggest", labels.suggest, "look for labels that are probably wrong", common
    )
    suggest.add_argument("name", help="NAME or NAME@VERSION")
    suggest.add_argument(
        "--backbone", default="", help="whose features judge; default: the starter for it"
    )
    decide = _command(group, "decide", labels.decide_row, "save a decision about one row", common)
    decide.add_argument("name", help="NAME or NAME@VERSION")
    decide.add_argument("row", type=int)
    decide.add_argument("decision", choices=ACTIONS)
    decide.add_argument("--to", default="", metavar="CLASS", help="the class, for relabel")
    _command(
        group, "apply", labels.apply, "make what was decided a new version", common
    ).add_argument("name", help="NAME or NAME@VERSION")


def _command(
    group: Any,  # noqa: ANN401
    name: str,
    handler: Handler,
    text: str,
    common: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(
        name, help=text, description=text, parents=[common]
    )
    parser.set_defaults(handler=handler)
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    """One flag for each import option, with the words of its dataclass field."""
    for spec in ImportOptions.__dataclass_fields__.values():
        flag, text = "--" + spec.name.replace("_", "-"), spec.metadata["help"].replace("%", "%%")
        if isinstance(spec.default, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(flag, type=type(spec.default), default=spec.default, help=text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    quiet_libraries()
    setup_logging("WARNING")
    output = Output(as_json="--json" in given)
    try:
        parsed = build_parser().parse_args([part for part in given if part != "--json"])
        handler: Handler = parsed.handler
        return handler(parsed, output)
    except _Usage as error:
        return output.fail(_explain_usage(str(error)), 2)
    except UserError as error:
        return output.fail(error.as_dict(), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        name = secrets.token_hex(3)
        logging.getLogger(__name__).error("unexpected error %s", name, exc_info=error)
        return output.fail(
            {
                "code": "unexpected",
                "what": "Something went wrong that we did not expect.",
                "why": f"{type(error).__name__}: {error}",
                "try_this": f"Report it with log id {name}.",
            },
            1,
        )


def _explain_usage(message: str) -> dict[str, str]:
    """Wrong use as an error object; an unknown word gets the nearest known ones."""
    hint = "Run with --help to see the commands."
    if "invalid choice" in message:
        wrong = message.split("'")[1]
        known = message.split("choose from ")[-1].split(")")[0].replace("'", "").split(", ")
        hint = nearest(wrong, known)
        message = f"There is no command {wrong!r}"
    return {"code": "usage", "what": message, "why": "", "try_this": hint}
