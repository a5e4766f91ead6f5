"""A bundle: the Hugging Face folder of a run with everything that it takes to use it elsewhere and
to prove it.

Written beside its place and renamed when it has been verified; `manifest.json` is the last file.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tl_core.backbones.classifier import Classifier, load_classifier
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import BackboneError, StateError
from tl_core.evaluate.report import Report, load_report
from tl_core.export import eight_bits, golden, onnx
from tl_core.export.bundle_facts import FORMAT, facts_of, graft_of, requirements_of, write_facts
from tl_core.export.cards.card import render
from tl_core.export.cards.held_out import note_held_out
from tl_core.export.carried_code import copy_code
from tl_core.export.verify import MANIFEST, Proof, verify
from tl_core.export.wishes import Wishes
from tl_core.json_files import find_object
from tl_core.predict.carried import preparation_of
from tl_core.progress import Progress
from tl_core.results import EightBitFacts, ExportedBundle
from tl_core.surgery import grafts
from tl_core.surgery.model_json import read_json

_KEPT = (".safetensors", ".json", ".txt", ".model", ".jinja")
_NOT = ("threshold.json", grafts.FILE)
_PRIVATE = ("_name_or_path", "name_or_path", "is_local", "local_files_only")
_SECRETS = re.compile(r"hf_[A-Za-z0-9]{20,}|/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\Users")


@dataclass(frozen=True)
class _Trained:
    """What a bundle is made from."""

    run: Path
    classifier: Classifier
    preparation: Preparation
    version: DatasetVersion | None
    report: Report

    @property
    def model(self) -> Path:
        return self.run / "model"


def export(
    run: Path, target: Path, wishes: Wishes, version: DatasetVersion | None, progress: Progress
) -> ExportedBundle:
    """Make the bundle of the finished run in folder `run` at `target`, which must not exist.

    Args:
        run: folder of the run, with `model`, `report.json` and `config.json`.
        target: the bundle's folder.
        wishes: what it shall hold.
        version: the run's dataset, for examples and for what 8 bits cost.
        progress: told about everything.

    Raises:
        StateError: when the run has no model, or `target` is there.
        BackboneError: when the bundle does not say what the model says.
    """
    _check_paths(run, target)
    progress.stage("Opening the model", share=0.1)
    trained = _open(run, version)
    half = target.with_name(target.name + ".part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        int8 = _fill(half, trained, wishes, target.name, progress)
        progress.stage("Verifying the bundle", share=0.2)
        proof = _proven(half)
        half.rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    files = [path for path in target.rglob("*") if path.is_file()]
    return {
        **proof,
        "int8": int8,
        "files": sorted(path.relative_to(target).as_posix() for path in files),
        "bytes": sum(path.stat().st_size for path in files),
    }


def _check_paths(run: Path, target: Path) -> None:
    if not (run / "model" / "config.json").is_file():
        raise StateError(
            f"Run {run.name} has no model to take away.",
            "It has not finished, or used no backbone.",
            "Choose a finished run that has one.",
        )
    if target.exists():
        raise StateError(
            f"{target.name} is there already.", "Nothing is overwritten.", "Choose another name."
        )


def _open(run: Path, version: DatasetVersion | None) -> _Trained:
    classifier = load_classifier(run / "model")
    classifier.model.to("cpu")
    info = version.info if version else _info_of(run)
    preparation = preparation_of(run / "model", info) or Preparation()
    return _Trained(run, classifier, preparation, version, load_report(run))


def _info_of(run: Path) -> VersionInfo | None:
    """Facts about the version that a run was trained on, where it is still there."""
    dataset = find_object(run / "config.json").get("dataset_dir")
    folder = Path(str(dataset)) if dataset else None
    return DatasetVersion(folder).info if folder and (folder / "version.json").is_file() else None


def _fill(
    folder: Path, trained: _Trained, wishes: Wishes, name: str, progress: Progress
) -> EightBitFacts | None:
    """Write every file of the bundle `name` into `folder`; gives what 8 bits cost."""
    classifier, preparation, version = trained.classifier, trained.preparation, trained.version
    facts = facts_of(trained.run, classifier, preparation)
    _copy_model(trained.model, folder)
    preparation.write(folder)
    copy_code(folder, facts["modality"], facts["family"])
    progress.stage("Writing golden examples", share=0.1)
    own = version if wishes.examples else None
    golden.write_golden(classifier, folder / golden.FOLDER, own, preparation)
    if wishes.onnx or wishes.int8 or facts["runs_with"] == "onnxruntime":
        progress.stage("Writing ONNX", share=0.3)
        onnx.write_onnx(classifier, folder / onnx.FILE)
    int8 = None
    if wishes.int8 and version is not None:
        progress.stage("Quantising to 8 bits", share=0.2)
        # a closed test score stays closed
        judges = "test" if trained.report.get("test") else "validation"
        int8 = eight_bits.write_and_measure(classifier, folder, version, judges, preparation)
    if version is not None:
        progress.stage("Counting how it answers held-out rows", share=0.2)
        note_held_out(folder, classifier, version, preparation, progress, sealed=facts["sealed"])
    write_facts(folder, facts, graft_of(trained.model))
    (folder / "README.md").write_text(render(facts, trained.report, name), encoding="utf-8")
    (folder / "requirements.txt").write_text("\n".join(requirements_of(facts)) + "\n")
    _refuse_secrets(folder)
    write_manifest(folder)
    return int8


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


def _refuse_secrets(folder: Path) -> None:
    """Refuse a bundle that names folders of this machine or a token; golden examples may be the
    owner's own texts.
    """
    for path in folder.rglob("*"):
        if path.suffix not in (".json", ".md", ".txt") or golden.FOLDER in path.parts:
            continue
        if path.name in ("tokenizer.json", "vocab.txt"):
            continue
        if leak := _SECRETS.search(path.read_text(encoding="utf-8", errors="replace")):
            raise BackboneError(
                f"{path.name} of the bundle would reveal {leak[0]!r}.",
                "It belongs to this machine.",
                "Train again from a backbone that is named without its folder.",
            )


def write_manifest(folder: Path) -> None:
    """sha256 of every file; itself the last one."""
    sums = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, "sha256": sums}, indent=1))


def _proven(folder: Path) -> Proof:
    """How the bundle was proven.

    Raises:
        BackboneError: when a check fails.
    """
    proof = verify(folder)
    if not proof["ok"]:
        wrong = next(check for check in proof["checks"] if not check["ok"])
        raise BackboneError(
            "The bundle does not predict the same as the model.",
            f"{wrong['name']}: {wrong['detail']}",
            "Export it without ONNX, or train again with the usual classifier.",
        )
    return proof
