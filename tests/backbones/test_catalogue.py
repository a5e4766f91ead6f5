"""The catalogue: complete, sourced, without guesses, and its filters."""

from __future__ import annotations

import pytest

from tl_core.backbones.sources.catalogue import choose, read_catalogue
from tl_core.backbones.sources.reference import parse_reference

CARDS = read_catalogue()


def test_about_forty_backbones_of_both_kinds():
    assert len(CARDS) >= 40
    assert len({card.reference for card in CARDS}) == len(CARDS)
    assert sum(card.modality == "image" for card in CARDS) >= 15
    assert sum(card.modality == "text" for card in CARDS) >= 15
    families = " ".join(card.reference.lower() for card in CARDS)
    for wanted in (
        "vit",
        "deit",
        "swin",
        "convnext",
        "dinov2",
        "siglip",
        "resnet",
        "efficientnet",
        "mobilenet",
        "vgg16",
        "inception_v3",
        "minilm",
        "distilbert",
        "bert-base",
        "roberta",
        "modernbert",
        "mpnet",
        "multilingual-e5",
        "xlm-roberta",
        "chinese",
        "bge",
    ):
        assert wanted in families, wanted


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_card_says_what_is_known_and_from_where(card):
    assert parse_reference(card.reference).kind == "hub" and card.name.count("/") == 1
    assert card.good_at.endswith(".") and card.source and card.licence
    assert card.parameters_m > 0 and card.input >= 0  # 0: not verified
    assert "?" not in "".join(str(value) for value in vars(card).values())
    assert card.commercial
    assert bool(card.languages) == (card.modality == "text")
    if card.download_mb:  # float32 or half of it; two towers weigh more than the one that is used
        assert card.download_mb > 1.9 * card.parameters_m


def test_filters_keep_what_meets_every_wish():
    assert {card.modality for card in choose("text")} == {"text"}
    chinese = choose("text", language="zh")
    assert any("chinese" in card.name for card in chinese) and any(
        card.languages == "many" for card in chinese
    )
    assert not any(card.languages == "en" for card in choose("text", language="other"))
    small = choose("image", most_mb=50)
    assert small and all(0 < card.download_mb <= 50 for card in small)
    assert all(16 * card.parameters_m / 1000 <= 0.4 for card in choose("image", fits_gb=0.4))
    assert len(choose("image", fits_gb=0.4)) < len(choose("image"))


def test_offline_means_that_the_weights_are_here(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert choose("image", offline=True) == []
    card = choose("image")[0]
    folder = tmp_path / f"models--{card.name.replace('/', '--')}" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert choose("image", offline=True) == []
    (folder / "model.safetensors").write_bytes(b"")
    assert choose("image", offline=True) == [card]
