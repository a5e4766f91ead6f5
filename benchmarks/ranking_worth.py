"""Is the ranking of backbones worth its name? `python benchmarks/ranking_worth.py SHARED
[TASK...]`.

Scores of frozen features (training rows alone) against the test accuracy after fine-tuning, over
backbones that can be
had without the Hub: starters, the MobileNet of SHARED/models, networks cut after some of their
blocks, networks whose upper blocks are random, wholly random twins, and static word vectors.
Weighted Kendall's tau (SciPy) says how far the two orders agree, the best ones counting most.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, machine, open_data, write_result
from scipy.stats import weightedtau

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.data.sources.samples import sample_source
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import TrainingError
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.backbone_ranking import rank
from tl_core.settings import read_settings

EPOCHS = {"trec": 3.0, "messages": 5.0, "hymenoptera": 5.0, "digits": 3.0}
SCORES = ("probe", "logme", "h_score", "knn")


def cut_texts(folder: Path) -> list[str]:
    """MiniLM cut after 1, 2 and 4 of its 6 blocks, and with random weights; each with its
    tokenizer.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    source = resolve_folder(parse_reference("starter:text"), read_settings())
    references = []
    for name, blocks in (("1 block", 1), ("2 blocks", 2), ("4 blocks", 4), ("random", 6)):
        target = folder / f"MiniLM {name}"
        config = AutoConfig.from_pretrained(source, num_hidden_layers=blocks)
        torch.manual_seed(0)
        model = (
            AutoModel.from_config(config)
            if name == "random"
            else AutoModel.from_pretrained(source, config=config)
        )
        model.save_pretrained(target)
        AutoTokenizer.from_pretrained(source).save_pretrained(target)
        (target / "1_Pooling").mkdir()
        (target / "1_Pooling" / "config.json").write_text(
            (source / "1_Pooling" / "config.json").read_text()
        )
        references.append(f"local:{target}")
    return references


def spoilt_pictures(folder: Path, shared: Path) -> list[str]:
    """MobileNet with its upper 4 and 8 blocks random, and twins of both networks that are random
    wholly.
    """
    from transformers import AutoImageProcessor, AutoModel

    mobile = shared / "models" / "mobilenet_v2_0.35_224"
    starter = resolve_folder(parse_reference("starter:image-small"), read_settings())
    references = []
    for name, source, keep in (
        ("MobileNet 12 of 16 blocks", mobile, 12),
        ("MobileNet 8 of 16 blocks", mobile, 8),
        ("MobileNet random", mobile, 0),
        ("starter random", starter, 0),
    ):
        model = AutoModel.from_pretrained(source)
        torch.manual_seed(0)
        fresh = AutoModel.from_config(model.config).state_dict()
        state = {
            key: value if keep and not _is_above(key, keep) else fresh[key]
            for key, value in model.state_dict().items()
        }
        model.load_state_dict(state)
        target = folder / name
        model.save_pretrained(target)
        AutoImageProcessor.from_pretrained(source).save_pretrained(target)
        references.append(f"local:{target}")
    return references


def _is_above(key: str, blocks: int) -> bool:
    parts = key.split(".")
    return parts[0] == "conv_1x1" or (parts[0] == "layer" and int(parts[1]) >= blocks)


def task(name: str, shared: Path, home: Path) -> tuple[DatasetVersion, list[str]]:
    """Data and candidates."""
    if name in ("trec", "messages"):
        backbones = ["starter:text", *cut_texts(home / "cut"), "static:starter:text"]
    else:
        backbones = [
            "starter:image-small",
            f"local:{shared / 'models' / 'mobilenet_v2_0.35_224'}",
            *spoilt_pictures(home / "spoilt", shared),
        ]
    if name in ("digits", "messages"):
        return open_data(sample_source(name, home / "drawn"), home / "v"), backbones
    return open_data(shared / "data" / name, home / "v"), backbones


def fine_tuned(backbone: str, version: DatasetVersion, folder: Path, epochs: float) -> float:
    """Test accuracy when everything moves, after a probe; without one where that start makes the
    loss burst.

    Random layers have no batch statistics that are worth keeping, so they follow the data there.
    """
    spoilt = "random" in backbone or "of 16 blocks" in backbone
    for strategy in ("lpft", "full"):
        folder = folder.with_name(f"{folder.name}-{strategy}")
        folder.mkdir()
        config = RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            backbone,
            "finetune",
            {
                "strategy": strategy,
                "layer_decay": 1.0,
                "epochs": epochs,
                "baseline": False,
                "patience": 0,
                "batchnorm": "adapt" if spoilt else "freeze",
            },
        )
        try:
            report = run_recipe(config, version, folder, folder.parent / "cache", Progress())
            return float(report["test"]["accuracy"]["value"])
        except TrainingError as error:
            sys.stderr.write(f"{backbone}: {error}\n")
    raise RuntimeError(f"{backbone} cannot be trained")


def measure(name: str, shared: Path) -> dict[str, Any]:
    """One task: scores and fine-tuned accuracy of each candidate, and how far they agree."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        version, backbones = task(name, shared, home)
        (home / "rank").mkdir()
        ranked = rank(
            RunConfig(
                "rank", "local", "d@1", str(version.folder), options={"backbones": backbones}
            ),
            version,
            home / "rank",
            home / "cache",
            Progress(),
        )
        rows = []
        for number, one in enumerate(ranked["ranking"]):
            tuned = fine_tuned(one["backbone"], version, home / f"r{number}", EPOCHS[name])
            rows.append(
                {
                    "backbone": one["backbone"].rsplit("/", 1)[-1].removeprefix("local:"),
                    "fine_tuned": tuned,
                    **{
                        key: round(one[key]["value"] if key == "probe" else one[key], 4)
                        for key in SCORES
                    },
                }
            )
            sys.stderr.write(f"{name}: {rows[-1]}\n")
    return agreement(name, len(version.rows_of("train")), ranked["n"], rows)


def agreement(name: str, count: int, sample: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A task's entry in the results."""
    tau = {
        key: round(
            float(
                weightedtau(
                    [row[key] for row in rows], [row["fine_tuned"] for row in rows]
                ).statistic
            ),
            3,
        )
        for key in SCORES
    }
    return {
        "rows": count,
        "sample": sample,
        "epochs": EPOCHS[name],
        "candidates": rows,
        "weighted_tau": tau,
    }


if __name__ == "__main__":
    quiet_libraries()
    wanted = sys.argv[2:] or list(EPOCHS)
    place = RESULTS / "ranking_worth.json"
    tasks = json.loads(place.read_text())["tasks"] if place.exists() else {}
    for name in wanted:
        tasks[name] = measure(name, Path(sys.argv[1]))
        write_result("ranking_worth", {"machine": machine(), "tasks": tasks})
