"""Commands predict and explain: answers of a trained model, and what speaks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.given_items import given_item
from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.cli.stores import open_stores
from tl_core.cli.this_machine import model_folder, preparation_for
from tl_core.cli.workplace import PredictionWishes
from tl_core.data.label_sets import said_of
from tl_core.data.preparation import Preparation
from tl_core.errors import NotFoundError, nearest

if TYPE_CHECKING:
    from tl_core.predict.explanations.explain import Explanation

_WORDS_SHOWN = 8

model_argument = click.argument("model", help="run id, or a folder with a trained model")


class PredictionOptions(TypedDict):
    """The options of predict, as they were given."""

    target: str
    precision: str
    spreadsheet: bool
    text_column: str
    title_column: str
    yes: bool
    strict: bool
    processes: int


@click.command("predict", cls=Command)
@model_argument
@click.argument(
    "source",
    metavar="INPUT",
    help="table, image, recording, folder, zip, or unlabelled:NAME for a dataset's own rows without"
    " a class",
)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="OUT",
    help="a .csv or .parquet file; the same command goes on where a killed one was",
)
@click.option(
    "--precision",
    default="auto",
    help="float32, bf16, or auto: bf16 where it is measured to be faster and to change little",
)
@click.option(
    "--spreadsheet",
    is_flag=True,
    help="put an apostrophe before cells that a spreadsheet would run",
)
@click.option(
    "--text-column", default="", help="column to read; default: that of the training data"
)
@click.option(
    "--title-column",
    default="",
    help=(
        "column that is put in front of it, for models trained with one; default: that of the "
        "training data"
    ),
)
@click.option("--yes", is_flag=True, help="no warning about a column that had to be guessed")
@click.option(
    "--strict", is_flag=True, help="write nothing where a column would have to be guessed"
)
@click.option(
    "--processes",
    type=int,
    default=1,
    help="processes that answer texts at once on a Ray cluster; default: 1",
)
@click.pass_obj
def predict(output: Output, model: str, source: str, **options: Unpack[PredictionOptions]) -> int:
    """Predict a file, folder, zip or table."""
    wishes = PredictionWishes(
        Path(options["target"]),
        options["precision"],
        options["spreadsheet"],
        options["text_column"],
        options["title_column"],
        options["strict"],
        options["processes"],
    )
    counts = open_workplace().predict(model, source, wishes, output)
    for doubt in [] if options["yes"] else counts["plan"]["uncertain"]:
        output.note(f"Warning: {doubt}")
    from tl_core.data.sources.plan import plan_lines

    target = options["target"]
    return output.show(
        {**counts, "output": target},
        [
            f"{counts['rows']:,} rows in {target}, {counts['errors']:,} of them could not be read",
            f"Computed in {counts['precision']}.",
            *plan_lines(counts["plan"]),
        ],
    )


@click.command("explain", cls=Command)
@model_argument
@click.argument("item", metavar="INPUT", help="a picture or recording, or a text in quotes")
@click.option("--title", help="text of the title column, for models trained with one")
@click.option("--label", default="", help="class to explain; default: the answer")
@click.pass_obj
def explain(output: Output, model: str, item: str, title: str | None, label: str) -> int:
    """What in a text, picture or recording speaks for an answer."""
    from tl_core.backbones.classifier import load_classifier
    from tl_core.predict.explanations.explain import explain as explain_answer

    stores = open_stores()
    folder, dataset = model_folder(stores.runs, model)
    preparation = preparation_for(stores.datasets, folder, dataset) or Preparation()
    classifier = load_classifier(folder)
    prepared = given_item(classifier.modality, item, title, preparation)
    said = classifier.probabilities([prepared])
    answer = said_of(classifier.labels, classifier.decision.labels(said))[0]
    label = label or classifier.labels[int(said[0].argmax())]
    if label not in classifier.labels:
        raise NotFoundError(
            f"The model has no class {label!r}.", "", nearest(label, classifier.labels)
        )
    explanation = explain_answer(classifier, prepared, label)
    return output.show(
        {"answer": answer, **explanation},
        [
            f"It says {answer}. What speaks for {label}:",
            *_explanation_lines(explanation),
        ],
    )


def _explanation_lines(explanation: Explanation) -> Iterator[str]:
    """How well each method explains, and of texts the words that count most."""
    for method in explanation["methods"]:
        yield (
            f"  {method['name']}: {method['deletion']:.0%} sure on average while the most relevant"
            f" parts go, {method['random_deletion']:.0%} while random ones go"
        )
        if explanation["words"]:
            relevance = zip(explanation["words"], method["map"], strict=True)
            most = sorted(relevance, key=lambda pair: -pair[1])[:_WORDS_SHOWN]
            yield "    " + ", ".join(f"{word} {value:+.2f}" for word, value in most)
