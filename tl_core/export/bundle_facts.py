"""What a bundle says of itself in `graft.json`: all that decides an answer, and where it came
from.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version as installed
from pathlib import Path
from typing import TypedDict, cast

from tl_core.backbones.classifier import Classifier
from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.data.preparation import Preparation, PreparationFacts
from tl_core.evaluate.report import load_report
from tl_core.export.exported_items import exported_items_of
from tl_core.json_files import find_object
from tl_core.predict.threshold import read_threshold
from tl_core.surgery import grafts
from tl_core.surgery.model_json import read_json
from tl_core.tasks.kept_thresholds import thresholds_of

FILE, FORMAT = "graft.json", 1


class Facts(TypedDict, total=False):
    """The content of `graft.json`; bundles from earlier versions lack some of it, and those of
    grafted models hold the keys of the graft as well.
    """

    format: int
    labels: list[str]
    modality: str
    family: str
    runs_with: str  # transformers or onnxruntime
    threshold: float
    task: str
    thresholds: list[float] | None  # of each class, where an item may have several
    temperature: float
    temperature_is_in_the_weights: bool
    max_length: int | None
    preprocessing: dict[str, object]
    run: str
    dataset: str
    data_fingerprint: str
    backbone: str
    recipe: str
    settings: dict[str, object]
    seed: int
    sealed: bool
    weights_sha256: str
    code_fingerprint: str
    versions: dict[str, str]
    preparation: PreparationFacts


def facts_of(run: Path, classifier: Classifier, preparation: Preparation) -> Facts:
    """What is known about the finished run in folder `run`; nothing of this machine."""
    report, config = load_report(run), find_object(run / "config.json")
    kind = exported_items_of(classifier.modality)
    model, processor, fitted = run / "model", classifier.processor, report.get("temperature")
    return {
        "format": FORMAT,
        "labels": classifier.labels,
        "modality": classifier.modality,
        "family": str(read_json(model / "config.json").get("model_type", "")),
        "runs_with": "onnxruntime" if graft_of(model) else "transformers",
        "threshold": read_threshold(model),
        "task": classifier.task.name,
        "thresholds": thresholds_of(classifier.decision),
        "temperature": fitted["temperature"] if fitted else 1.0,
        "temperature_is_in_the_weights": True,
        "max_length": kind.longest(processor),
        "preprocessing": kind.preprocessing(processor),
        "run": run.name,
        "dataset": str(report["dataset"]),
        "data_fingerprint": report["data"]["fingerprint"],
        "backbone": shown_backbone(str(report["backbone"])),
        "recipe": report["recipe"],
        "settings": report["settings"],
        "seed": int(str(report["settings"].get("seed", 0))),
        "sealed": bool(config.get("sealed")),
        "weights_sha256": weights_hash(model),
        "code_fingerprint": code_fingerprint(),
        "versions": report["environment"]["packages"],
        "preparation": preparation.as_dict(),
    }


def read_facts(folder: Path) -> Facts:
    """The facts of the bundle in `folder`; empty where there are none.

    Raises:
        BackboneError: when they are no valid JSON.
    """
    return cast("Facts", find_object(folder / FILE))


def write_facts(folder: Path, facts: Facts, graft: dict[str, object]) -> None:
    """Write `facts` with the keys of a graft, by which this program rebuilds the network."""
    content = json.dumps({**facts, **graft}, indent=1, ensure_ascii=False)
    (folder / FILE).write_text(content, encoding="utf-8")


def graft_of(model: Path) -> dict[str, object]:
    """How to rebuild a network that plain transformers cannot read; empty for all others."""
    return {name: value for name, value in read_json(model / grafts.FILE).items() if value}


def code_fingerprint() -> str:
    """sha256 over the source of the engine."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def shown_backbone(backbone: str) -> str:
    """The reference without folders of this machine."""
    kind, _, target = backbone.rpartition(":")
    if kind.endswith("local") or kind == "static":
        return f"{kind}:{target.replace(chr(92), '/').rpartition('/')[2]}"
    return backbone


def requirements_of(facts: Facts) -> list[str]:
    """The packages that `predict.py` needs, at the versions that made the bundle."""
    names = ["numpy", "transformers"]
    if facts["runs_with"] == "onnxruntime":
        names.append("onnxruntime")
    names += ["torch"]
    if facts.get("preparation", {}).get("repair"):
        names.append("ftfy")
    names += exported_items_of(facts["modality"]).packages(facts["family"])
    return [f"{name}=={installed(name).partition('+')[0]}" for name in names]
