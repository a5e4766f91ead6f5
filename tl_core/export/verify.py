"""Does a bundle still say what it said when it was made? Checksums, then golden examples through
every way in.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier, load_classifier
from tl_core.backbones.parity import through_pipeline
from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.errors import DataError, UserError
from tl_core.export import golden, onnx
from tl_core.export.bundle_facts import Facts, read_facts
from tl_core.export.exported_items import exported_items_of
from tl_core.json_files import find_object
from tl_core.results import BundleCheck

MANIFEST = "manifest.json"
TORCH, ONNX = 1e-5, 1e-4  # largest difference of a probability
# processors round 8-bit products in different ways; what 8 bits cost is measured at export
INT8 = 0.05
Floats = NDArray[np.float64]


class Proof(TypedDict):
    """Every check, and whether all of them hold."""

    ok: bool
    checks: list[BundleCheck]


def verify(folder: Path) -> Proof:
    """Check the bundle in `folder`.

    Raises:
        DataError: when `folder` is no bundle.
    """
    facts = read_facts(folder)
    if not facts or not (folder / MANIFEST).is_file() and not (folder / golden.FOLDER).is_dir():
        raise DataError(
            f"{folder.name!r} is no bundle.",
            "It holds no graft.json, manifest.json and golden examples.",
            "Export one: python -m tl_core export RUN -o DIR.",
        )
    checks = [*_files(folder), _weights(folder, facts)]
    try:
        classifier = load_classifier(folder)
        classifier.model.to("cpu")
        checks.append(_labels(classifier, facts))
        checks.append(_preprocessing(classifier, facts))
        checks += _golden(folder, classifier, facts)
    except (UserError, OSError, ValueError, KeyError) as error:
        checks.append(_check("opening", False, str(error)))
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def _check(name: str, ok: bool, detail: str, largest: float | None = None) -> BundleCheck:
    return {"name": name, "ok": ok, "detail": detail, "largest": largest}


def _files(folder: Path) -> list[BundleCheck]:
    """Every file against the manifest."""
    if not (folder / MANIFEST).is_file():
        return []  # it is being made
    sums = cast("dict[str, str]", find_object(folder / MANIFEST).get("sha256") or {})
    there = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST and "__pycache__" not in path.parts
    }
    wrong = [_check(f"file {name}", False, "It is missing.") for name in sums if name not in there]
    wrong += [
        _check(f"file {name}", False, "It is not the one that was exported.")
        for name, path in there.items()
        if name in sums and hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]
    ]
    wrong += [
        _check(f"file {name}", False, "It was added later.") for name in there if name not in sums
    ]
    return wrong or [_check("files", True, f"All {len(sums)} are those that were exported.")]


def _weights(folder: Path, facts: Facts) -> BundleCheck:
    same = weights_hash(folder) == facts.get("weights_sha256")
    return _check(
        "weights",
        same,
        (
            "They are those of the run."
            if same
            else "model.safetensors is not that of the run: a weight was changed."
        ),
    )


def _labels(classifier: Classifier, facts: Facts) -> BundleCheck:
    order, labels = classifier.labels, facts.get("labels", [])
    same = order == labels
    return _check(
        "label order",
        same,
        (
            "config.json and graft.json agree."
            if same
            else (
                f"config.json names the classes {', '.join(map(str, order))}; they were "
                f"{', '.join(map(str, labels))}."
            )
        ),
    )


def _preprocessing(classifier: Classifier, facts: Facts) -> BundleCheck:
    was = facts.get("preprocessing") or {}
    now = exported_items_of(classifier.modality).preprocessing(classifier.processor)
    changed = [
        f"{name} is {json.dumps(now.get(name))}, it was {json.dumps(was[name])}"
        for name in was
        if now.get(name) != was[name]
    ]
    return _check(
        "preprocessing", not changed, "; ".join(changed)[:400] or f"{now['class']} as it was."
    )


def _golden(folder: Path, classifier: Classifier, facts: Facts) -> list[BundleCheck]:
    """Golden examples through torch, the pipeline of transformers, and ONNX Runtime; classes are
    matched by name.
    """
    labels, items, expected = golden.read_golden(folder / golden.FOLDER, classifier.modality)
    if sorted(labels) != sorted(classifier.labels):
        return [_check("golden examples", False, "Their classes are not those of the model.")]
    wanted = expected[:, [labels.index(name) for name in classifier.labels]]
    checks = [_compare("golden examples, PyTorch", classifier.probabilities(items), wanted, TORCH)]
    if facts.get("runs_with") == "transformers":
        checks.append(
            _compare(
                "golden examples, pipeline", through_pipeline(classifier, items), wanted, TORCH
            )
        )
    if (folder / onnx.FILE).is_file():
        try:
            said = onnx.OnnxClassifier(folder / onnx.FILE, classifier).probabilities(items)
            checks.append(_compare("golden examples, ONNX Runtime", said, wanted, ONNX))
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's own errors share no base but this
            checks.append(
                _check(
                    "golden examples, ONNX Runtime", False, str(error).strip().splitlines()[0][:200]
                )
            )
    if (folder / onnx.INT8).is_file():
        said = onnx.OnnxClassifier(folder / onnx.INT8, classifier).probabilities(items)
        checks.append(
            _compare(
                "golden examples, 8 bits", said, golden.read_int8(folder / golden.FOLDER), INT8
            )
        )
    return checks


def _compare(name: str, said: Floats, wanted: Floats, tolerance: float) -> BundleCheck:
    largest = float(np.abs(said - wanted).max())
    return _check(
        name,
        largest <= tolerance,
        f"Probabilities differ by at most {largest:.1g}; {tolerance:g} is allowed.",
        largest,
    )
