"""A bundle: the Hugging Face folder of a run with everything that it takes to use it elsewhere and
to prove it.

Written beside its place and renamed when it has been verified; `manifest.json` is the last file.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from tl_core.data import preparation
from tl_core.data.pictures import deep_pictures
from tl_core.data.preparation import Preparation
from tl_core.data.store import DatasetVersion, VersionInfo
from tl_core.errors import BackboneError, StateError
from tl_core.export import golden, onnx, standalone
from tl_core.export.card import render, shown_backbone
from tl_core.export.verify import MANIFEST, preprocessing_of, verify
from tl_core.export.wishes import Wishes
from tl_core.models import grafts
from tl_core.models.classifier import Classifier, load_classifier
from tl_core.models.references import read_json, weights_hash
from tl_core.predict.carried import preparation_of
from tl_core.predict.threshold import read_threshold
from tl_core.progress import Progress

FACTS, FORMAT = "graft.json", 1
_KEPT = (".safetensors", ".json", ".txt", ".model", ".jinja")
_NOT = ("threshold.json", grafts.FILE)
_PRIVATE = ("_name_or_path", "name_or_path", "is_local", "local_files_only")
_SECRETS = re.compile(r"hf_[A-Za-z0-9]{20,}|/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\Users")
_CHECKED = 500  # test items that say what 8 bits cost
_CALIBRATION = 64


def export(
    run: Path, target: Path, wishes: Wishes, version: DatasetVersion | None, progress: Progress
) -> dict[str, Any]:
    """Make the bundle of the finished run in folder `run` at `target`, which must not exist.

    Args:
        run: folder of the run, with `model`, `report.json` and `config.json`.
        target: the bundle's folder.
        wishes: what it shall hold.
        version: the run's dataset, for examples and for what 8 bits cost.
        progress: told about everything.

    Returns:
        What `verify` found, with `int8` where that was asked for: agreement with float32 and the
        change of accuracy.

    Raises:
        StateError: when the run has no model, or `target` is there.
        BackboneError: when the bundle does not say what the model says.
    """
    model = run / "model"
    if not (model / "config.json").is_file():
        raise StateError(
            f"Run {run.name} has no model to take away.",
            "It has not finished, or used no backbone.",
            "Choose a finished run that has one.",
        )
    if target.exists():
        raise StateError(
            f"{target.name} is there already.", "Nothing is overwritten.", "Choose another name."
        )
    progress.stage("Opening the model", share=0.1)
    classifier = load_classifier(model)
    classifier.model.to("cpu")
    kept = preparation_of(model, version.info if version else _info_of(run)) or Preparation()
    told = {**facts_of(run, classifier), "preparation": kept.as_dict()}
    half = target.with_name(target.name + ".part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        _copy_model(model, half)
        _copy_preparation(kept, half, classifier.modality)
        progress.stage("Writing golden examples", share=0.1)
        golden.write_golden(
            classifier, half / golden.FOLDER, version if wishes.examples else None, kept
        )
        if wishes.onnx or wishes.int8 or told["runs_with"] == "onnxruntime":
            progress.stage("Writing ONNX", share=0.3)
            onnx.write_onnx(classifier, half / onnx.FILE)
        report = json.loads((run / "report.json").read_text())
        judges = "test" if report.get("test") else "validation"  # a closed test score stays closed
        small = _quantize(classifier, half, wishes, version, judges, progress, kept)
        _write_rest(half, told, report, target.name)
        progress.stage("Proving the bundle", share=0.2)
        found = verify(half)
        if not found["ok"]:
            wrong = next(check for check in found["checks"] if not check["ok"])
            raise BackboneError(
                "The bundle does not say what the model says.",
                f"{wrong['name']}: {wrong['detail']}",
                "Export it without ONNX, or train again with the usual classifier.",
            )
        half.rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return {
        **found,
        "int8": small,
        "files": sorted(
            path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()
        ),
        "bytes": sum(path.stat().st_size for path in target.rglob("*") if path.is_file()),
    }


def _info_of(run: Path) -> VersionInfo | None:
    """Facts about the version that a run was trained on, where it is still there."""
    told = read_json(run / "config.json").get("dataset_dir")
    folder = Path(str(told)) if told else None
    return DatasetVersion(folder).info if folder and (folder / "version.json").is_file() else None


def facts_of(run: Path, classifier: Classifier) -> dict[str, Any]:
    """What `graft.json` tells: all that decides an answer, and where it came from; nothing of this
    machine.
    """
    report, config = json.loads((run / "report.json").read_text()), read_json(run / "config.json")
    model = run / "model"
    graft = {name: value for name, value in read_json(model / grafts.FILE).items() if value}
    family = str(read_json(model / "config.json").get("model_type", ""))
    processor = classifier.processor
    return {
        "format": FORMAT,
        "labels": classifier.labels,
        "modality": classifier.modality,
        "family": family,
        "runs_with": "onnxruntime" if graft else "transformers",
        **graft,
        "threshold": read_threshold(model),
        "temperature": (report.get("temperature") or {}).get("temperature", 1.0),
        "temperature_is_in_the_weights": True,
        "max_length": int(processor.model_max_length) if classifier.modality == "text" else None,
        "preprocessing": preprocessing_of(processor, classifier.modality),
        "run": run.name,
        "dataset": str(report["dataset"]),
        "data_fingerprint": report["data"]["fingerprint"],
        "backbone": shown_backbone(str(report["backbone"])),
        "recipe": report["recipe"],
        "settings": report["settings"],
        "seed": report["settings"].get("seed", 0),
        "sealed": bool(config.get("sealed")),
        "weights_sha256": weights_hash(model),
        "code_fingerprint": code_fingerprint(),
        "versions": report["environment"]["packages"],
    }


def code_fingerprint() -> str:
    """sha256 over the source of the engine."""
    found = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def requirements_of(told: dict[str, Any]) -> list[str]:
    """The packages that `predict.py` needs, at the versions that made the bundle."""
    names = ["numpy", "transformers"]
    if told["runs_with"] == "onnxruntime":
        names.append("onnxruntime")
    names += ["torch"]
    if told.get("preparation", {}).get("repair"):
        names.append("ftfy")
    if told["modality"] == "image":
        names += ["pillow", "torchvision"] + (["timm"] if told["family"] == "timm_wrapper" else [])
    return [f"{name}=={installed(name).partition('+')[0]}" for name in names]


def _copy_model(model: Path, target: Path) -> None:
    """Weights, configuration and vocabulary, without traces of where they lay."""
    for path in sorted(model.iterdir()):
        if not path.is_file() or path.suffix not in _KEPT or path.name in _NOT:
            continue
        if path.name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
            content = {
                name: value for name, value in read_json(path).items() if name not in _PRIVATE
            }
            (target / path.name).write_text(
                json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8"
            )
        else:
            shutil.copyfile(path, target / path.name)
    if read_json(model / "config.json").get("model_type") == "static_vectors":
        from tl_core.models import static_vectors

        shutil.copyfile(str(static_vectors.__file__), target / "static_vectors.py")


def _copy_preparation(kept: Preparation, target: Path, modality: str) -> None:
    """What training did to a row, and the code that did it, which `predict.py` repeats."""
    kept.write(target)
    shutil.copyfile(str(preparation.__file__), target / "preparation.py")
    if modality == "image":
        code = Path(str(deep_pictures.__file__)).read_text(encoding="utf-8")
        (target / "deep_pictures.py").write_text(
            code.replace("from tl_core.data.preparation", "from preparation"), encoding="utf-8"
        )


def _write_rest(target: Path, told: dict[str, Any], report: dict[str, Any], name: str) -> None:
    (target / FACTS).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    (target / "README.md").write_text(render(told, report, name), encoding="utf-8")
    (target / "requirements.txt").write_text("\n".join(requirements_of(told)) + "\n")
    shutil.copyfile(str(standalone.__file__), target / "predict.py")
    for path in target.rglob("*"):
        if path.suffix in (".json", ".md", ".txt") and path.name not in (
            "tokenizer.json",
            "vocab.txt",
        ):
            leak = _SECRETS.search(path.read_text(encoding="utf-8", errors="replace"))
            if leak and golden.FOLDER not in path.parts:
                raise BackboneError(
                    f"{path.name} of the bundle would give away {leak[0]!r}.",
                    "It is of this machine.",
                    "Train again from a backbone that is named without its folder.",
                )
    write_manifest(target)


def write_manifest(folder: Path) -> None:
    """sha256 of every file; itself the last one."""
    sums = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, "sha256": sums}, indent=1))


def _quantize(
    classifier: Classifier,
    folder: Path,
    wishes: Wishes,
    version: DatasetVersion | None,
    judges: str,
    progress: Progress,
    kept: Preparation,
) -> dict[str, Any] | None:
    """The 8-bit file, and what it costs on the items of the split `judges`."""
    if not wishes.int8 or version is None:
        return None
    import numpy as np

    from tl_core.data.images import open_image
    from tl_core.evaluate.compare import compare
    from tl_core.evaluate.intervals import proportion

    def read(rows: Any) -> list[Any]:  # noqa: ANN401
        return (
            list(version.texts(rows))
            if classifier.modality == "text"
            else [open_image(version.image_bytes(int(row)), kept.scale) for row in rows]
        )

    progress.stage("Squeezing into 8 bits", share=0.2)
    onnx.write_int8(
        classifier,
        folder / onnx.FILE,
        folder / onnx.INT8,
        [] if classifier.modality == "text" else read(version.rows_of("train")[:_CALIBRATION]),
    )
    squeezed = onnx.OnnxClassifier(folder / onnx.INT8, classifier)
    golden.add_int8(
        folder / golden.FOLDER,
        squeezed.probabilities(golden.read_golden(folder / golden.FOLDER)[1]),
    )
    rows = version.rows_of(judges)[:_CHECKED]
    rows = rows[version.labels[rows] >= 0]
    items, labels = read(rows), version.labels[rows]
    names = [version.info.labels.index(label) for label in classifier.labels]
    whole = np.array(names)[
        onnx.OnnxClassifier(folder / onnx.FILE, classifier).probabilities(items).argmax(1)
    ]
    small = np.array(names)[squeezed.probabilities(items).argmax(1)]
    names_of_both = "The one in 8 bits", "the one in float32"
    return {
        "items": len(rows),
        "agreement": proportion(int((whole == small).sum()), len(rows)),
        "accuracy": compare(small == labels, whole == labels, f"{judges} items", names_of_both),
    }
