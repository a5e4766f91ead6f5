"""Runs of every family and of the recipes that leave something special, exported once for all
tests.
"""

from __future__ import annotations

import json

import pytest

from tests_support.datasets import build, write_pictures, write_texts
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES
from tests_support.tiny_sound_backbones import SOUND_FAMILIES
from tests_support.waves import write_recordings
from tl_core.config import RunConfig
from tl_core.export.bundle import export
from tl_core.export.wishes import Wishes
from tl_core.progress import Progress
from tl_core.recipes import run_recipe

SPECIAL = {
    "lora": ("bert", "finetune", {"strategy": "lora", "epochs": 1.0, "max_length": 16}),
    "mlp": (
        "resnet",
        "finetune",
        {"strategy": "full", "head": "mlp", "hidden": [8.0], "epochs": 1.0},
    ),
    "max": (
        "distilbert",
        "finetune",
        {"strategy": "full", "pooling": "max", "epochs": 1.0, "max_length": 16},
    ),
    "depth": ("vit", "probe", {"depth": 1, "repeats": 0}),
    "words": ("clip", "zero_shot", {}),
    "cnn": ("bert", "static_embeddings", {"head": "cnn", "epochs": 2.0}),
    "gru": ("bert", "static_embeddings", {"head": "gru", "epochs": 2.0}),
    "larger": ("vit", "probe", {"input_size": 64, "repeats": 0}),
}
CORE = (
    "bert",
    "gpt2",
    "vit",
    "resnet",
    "mobilenet_v2",
    "timm",
    "wav2vec2",
    "sound_picture",
    "speech_embedding",
    *SPECIAL,
)
NAMES = [*TEXT_FAMILIES, *IMAGE_FAMILIES, *SOUND_FAMILIES, *SPECIAL]
EACH = [
    pytest.param(name, marks=() if name in CORE else pytest.mark.whole) for name in NAMES
]  # to parametrize with
NO_ONNX = ("gru", "wav2vec2-bert")


class Exported:
    """Runs and bundles by name, made when they are first asked for."""

    def __init__(self, root, tiny):
        self.root, self.tiny, self._made = root, tiny, {}
        self.versions = {
            "text": build(write_texts(root / "t.csv", 60), root / "texts"),
            "image": build(write_pictures(root / "p", each=15), root / "pictures"),
            "audio": build(write_recordings(root / "s", each=15), root / "recordings"),
        }

    def run(self, name):
        """The folder of a finished run."""
        family, recipe, options = SPECIAL.get(
            name, (name, "probe", {"max_length": 24, "repeats": 0})
        )
        version = self.versions[
            "text" if family in TEXT_FAMILIES else "audio" if family in SOUND_FAMILIES else "image"
        ]
        folder = self.root / f"run-{name}"
        if not folder.exists():
            folder.mkdir()
            config = RunConfig(
                "train",
                "local",
                "mine@1",
                str(version.folder),
                f"local:{self.tiny(family)}",
                recipe,
                {"baseline": False, **options},
            )
            config.write(folder)
            report = run_recipe(config, version, folder, self.root / "cache", Progress())
            (folder / "report.json").write_text(json.dumps(report))
        return folder, version

    def bundle(self, name):
        """The folder of a bundle with ONNX where that is possible, and what was found when it was
        made.
        """
        if name not in self._made:
            folder, version = self.run(name)
            target = self.root / "bundles" / name
            self._made[name] = (
                target,
                export(folder, target, Wishes(onnx=name not in NO_ONNX), version, Progress()),
            )
        return self._made[name]
