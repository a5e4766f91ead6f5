"""Ranking backbones: the numbers of a hand-made probe, failures that cost nobody else, no test
rows.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from tests_support.clustered import spread_here
from tests_support.datasets import Poisoned, build, write_pictures, write_texts

from tl_core.backbones.sources.model_folder import has_classifier
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.errors import BackboneError, DataError
from tl_core.progress import Progress
from tl_core.recipes.analyses import backbone_scores
from tl_core.recipes.analyses.backbone_ranking import rank
from tl_core.settings import read_settings


def go(version, folder, *backbones, rows=1000, processes=1):
    folder.mkdir(exist_ok=True)
    config = RunConfig(
        "rank",
        "local",
        "d@1",
        str(version.folder),
        options={"backbones": [*backbones], "rows": rows, "processes": processes},
    )
    return rank(config, version, folder, folder.parent / "cache", Progress())


@pytest.fixture
def version(tmp_path):
    return build(write_pictures(tmp_path / "p", each=40), tmp_path / "v")


def test_several_backbones_in_order_with_price_and_agreement(tmp_path, tiny, version):
    names = ["starter:image-small", *(f"local:{tiny(family)}" for family in ("resnet", "vit"))]
    ranking = go(version, tmp_path / "run", *names, f"local:{tmp_path / 'nowhere'}", "starter:text")
    assert set(json.loads((tmp_path / "speeds.json").read_text())) == set(names)
    assert json.loads((tmp_path / "run" / "rank.json").read_text()) == ranking
    assert {one["backbone"] for one in ranking["ranking"]} == set(names)
    values = [one["probe"]["value"] for one in ranking["ranking"]]
    assert values == sorted(values, reverse=True)
    assert ranking["n"] == len(version.rows_of("train"))
    assert [one["backbone"] for one in ranking["failed"]] == [
        f"local:{tmp_path / 'nowhere'}",
        "starter:text",
    ]
    assert "reads texts" in ranking["failed"][1]["error"]["what"]
    assert set(ranking["agreement"]) == {"logme", "h_score", "knn"}
    for one in ranking["ranking"]:
        assert one["items_per_second"] > 0 and one["parameters"] > 0 and one["width"] > 0
    assert ranking["sentence"].startswith("Take ")


def test_leep_and_nce_come_from_a_classifier_of_its_own(tmp_path, version):
    """The image starter has kept its 200 Tiny ImageNet classes."""
    folder = resolve_folder(parse_reference("starter:image-small"), read_settings())
    one = go(version, tmp_path / "run", "starter:image-small")["ranking"][0]
    assert has_classifier(folder)
    assert -np.log(3) <= one["nce"] <= 0
    assert one["leep"] < 0


def test_the_probe_is_cross_validated_as_by_hand(tmp_path, tiny, version):
    from tl_core.backbones.load import load_backbone
    from tl_core.train.items.item_training import read_inputs

    reference = f"local:{tiny('resnet')}"
    one = go(version, tmp_path / "run", reference)["ranking"][0]
    backbone = load_backbone(reference, ["a", "b", "c"], read_settings())
    rows = version.rows_of("train")
    with backbone.extracting() as extractor:
        features = np.asarray(extractor(backbone.encode(read_inputs(version, rows)), bf16=False))
    features = (features - features.mean()) / features.std()
    labels = version.labels[rows]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    best = max(
        (
            cross_val_predict(
                LogisticRegression(C=c, max_iter=2000),
                features,
                labels,
                cv=folds,
                groups=version.groups[rows],
            )
            == labels
        ).mean()
        for c in (1e-2, 1e-1, 1.0, 10.0)
    )
    assert one["probe"]["value"] == pytest.approx(best, abs=0.05)


def test_a_sample_keeps_the_classes_in_their_shares(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 200), tmp_path / "v")
    ranking = go(version, tmp_path / "run", f"local:{tiny('bert')}", rows=40)
    assert ranking["n"] == 40


def test_test_labels_take_no_part(tmp_path, tiny, version):
    def numbers_of(one, name):
        ranking = go(one, tmp_path / name, f"local:{tiny('resnet')}")["ranking"][0]
        return {key: value for key, value in ranking.items() if key != "items_per_second"}

    assert numbers_of(version, "a") == numbers_of(Poisoned(version.folder), "b")


def test_nothing_that_works_and_too_few_rows_are_sentences(tmp_path, version):
    with pytest.raises(BackboneError, match="None of the backbones"):
        go(version, tmp_path / "run", "local:/nowhere")
    few = build(write_texts(tmp_path / "few.csv", 8), tmp_path / "few")
    with pytest.raises(DataError, match="too few training rows"):
        go(few, tmp_path / "run2", "starter:text")


def test_backbones_judged_on_other_machines_are_ranked_as_here(
    tmp_path, tiny, version, monkeypatch
):
    """All but what the clock says; test labels reach none of them."""
    names = [f"local:{tiny(family)}" for family in ("resnet", "vit")] + ["starter:text"]
    monkeypatch.setattr(backbone_scores, "_items_per_second", lambda *_: 1.0)  # it settles draws
    here = go(version, tmp_path / "here", *names)
    calls = spread_here(monkeypatch)
    there = go(version, tmp_path / "there", *names, processes=2)
    assert calls == [(2, 3)]
    assert there["failed"] == here["failed"] and there["agreement"] == here["agreement"]
    assert there["ranking"] == here["ranking"]
    assert [one["p_value"] for one in here["pairs"]] == [one["p_value"] for one in there["pairs"]]
