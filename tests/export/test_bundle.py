"""Every family and recipe: exported, moved, and asked in another environment; damage of every kind
is named.
"""

from __future__ import annotations

import getpass
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests_support import elsewhere
from tests_support.exported import CORE, EACH, NAMES, NO_ONNX, SPECIAL

from tl_core.backbones.classifier import load_classifier
from tl_core.data.pictures.images import open_image
from tl_core.errors import DataError, StateError
from tl_core.export.bundle import export, write_manifest
from tl_core.export.bundle_facts import read_facts, requirements_of
from tl_core.export.onnx import OnnxClassifier
from tl_core.export.standalone import predict
from tl_core.export.verify import verify
from tl_core.export.wishes import Wishes, reason_against
from tl_core.progress import Progress

ROOT = Path(__file__).parents[2]
ELSEWHERE = """
import json, sys, importlib.util, os
from pathlib import Path
import numpy as np
said = {}
for folder in map(Path, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"predict_{folder.name}", folder / "predict.py")
    module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
    model = module.Model(folder)
    content = json.loads((folder / "golden" / "expected.json").read_text())
    items = [one.get("text") or folder / "golden" / one["file"] for one in content["items"]]
    expected = np.array([one["probabilities"] for one in content["items"]])
    gaps = {"predict": float(np.abs(model.probabilities(items) - expected).max())}
    if model.facts["runs_with"] == "transformers":
        from transformers import pipeline
        task = {"text": "text", "image": "image", "audio": "audio"}[model.facts["modality"]]
        run = pipeline(f"{task}-classification", model=str(folder))
        out = np.zeros_like(expected)
        for row, item in enumerate(items):
            if model.is_text:
                answers = run(item, truncation=True, top_k=None)
            elif model.is_sound:
                wave, count = model._sound(item), len(model.labels)
                answers = run(wave, top_k=count, function_to_apply="softmax")
            else:
                picture, count = module.open_picture(item), len(model.labels)
                answers = run(picture, top_k=count, function_to_apply="softmax")
            for one in answers:
                out[row, model.labels.index(one["label"])] = one["score"]
        gaps["pipeline"] = float(np.abs(out - expected).max())
    said[folder.name] = gaps
assert "tl_core" not in sys.modules
print(json.dumps(said))
"""


def install(folder, needed):
    """The Python of a new environment into which these requirements were installed as people do."""
    uv, python = Path(sys.executable).with_name("uv"), folder / "bin" / "python"
    bare = ["--without-pip"] if uv.exists() else []
    subprocess.run([sys.executable, "-m", "venv", *bare, folder], check=True)
    quick = [uv, "pip", "install", "-q", "--python", python, *needed]  # pip where it cannot
    if not uv.exists() or subprocess.run(quick, capture_output=True).returncode:
        subprocess.run([python, "-m", "ensurepip"], check=True, capture_output=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-compile", *needed], check=True)
    return python


@pytest.mark.timeout(2400)  # where pip has to unpack gigabytes
@pytest.mark.parametrize(
    ("names", "made"),
    [(CORE, elsewhere.link), pytest.param(NAMES, install, marks=pytest.mark.whole)],
    ids=["core", "all"],
)
def test_in_another_place_and_environment_every_bundle_says_the_same(
    exported, tmp_path, names, made
):
    """The environment has the requirements of bundles, which the core of families has all of, and
    nothing else.
    """
    needed = {
        line
        for name in CORE
        for line in (exported.bundle(name)[0] / "requirements.txt").read_text().split()
    }
    python = made(tmp_path / "venv", sorted(needed))
    moved = [shutil.copytree(exported.bundle(name)[0], tmp_path / "moved" / name) for name in names]
    done = subprocess.run(
        [python, "-c", ELSEWHERE, *moved],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    gaps = json.loads(done.stdout.splitlines()[-1])
    assert set(gaps) == set(names)
    for name, differences in gaps.items():
        for way, largest in differences.items():
            assert largest <= 1e-4, (name, way, largest)
    natively = {name for name, ways in gaps.items() if "pipeline" in ways}
    assert natively == set(names) - {"mlp", "max", "depth", "words"}


@pytest.mark.parametrize("name", EACH)
def test_a_bundle_proves_itself_and_holds_nothing_of_this_machine(exported, name):
    folder, proof = exported.bundle(name)
    assert proof["ok"] and verify(folder)["ok"]
    ways = {check["name"] for check in proof["checks"] if check["largest"] is not None}
    assert "golden examples, PyTorch" in ways
    assert ("golden examples, ONNX Runtime" in ways) == (name not in NO_ONNX)
    secret = (str(exported.root), str(ROOT), str(Path.home()), f"/{getpass.getuser()}/")
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".md", ".txt", ".py"):
            text = path.read_text(encoding="utf-8")
            assert not [word for word in secret if word in text], path.name
            assert path.suffix != ".py" or "from tl_core" not in text
    assert (folder / "graft.json").exists() and (folder / "manifest.json").exists()
    load_classifier(folder)  # it is a model folder of this program, too


def test_the_page_and_the_bundle_agree_on_the_runs_own_items(exported):
    for name in ("bert", "convnext", "mlp", "cnn"):
        run, version = exported.run(name)
        rows = version.rows_of("test")
        items = (
            list(version.texts(rows))
            if version.info.modality == "text"
            else [open_image(version.image_bytes(int(row))) for row in rows]
        )
        np.testing.assert_allclose(
            load_classifier(exported.bundle(name)[0]).probabilities(items),
            load_classifier(run / "model").probabilities(items),
            atol=1e-6,
        )


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("weight", "weights"),
        ("labels", "label order"),
        ("mean", "preprocessing"),
        ("processor", "preprocessing"),
        ("missing", "file golden/00.png"),
        ("added", "file note.txt"),
        ("onnx", "file model.onnx"),
    ],
)
def test_damage_is_named_even_when_the_manifest_was_written_anew(exported, tmp_path, damage, named):
    folder = shutil.copytree(exported.bundle("vit")[0], tmp_path / "b")
    config = json.loads((folder / "config.json").read_text())
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    if damage == "weight":
        data = bytearray((folder / "model.safetensors").read_bytes())
        data[-3] ^= 0x40
        (folder / "model.safetensors").write_bytes(data)
    if damage == "labels":
        config["id2label"]["0"], config["id2label"]["1"] = (
            config["id2label"]["1"],
            config["id2label"]["0"],
        )
    if damage == "mean":
        processor["image_mean"] = [0.2, 0.2, 0.2]
    if damage == "processor":
        processor["image_processor_type"] = "DeiTImageProcessor"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    if damage in ("missing", "added", "onnx"):
        if damage == "missing":
            (folder / "golden" / "00.png").unlink()
        if damage == "added":
            (folder / "note.txt").write_text("hello")
        if damage == "onnx":
            (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"x")
    else:
        write_manifest(folder)
    proof = verify(folder)
    assert not proof["ok"]
    assert named in {check["name"] for check in proof["checks"] if not check["ok"]}
    if damage in (
        "weight",
        "labels",
        "mean",
    ):  # and the answers give it away, whatever the files say of themselves
        assert "golden examples, PyTorch" in {
            check["name"] for check in proof["checks"] if not check["ok"]
        } or (damage == "weight")


@pytest.mark.parametrize("family", ["vit", "resnet"])
def test_trap_9_another_implementation_of_the_processor_is_named(exported, monkeypatch, family):
    """Where torchvision is missing, transformers takes processors on Pillow, which resize a little
    differently.
    """
    from transformers import AutoImageProcessor

    folder, usual = exported.bundle(family)[0], AutoImageProcessor.from_pretrained
    monkeypatch.setattr(
        AutoImageProcessor,
        "from_pretrained",
        lambda *given, **more: usual(*given, backend="pil", **more),
    )
    checks = {check["name"]: check for check in verify(folder)["checks"]}
    assert not checks["preprocessing"]["ok"] and 'Pil"' in checks["preprocessing"]["detail"]
    assert checks["golden examples, PyTorch"]["largest"] > 1e-6  # so it matters which one it is


def test_one_unreadable_picture_costs_the_others_nothing(exported, tmp_path):
    folder = exported.bundle("vit")[0]
    pictures = sorted((folder / "golden").glob("*.png"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    model = predict.Model(folder)
    alone = [model.answers([picture])[0] for picture in pictures]
    mixed = [*pictures[:2], tmp_path / "broken.png", *pictures[2:]]
    answers = list(predict.answered(model, [(path.name, path) for path in mixed]))
    assert [name for name, _ in answers] == [path.name for path in mixed]
    assert "cannot identify" in answers.pop(2)[1]
    for (_, answer), expected in zip(answers, alone, strict=True):
        assert answer["label"] == expected["label"]
        assert answer["confidence"] == pytest.approx(expected["confidence"], abs=1e-6)


def test_eight_bits_are_measured_on_the_test_items(exported, tmp_path):
    for name in ("bert", "resnet"):
        run, version = exported.run(name)
        bundle = export(run, tmp_path / name, Wishes(onnx=True, int8=True), version, Progress())
        assert bundle["int8"]["items"] == len(version.rows_of("test"))
        classifier, rows = load_classifier(run / "model"), version.rows_of("test")
        items = (
            list(version.texts(rows))
            if version.info.modality == "text"
            else [open_image(version.image_bytes(int(row))) for row in rows]
        )
        small = OnnxClassifier(tmp_path / name / "model.int8.onnx", classifier).probabilities(items)
        same = small.argmax(1) == classifier.probabilities(items).argmax(1)
        assert bundle["int8"]["agreement"]["value"] == pytest.approx(same.mean())
        assert {"value", "low", "high"} <= set(bundle["int8"]["accuracy"]["difference"])
        assert (tmp_path / name / "model.int8.onnx").exists()


def test_a_closed_test_score_stays_closed(exported, tmp_path):
    run, version = exported.run("bert")
    closed = shutil.copytree(run, tmp_path / "run")
    report = json.loads((closed / "report.json").read_text())
    (closed / "report.json").write_text(json.dumps({**report, "test": None}))
    bundle = export(closed, tmp_path / "b", Wishes(onnx=True, int8=True), version, Progress())
    assert "test items" not in bundle["int8"]["accuracy"]["sentence"]
    card = (tmp_path / "b" / "README.md").read_text()
    assert "still closed" in card and "model-index" not in card


def test_golden_examples_are_the_owners_only_when_asked(exported, tmp_path):
    run, version = exported.run("bert")
    own = set(version.texts(version.rows_of("test")))
    for examples in (False, True):
        export(run, tmp_path / str(examples), Wishes(examples=examples), version, Progress())
        content = json.loads((tmp_path / str(examples) / "golden" / "expected.json").read_text())
        texts = {one["text"] for one in content["items"]}
        assert bool(own & texts) == examples
        longest = max(texts, key=len)
        classifier = load_classifier(run / "model")
        assert (
            len(classifier.processor(longest)["input_ids"]) > classifier.processor.model_max_length
        )


def test_the_card_has_metadata_scores_with_intervals_and_a_licence(exported):
    from huggingface_hub import ModelCard

    folder, _ = exported.bundle("vit")
    card = ModelCard.load(folder / "README.md")
    assert card.data.pipeline_tag == "image-classification" and card.data.license == "other"
    assert {result.metric_type for result in card.data.eval_results} >= {"accuracy", "macro_f1"}
    assert "95 % interval" in card.text and "blue" in card.text


def test_requirements_are_those_that_it_needs(exported):
    packages = {
        name: [
            line.partition("==")[0]
            for line in requirements_of(read_facts(exported.bundle(name)[0]))
        ]
        for name in ("bert", "resnet", "timm", "mlp")
    }
    assert packages == {
        "bert": ["numpy", "transformers", "torch"],
        "resnet": ["numpy", "transformers", "torch", "pillow", "torchvision"],
        "timm": ["numpy", "transformers", "torch", "pillow", "torchvision", "timm"],
        "mlp": ["numpy", "transformers", "onnxruntime", "torch", "pillow", "torchvision"],
    }


def test_what_cannot_be_exported_says_why(exported, tmp_path):
    run, version = exported.run("gru")
    assert "Recurrent networks" in reason_against(run / "model")
    assert not reason_against(exported.run("cnn")[0] / "model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StateError, match="no model"):
        export(tmp_path / "empty", tmp_path / "b", Wishes(), version, Progress())
    (tmp_path / "there").mkdir()
    with pytest.raises(StateError, match="there already"):
        export(run, tmp_path / "there", Wishes(), version, Progress())
    with pytest.raises(DataError, match="no bundle"):
        verify(tmp_path / "empty")
    assert set(SPECIAL) <= set(NAMES)
