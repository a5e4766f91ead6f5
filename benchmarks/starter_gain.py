"""What the image starter's training is worth: the same architecture with random weights, probed on
the same data.

`python benchmarks/starter_gain.py HYMENOPTERA_FOLDER`; the digits come with scikit-learn. Three
random networks, since one seed says little; the loaded weights are proven to differ.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from common import machine, write_result
from transformers import AutoConfig, AutoModelForImageClassification

from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.sources.detect import open_source
from tl_core.data.sources.samples import sample_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import Settings

SEEDS = (0, 1, 2)


def random_twin(starter: Path, seed: int, target: Path) -> Path:
    """The starter's architecture with fresh weights."""
    torch.manual_seed(seed)
    shutil.copytree(starter, target)
    AutoModelForImageClassification.from_config(
        AutoConfig.from_pretrained(starter)
    ).save_pretrained(target)
    if weights_hash(target) == weights_hash(starter):
        raise SystemExit("the random twin has the starter's weights")
    return target


def accuracy(version: DatasetVersion, backbone: str, folder: Path) -> dict[str, float]:
    """Test accuracy of a probe."""
    folder.mkdir()
    config = RunConfig(
        "train", "local", "d@1", str(version.folder), backbone, "probe", {"baseline": False}
    )
    accuracy = run_recipe(config, version, folder, folder.parent / "cache", Progress())["test"][
        "accuracy"
    ]
    return {key: round(accuracy[key], 3) for key in ("value", "low", "high")}


def main(hymenoptera: Path) -> None:
    """Both data sets, starter and random twins."""
    starter, results = resolve_folder(parse_reference("starter:image-small"), Settings()), {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for title, source in (
            ("hymenoptera", hymenoptera),
            ("digits", sample_source("digits", root / "source")),
        ):
            folder = root / title
            folder.mkdir()
            build_version(
                {"": open_source(source, folder, Limits(1 << 33, 10**6))},
                ImportOptions(),
                folder,
                title,
            )
            version = DatasetVersion(folder)
            twins = [
                accuracy(
                    version,
                    f"local:{random_twin(starter, seed, root / f'{title}{seed}')}",
                    root / f"{title}-random{seed}",
                )
                for seed in SEEDS
            ]
            mean = sum(twin["value"] for twin in twins) / len(twins)
            mine = accuracy(version, "starter:image-small", root / f"{title}-starter")
            results[title] = {
                "starter": mine,
                "random": twins,
                "random_mean": round(mean, 3),
                "gain": round(mine["value"] - mean, 3),
                "test_rows": version.info.splits["test"],
            }
    write_result("starter_gain", {"machine": machine(), **results})


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
