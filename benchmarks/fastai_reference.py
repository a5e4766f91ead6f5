"""fastai's `vision_learner` and `fine_tune` on the photos of an arena task, in an environment of
its own.

`python benchmarks/fastai_reference.py PHOTOS MODEL_FOLDER EPOCHS SEED SIZE`, after `pip install
fastai timm`: fastai's defaults (its own head, one epoch of the head, then all with learning rates
falling towards the first layers, 2e-3, its own augmentation) on the same weights; prints one JSON
object.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from fastai.vision.all import (
    CategoryBlock,
    DataBlock,
    ImageBlock,
    Normalize,
    Resize,
    aug_transforms,
    get_image_files,
    parent_label,
    set_seed,
    vision_learner,
)
from safetensors.torch import load_file


def main(place: Path, folder: Path, epochs: int, seed: int, size: int) -> dict:
    set_seed(seed, reproducible=True)
    names = sorted(path.name for path in (place / "train").iterdir())
    block = DataBlock(
        (ImageBlock, CategoryBlock(vocab=names)),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=lambda paths: (
            [i for i, p in enumerate(paths) if p.parts[-3] == "train"],
            [i for i, p in enumerate(paths) if p.parts[-3] == "val"],
        ),
        item_tfms=Resize(round(size / 0.875)),
        batch_tfms=[
            *aug_transforms(size=size),
            Normalize.from_stats([0.5] * 3, [0.5] * 3, cuda=False),
        ],
    )
    loaders = block.dataloaders(place, bs=32, num_workers=0)
    config = json.loads((folder / "config.json").read_text())
    learner = vision_learner(loaders, config["architecture"], pretrained=False, normalize=False)
    body = learner.model[0].model
    weights, own = load_file(folder / "model.safetensors"), body.state_dict()
    body.load_state_dict({name: weights[name] for name in own if name in weights}, strict=False)
    learner.freeze()
    started = time.perf_counter()
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
    scores = {"seconds": round(time.perf_counter() - started, 1)}
    for split in ("val", "test"):
        paths = sorted(p for p in get_image_files(place / split))
        truth = torch.tensor([names.index(p.parent.name) for p in paths])
        with learner.no_bar(), learner.no_logging():
            probabilities, _ = learner.get_preds(dl=loaders.test_dl(paths))
        right = (probabilities.argmax(1) == truth).tolist()
        scores[split] = {
            "accuracy": round(float(np.mean(right)), 4),
            "right": "".join("01"[int(one)] for one in right),
        }
    return scores


if __name__ == "__main__":
    place, folder, *numbers = sys.argv[1:]
    print(json.dumps(main(Path(place), Path(folder), *(int(number) for number in numbers[:3]))))
