"""A trained model on worse items: accuracies are those of a plain loop, flips are rows that were
right.
"""

from __future__ import annotations

import json

import numpy as np
from tests_support.datasets import build, write_pictures

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.pictures.images import open_image
from tl_core.evaluate.perturbations.photo_perturbations import PHOTO_PERTURBATIONS as PHOTOS
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.robustness import stress


def test_accuracies_and_flips_are_those_of_a_plain_loop(tmp_path, tiny):
    version = build(write_pictures(tmp_path / "d", each=30), tmp_path / "v")
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    backbone = f"local:{tiny('convnext')}"
    run_recipe(
        RunConfig(
            "train", "local", "d@1", str(version.folder), backbone, "probe", {"baseline": False}
        ),
        version,
        folder,
        tmp_path / "cache",
        Progress(),
    )
    (tmp_path / "tried").mkdir()
    robustness = stress(folder / "model", version, tmp_path / "tried", Progress())
    assert json.loads((tmp_path / "tried" / "stress.json").read_text()) == robustness
    assert len(robustness["rows"]) == 3 * len(PHOTOS.kinds)
    classifier, rows = load_classifier(folder / "model"), version.rows_of("test")

    def right(change):
        items = [change(open_image(version.image_bytes(int(row))), int(row)) for row in rows]
        said = [
            classifier.labels[place] for place in classifier.probabilities(items).argmax(axis=1)
        ]
        return np.array([version.info.labels[label] for label in version.labels[rows]]) == np.array(
            said
        )

    clean = right(lambda item, _: item)
    assert robustness["clean"]["value"] == clean.mean()
    for part in (robustness["rows"][2], robustness["rows"][-1]):
        worse = right(
            lambda item, row, part=part: PHOTOS.worsen(item, part["kind"], part["severity"], row)
        )
        assert part["accuracy"]["value"] == worse.mean()
        assert part["flipped"] == rows[clean & ~worse][:24].tolist()
