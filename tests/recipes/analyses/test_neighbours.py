"""What an item is like to a trained model: against a plain search, with features read off the saved
model itself.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.neighbours import nearest, trace
from tl_core.results import NEIGHBOURS_FILE
from tl_core.train.items.item_training import read_inputs


def test_the_nearest_are_those_of_a_plain_search():
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 7)).astype(np.float32)
    places = np.array([3, 59, 20, 41])
    near, alike = nearest(features, 40, places)
    for place, others, cosines in zip(places, near, alike, strict=True):
        plain = [
            (
                -float(
                    features[place]
                    @ features[other]
                    / np.linalg.norm(features[place])
                    / np.linalg.norm(features[other])
                ),
                other,
            )
            for other in range(40)
            if other != place
        ]
        assert [other for _, other in sorted(plain)[:4]] == list(others)
        assert [-value for value, _ in sorted(plain)[:4]] == pytest.approx(list(cosines), abs=1e-5)


def test_two_rows_have_one_neighbour_each():
    near, _ = nearest(np.eye(2, dtype=np.float32), 2, np.arange(2))
    assert near.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("family", "recipe"), [("bert", "probe"), ("resnet", "finetune"), ("vit", "finetune")]
)
def test_neighbours_are_those_of_the_trained_model(tmp_path, tiny, family, recipe):
    source = (
        write_texts(tmp_path / "t.csv", 60)
        if family == "bert"
        else write_pictures(tmp_path / "p", 8)
    )
    version = build(source, tmp_path / "v")
    folder = tmp_path / "run"
    folder.mkdir()
    options = {"baseline": False} | (
        {"epochs": 1.0, "batch_size": 8} if recipe == "finetune" else {}
    )
    run_recipe(
        RunConfig(
            "train", "local", "d@1", str(version.folder), f"local:{tiny(family)}", recipe, options
        ),
        version,
        folder,
        tmp_path / "cache",
        Progress(),
    )
    count = trace(24, folder / "model", version, folder, tmp_path / "cache", Progress())
    with np.load(folder / NEIGHBOURS_FILE) as arrays:
        rows, near, alike = arrays["rows"], arrays["near"], arrays["alike"]
    assert count == len(rows) == len(version.rows_of("train", "validation", "test"))
    assert np.isin(near, version.rows_of("train")).all()
    assert not (near == rows[:, None]).any()
    assert (np.diff(alike, axis=1) <= 0).all()
    some = np.concatenate([[rows[-1]], near[-1]])
    seen = []
    classifier = load_classifier(folder / "model")
    last = [module for module in classifier.model.modules() if type(module).__name__ == "Linear"][
        -1
    ]
    hook = last.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].flatten(1)))
    for item in read_inputs(version, some):
        classifier.probabilities([item])
    hook.remove()
    features = [part[0].double().cpu().numpy() for part in seen]
    cosines = [
        features[0] @ other / np.linalg.norm(features[0]) / np.linalg.norm(other)
        for other in features[1:]
    ]
    assert cosines == pytest.approx(list(alike[-1]), abs=2e-3)
