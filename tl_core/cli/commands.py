"""Commands about backbones, recipes, prediction and the machine."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.metadata import version as installed
from pathlib import Path

from tl_core.cli.context import Output, Shown, parse_setting, stores
from tl_core.config import FinetuneSettings, RunConfig, describe_settings
from tl_core.data.preparation import Preparation
from tl_core.data.store import DatasetVersion
from tl_core.errors import ConfigError, DataError, NotFoundError, UserError, nearest
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings


def backbones_list(_args: argparse.Namespace, output: Output) -> int:
    from dataclasses import asdict

    from tl_core.models.catalogue import read_catalogue
    from tl_core.models.describe import list_backbones

    cards = list_backbones(read_settings())
    picked = [
        {**asdict(card), "commercial": card.commercial, "offline": card.is_offline()}
        for card in read_catalogue()
    ]
    return output.show(
        {"backbones": cards, "catalogue": picked},
        [
            *(f"{c['reference']:52} {c['modality']:6} {c['size']:28} {c['text']}" for c in cards),
            *(
                f"{card.reference:52} {card.modality:6} {card.parameters_m:>5g} million weights    "
                f"    {card.good_at}"
                for card in read_catalogue()
            ),
            "any other hub:<owner>/<name> and local:<folder> work as well",
        ],
    )


def backbones_show(args: argparse.Namespace, output: Output) -> int:
    from tl_core.models.describe import describe_backbone, layer_tree

    if args.set:
        plan = FinetuneSettings.from_dict(dict(parse_setting(text) for text in args.set))
        tree = layer_tree(args.reference, read_settings(), 2, plan)
        return output.show(
            tree,
            [
                f"{tree['trainable']:,} of {tree['total']:,} weights move",
                *(
                    f"  {group['name']:18} {group['pattern']:40} {group['parameters']:>12,}  "
                    + (
                        f"{group['trainable']:>12,} move, learning rate x {group['lr_scale']:.3g}"
                        if group["trainable"]
                        else "frozen"
                    )
                    for group in tree["groups"]
                ),
            ],
        )
    facts = describe_backbone(args.reference, read_settings())
    return output.show(
        facts,
        [
            (
                f"{facts['reference']}: {facts['family']}, {facts['parameters'] / 1e6:.1f} million"
                f" weights, {facts['features']} features"
            ),
            *(f"  {part['name']:40} {part['parameters']:>12,}" for part in facts["layers"]),
        ],
    )


def backbones_rank(args: argparse.Namespace, output: Output) -> int:
    """Rank in a job and print the table."""
    from tl_core.cli.training import result_of
    from tl_core.models.references import parse_reference

    settings, datasets, _ = stores()
    record = datasets.get(args.dataset)
    references = [str(parse_reference(text)) for text in args.reference]
    if args.rows < 20:
        raise ConfigError(
            f"{args.rows} rows are too few to rank by.", "", "Give --rows 20 or more."
        )
    result = result_of(
        RunConfig(
            "rank",
            settings.user,
            record.reference,
            str(record.folder),
            options={"backbones": references, "rows": args.rows, "depths": args.depths},
        ),
        "rank.json",
        output,
    )
    if result is None:
        return 1
    run_id, found = result
    return output.show(
        {"dataset": record.reference, "run": run_id, **found},
        [
            found["sentence"],
            f"{'backbone':40} probe (plausible)   k-NN  LogME  H-score  items/s",
            *(
                f"{one['name']:40} {one['probe']['value']:.3f}"
                f" ({one['probe']['low']:.2f}-{one['probe']['high']:.2f})  {one['knn']:.3f} "
                f" {one['logme']:5.2f}  {one['h_score']:7.2f}  {one['items_per_second']:7.0f}"
                for one in found["ranking"]
            ),
            *(
                f"left out: {one['backbone']}: {one['error']['what']} {one['error']['why']}"
                for one in found["failed"]
            ),
        ],
    )


def recipes_list(_args: argparse.Namespace, output: Output) -> int:
    from tl_core.recipes import RECIPES

    return output.show(
        {"recipes": [{"name": name, "text": text} for name, text in RECIPES.items()]},
        [f"{name:10} {text}" for name, text in RECIPES.items()],
    )


def recipes_show(args: argparse.Namespace, output: Output) -> int:
    from tl_core.recipes import RECIPES

    if args.recipe not in RECIPES:
        raise NotFoundError(
            f"There is no recipe {args.recipe!r}.", "", nearest(args.recipe, RECIPES)
        )
    described = describe_settings(args.recipe)
    return output.show(
        {"recipe": args.recipe, "text": RECIPES[args.recipe], "settings": described},
        [
            RECIPES[args.recipe],
            *(f"  {s['name']} = {s['default']}: {s['help']}" for s in described),
        ],
    )


def model_folder(runs: RunStore, target: str) -> tuple[Path, str]:
    """The model folder of a run id or path, and the dataset reference it was trained on.

    Raises:
        NotFoundError: when it is neither.
        UserError: when the run has no model.
    """
    path = Path(target)
    if (path / "config.json").is_file() and not (path / "events.jsonl").exists():
        return path, ""
    run = runs.get(target)
    if not (run.folder / "model" / "config.json").is_file():
        raise UserError(
            f"Run {run.id} has no model to predict with.",
            f"It is a {run.recipe or run.kind} run and {run.status}.",
            "Choose a finished run of the recipe 'probe'.",
        )
    return run.folder / "model", run.dataset


def predict(args: argparse.Namespace, output: Output) -> int:
    settings, datasets, runs = stores()
    folder, dataset = model_folder(runs, args.model)
    from tl_core.data.plan import plan_lines
    from tl_core.predict import carried
    from tl_core.predict.batch import predict_source

    kept, own = _carried(datasets, folder, dataset), args.input.startswith("unlabelled:")
    source = Path(args.input)
    if own:
        named = DatasetVersion(datasets.get(args.input.partition(":")[2]).folder)
        source, kept = carried.unlabelled(named, kept)
    shown = Shown(output)
    try:
        counts = predict_source(
            folder,
            source,
            Path(args.output),
            settings,
            progress=shown,
            spreadsheet=args.spreadsheet,
            text_column=args.text_column,
            title_column=args.title_column,
            precision=args.precision,
            preparation=kept,
            prepared=own,
            strict=args.strict,
        )
    finally:
        shown.end()  # an error has a line of its own
    for doubt in [] if args.yes else counts["plan"]["uncertain"]:
        output.note(f"Warning: {doubt}")
    return output.show(
        {**counts, "output": args.output},
        [
            (
                f"{counts['rows']:,} rows in {args.output}, {counts['errors']:,} of them could not"
                " be read"
            ),
            f"Computed in {counts['precision']}.",
            *plan_lines(counts["plan"]),
        ],
    )


def _carried(datasets: DatasetStore, folder: Path, dataset: str) -> Preparation | None:
    """What training did to a row; of models that do not carry it, their dataset says it."""
    from tl_core.predict.carried import of_version, preparation_of

    kept = preparation_of(folder)
    return (
        of_version(DatasetVersion(datasets.get(dataset).folder).info)
        if kept is None and dataset
        else kept
    )


def doctor(_args: argparse.Namespace, output: Output) -> int:
    from tl_core.hub import endpoint, is_reachable
    from tl_core.jobs.monitor import read_machine
    from tl_core.models.describe import list_backbones
    from tl_core.models.machine import has_bf16

    settings = read_settings()
    settings.home_path.mkdir(parents=True, exist_ok=True)
    machine = read_machine()
    starters = {
        card["reference"]: card["problem"] or "ready"
        for card in list_backbones(settings)
        if card["reference"].startswith("starter:")
    }
    facts = {
        "python": sys.version.split()[0],
        "gpus": machine["gpus"],
        "cores": machine["cores"],
        "bf16": has_bf16(),
        "memory_bytes": machine["memory_total"],
        "disk_free_bytes": shutil.disk_usage(settings.home_path).free,
        "home": str(settings.home_path),
        "hub": {"address": endpoint(), "reachable": is_reachable()},
        "starters": starters,
        "packages": {
            name: installed(name) for name in ("torch", "transformers", "timm", "streamlit")
        },
    }
    return output.show(facts, [f"{key}: {value}" for key, value in facts.items()])


def explain(args: argparse.Namespace, output: Output) -> int:
    """What speaks for an answer, by two methods."""
    from tl_core.models.classifier import load_classifier
    from tl_core.predict.explain import explain as explain_one
    from tl_core.predict.picture_files import Picture, read_picture

    _, datasets, runs = stores()
    folder, dataset = model_folder(runs, args.model)
    kept = _carried(datasets, folder, dataset) or Preparation()
    classifier = load_classifier(folder)
    path = Path(args.input)
    if classifier.modality == "image":
        if not path.is_file():
            raise NotFoundError(f"There is no picture {args.input!r}.", "", "Check the spelling.")
        item: object = read_picture(Picture(path.name, path), kept)
    else:
        item = _one_text(args, kept)
    answer = classifier.labels[int(classifier.probabilities([item])[0].argmax())]
    label = args.label or answer
    if label not in classifier.labels:
        raise NotFoundError(
            f"The model has no class {label!r}.", "", nearest(label, classifier.labels)
        )
    found = explain_one(classifier, item, label)
    lines = [f"It says {answer}. What speaks for {label}:"]
    for method in found["methods"]:
        lines.append(
            f"  {method['name']}: {method['deletion']:.0%} sure on average while the most relevant"
            f" parts go, {method['random_deletion']:.0%} while random ones go"
        )
        if found["words"]:
            ranked = sorted(
                zip(found["words"], method["map"], strict=True), key=lambda pair: -pair[1]
            )[:8]
            lines.append("    " + ", ".join(f"{word} {value:+.2f}" for word, value in ranked))
    return output.show({"answer": answer, **found}, lines)


def _one_text(args: argparse.Namespace, kept: Preparation) -> str:
    """The text to explain, put together as in training."""
    trained = f"It was trained on {' and '.join(map(repr, kept.columns))}" + (
        ", joined by a line break." if kept.joined else " alone."
    )
    if args.title is not None and len(kept.columns) not in (0, 2):
        raise DataError("This model reads no title beside a text.", trained, "Leave --title out.")
    if kept.joined and args.title is None:
        raise DataError(
            "A text alone is not what this model reads.",
            trained,
            f"Give {kept.columns[0]!r} with --title.",
        )
    text = kept.one_text(args.input if args.title is None else f"{args.title}\n{args.input}")
    if not text:
        raise UserError("There is no text to explain.", "", "Give one in quotes.")
    return text
