"""The helper process that answers what a page needs at once: looks into uploads, predicts one item,
describes nets.

`python -m tl_core.helper.server ADDRESS`, with the connection's key on standard input. It ends with
its connection, so it never outlives the app. Calls run in a few threads; anything that takes long
belongs into a job instead.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.config import FinetuneSettings, SurgeryPlan
from tl_core.errors import ErrorObject, UserError
from tl_core.log import quiet_libraries, setup_logging
from tl_core.settings import read_settings

if TYPE_CHECKING:
    from tl_core.backbones.classifier import Classifier
    from tl_core.backbones.describe import BackboneFacts, LayerTree
    from tl_core.backbones.inputs.input_kind import Finding
    from tl_core.backbones.sources.hub_backbones import HubModel
    from tl_core.predict.explanations.explain import Explanation
    from tl_core.predict.one_item import ModelInput
    from tl_core.train.shortcuts import Shortcut

_THREADS = 3
_SAMPLE = 200
# transformers imports its parts on first use, which two threads at once break
_model_lock = threading.Lock()
_loaded: dict[str, Classifier] = {}  # the model used last; a second one would double the memory


def inspect_source(path: str, staging: str, options: dict[str, object]) -> dict[str, object]:
    """What a source holds: see `tl_core.data.preview.look_into`."""
    from tl_core.data.preview import look_into
    from tl_core.services.datasets import limits_of

    return dict(look_into(Path(path), Path(staging), limits_of(read_settings()), options))


def plan_import(path: str, staging: str, options: dict[str, object]) -> dict[str, object]:
    """What an import would take and where its rows would go: see
    `tl_core.data.preview.plan_import`.
    """
    from tl_core.data.preview import plan_import as plan
    from tl_core.services.datasets import limits_of

    return dict(plan(Path(path), Path(staging), limits_of(read_settings()), options))


def hub_reachable() -> bool:
    """Whether the Hub answers; may take five seconds."""
    from tl_core.hub import is_reachable

    return is_reachable()


def search_hub(text: str, modality: str, language: str, commercial: bool) -> list[HubModel]:
    """Models of the Hub: see `tl_core.backbones.sources.hub_backbones.search`."""
    from tl_core.backbones.sources.hub_backbones import search

    return search(text, modality, language=language, commercial=commercial)


def describe_hub_data(name: str) -> dict[str, object]:
    """Configurations and splits of a Hub dataset."""
    from tl_core.data.sources.hub_datasets import describe as describe_data

    return dict(describe_data(name))


def predict_one(folder: str, value: str | bytes) -> list[tuple[str, float]]:
    """Classes and probabilities of one text or encoded picture, the most likely first; texts are
    joined already.
    """
    with _model_lock:
        classifier = _classifier(folder)
        item = _as_read(folder, classifier, value)
        probabilities = map(float, classifier.probabilities([item])[0])
    answers = zip(classifier.labels, probabilities, strict=True)
    return sorted(answers, key=lambda answer: -answer[1])


def predict_texts(folder: str, texts: list[str]) -> dict[str, object]:
    """Class names, and the probabilities (texts, classes) in their order."""
    with _model_lock:
        classifier = _classifier(folder)
        items = [_as_read(folder, classifier, text) for text in texts]
        return {
            "labels": classifier.labels,
            "probabilities": classifier.probabilities(items).tolist(),
        }


def explain(folder: str, value: str | bytes, labels: list[str]) -> list[Explanation]:
    """Explanations of each of `labels` for one text or encoded picture: see
    `tl_core.predict.explanations.explain`.
    """
    from tl_core.predict.explanations.explain import explain as explain_one

    with _model_lock:
        classifier = _classifier(folder)
        item = _as_read(folder, classifier, value)
        return [explain_one(classifier, item, label) for label in labels]


def _as_read(folder: str, classifier: Classifier, value: str | bytes) -> ModelInput:
    """What a person gave on a page as the model of `folder` reads it, prepared as training did."""
    from tl_core.data.preparation import Preparation
    from tl_core.predict.carried import preparation_of
    from tl_core.predict.predicted_items import predicted_items_of

    kept = preparation_of(Path(folder)) or Preparation()
    return predicted_items_of(classifier.modality).as_given(value, kept)


def _classifier(folder: str) -> Classifier:
    from tl_core.backbones.classifier import load_classifier

    if folder not in _loaded:
        _loaded.clear()
        _loaded[folder] = load_classifier(Path(folder))
    return _loaded[folder]


def warm(folder: str) -> bool:
    """Open a trained model, so that the first prediction does not have to wait for it."""
    with _model_lock:
        _classifier(folder)
    return True


def describe(reference: str) -> BackboneFacts:
    """Facts and layers of a backbone."""
    with _model_lock:
        from tl_core.backbones.describe import describe_backbone

        return describe_backbone(reference, read_settings())


def bring_model(path: str, owner: str) -> BackboneFacts:
    """Keep a model folder that `owner` has uploaded, if it can be used, and describe it like any
    other backbone.
    """
    from tl_core.database.engine import open_database
    from tl_core.registry.models import ModelStore
    from tl_core.services.datasets import bring_model as bring
    from tl_core.storage import remove_tree

    settings, archive = read_settings(), Path(path)
    try:
        reference = bring(settings, archive)
    finally:
        remove_tree(archive.parent)
    name = reference.partition(":")[2]
    try:
        facts = describe(reference)
    except UserError:
        remove_tree(settings.home_path / "models" / name)
        raise
    ModelStore(open_database(settings), owner, settings.home_path).add(name)
    return facts


def check_fit(reference: str, folder: str, max_length: int) -> list[Finding]:
    """Findings about how a backbone reads a sample of a dataset's training texts."""
    import numpy as np

    from tl_core.data.versions.store import DatasetVersion

    version = DatasetVersion(Path(folder))
    rows = version.rows_of("train")
    places = np.unique(np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64))
    with _model_lock:
        from tl_core.backbones.language import check_fit as check

        return check(reference, read_settings(), version.texts(rows[places]), max_length)


def layer_tree(reference: str, recipe: str, options: dict[str, object], classes: int) -> LayerTree:
    """What a recipe's settings do to the layers of a backbone: see
    `tl_core.backbones.describe.layer_tree`.
    """
    plan = FinetuneSettings.from_dict(options) if recipe == "finetune" else SurgeryPlan(tune="head")
    with _model_lock:
        from tl_core.backbones.describe import layer_tree as tree

        return tree(reference, read_settings(), classes, plan)


def preview(reference: str, folder: str, augment: str, seed: int) -> list[list[bytes]]:
    """Some training pictures of a dataset as PNG: each as it judges, and varied as training would
    see it.
    """
    with _model_lock:
        from tl_core.train.features.pictures_as_seen import preview as show

        return show(reference, read_settings(), Path(folder), augment, seed)


def shortcuts(folder: str) -> list[Shortcut]:
    """What predicts the class although it should not: see
    `tl_core.train.shortcuts.find_shortcuts`.
    """
    from tl_core.data.versions.store import DatasetVersion
    from tl_core.train.shortcuts import look_for_shortcuts

    return look_for_shortcuts(DatasetVersion(Path(folder)))


def search_items(folder: str, address: str, reference: str) -> dict[str, object]:
    """See `tl_core.helper.item_answers.search_items`."""
    from tl_core.helper.item_answers import search_items as search

    with _model_lock:
        return search(Path(folder), address, reference, read_settings())


CALLS: dict[str, Callable[..., object]] = {
    "inspect_source": inspect_source,
    "plan_import": plan_import,
    "describe_hub_data": describe_hub_data,
    "hub_reachable": hub_reachable,
    "search_hub": search_hub,
    "check_fit": check_fit,
    "layer_tree": layer_tree,
    "preview": preview,
    "shortcuts": shortcuts,
    "search_items": search_items,
    "predict_one": predict_one,
    "predict_texts": predict_texts,
    "explain": explain,
    "warm": warm,
    "describe": describe,
    "bring_model": bring_model,
}


def serve(connection: Connection) -> None:
    """Answer (ticket, name, arguments) with (ticket, value, error) until the other side hangs
    up.
    """
    lock = threading.Lock()

    def answer(ticket: int, name: str, arguments: dict[str, object]) -> None:
        value: object = None
        error: ErrorObject | None = None
        try:
            value = CALLS[name](**arguments)
        except UserError as problem:
            error = problem.as_dict()
        except Exception as problem:
            import logging

            log_id = secrets.token_hex(3)
            logging.getLogger(__name__).error(
                "unexpected error %s in %s", log_id, name, exc_info=problem
            )
            error = {
                "code": "unexpected",
                "what": "Something went wrong that we did not expect.",
                "why": f"{type(problem).__name__} (log id {log_id}).",
                "try_this": "Try again.",
            }
        with lock:
            connection.send((ticket, value, error))

    with ThreadPoolExecutor(_THREADS) as pool:
        while True:
            try:
                ticket, name, arguments = connection.recv()
            except (EOFError, OSError):
                return
            pool.submit(answer, ticket, name, arguments)


if __name__ == "__main__":
    quiet_libraries()
    setup_logging("WARNING", as_json=read_settings().json_log)
    serve(Client(sys.argv[1], authkey=bytes.fromhex(sys.stdin.readline().strip())))
