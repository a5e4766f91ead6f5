"""Words as classifiers: as CLIP and SigLIP compare them, and as cosines of a sentence encoder; no
label is read.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import ProbeSettings, RunConfig, ZeroShotSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, ConfigError
from tl_core.progress import Progress
from tl_core.recipes import run_recipe, zero_shot
from tl_core.settings import read_settings
from tl_core.train.items.item_training import read_inputs
from tl_core.train.probe.wordings import wordings_of

PROMPTS = ("blue = my order | bad money", "red = the film is good")


def config_of(version, backbone, recipe="zero_shot", **options):
    return RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        backbone,
        recipe,
        {"baseline": False, **options},
    )


def go(version, folder, backbone, recipe="zero_shot", **options):
    folder.mkdir(exist_ok=True)
    return run_recipe(
        config_of(version, backbone, recipe, **options),
        version,
        folder,
        folder.parent / "cache",
        Progress(),
    )


@pytest.fixture
def pictures(tmp_path):
    return build(write_pictures(tmp_path / "p", each=20), tmp_path / "v")


@pytest.fixture
def texts(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_probabilities_are_those_of_the_whole_model(tmp_path, tiny, pictures, family):
    """With one way to say each class; the model of transformers compares pictures and words in one
    forward pass.
    """
    from transformers import AutoModel, AutoTokenizer

    folder = tiny(family)
    report = go(pictures, tmp_path / "run", f"local:{folder}", prompts=[PROMPTS[1]])
    classifier = load_classifier(tmp_path / "run" / "model")
    items = read_inputs(pictures, pictures.rows_of("test"))
    words = ["a photo of blue.", "a photo of green.", "the film is good"]
    assert report["wordings"] == {"blue": [words[0]], "green": [words[1]], "red": [words[2]]}
    whole = AutoModel.from_pretrained(folder).eval()
    longest = whole.config.text_config.max_position_embeddings
    tokens = AutoTokenizer.from_pretrained(folder)(
        words,
        padding="max_length" if family == "siglip" else True,
        truncation=True,
        max_length=longest,
        return_tensors="pt",
    )
    pixels = classifier.processor(items, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        logits = whole(
            pixel_values=pixels,
            input_ids=tokens["input_ids"],
            **({} if family == "siglip" else {"attention_mask": tokens["attention_mask"]}),
        ).logits_per_image
    np.testing.assert_allclose(
        classifier.probabilities(items), torch.softmax(logits, 1).numpy(), atol=1e-4
    )
    assert report["model"]["trainable_parameters"] == 0


def test_texts_are_compared_by_their_cosines(tmp_path, texts):
    """Of means of tokens, centred as by the layer norm in front of the classifier; its mean layer
    is within .9999.
    """
    from transformers import AutoModel, AutoTokenizer

    go(
        texts,
        tmp_path / "run",
        "starter:text",
        prompts=["good = a nice film | well done", "bad = too late"],
    )
    starter = resolve_folder(parse_reference("starter:text"), read_settings())
    tokenizer, encoder = (
        AutoTokenizer.from_pretrained(starter),
        AutoModel.from_pretrained(starter).eval(),
    )

    def unit(one):
        return one / np.linalg.norm(one)

    def vector(text):
        with torch.inference_mode():
            mean = (
                encoder(**tokenizer([text], return_tensors="pt"))
                .last_hidden_state[0]
                .mean(0)
                .double()
                .numpy()
            )
        return unit(mean - mean.mean())

    said = {"bad": ["too late"], "good": ["a nice film", "well done"]}
    classes = [unit(np.mean([vector(words) for words in ways], axis=0)) for ways in said.values()]
    items = read_inputs(texts, texts.rows_of("test"))
    probabilities = load_classifier(tmp_path / "run" / "model").probabilities(items)
    for text, row in zip(items, probabilities, strict=True):
        powers = np.exp([20 * vector(text) @ one for one in classes])
        np.testing.assert_allclose(row, powers / powers.sum(), atol=0.02)


class Unlabelled(DatasetVersion):
    @property
    def labels(self):
        return np.full(len(super().labels), -1)


def test_no_label_is_read(tmp_path, tiny, pictures):
    both = []
    for number, version in enumerate((pictures, Unlabelled(pictures.folder))):
        (tmp_path / f"r{number}").mkdir()
        both.append(
            zero_shot.train(
                config_of(pictures, f"local:{tiny('clip')}"),
                version,
                tmp_path / f"r{number}",
                tmp_path / "cache",
                Progress(),
            ).test
        )
    np.testing.assert_array_equal(*both)


def test_words_draw_a_probe_and_few_labels_hardly_move_it(tmp_path, tiny, pictures):
    """With a very strong pull the probe says what the words say; with a weak one it learns."""
    backbone = f"local:{tiny('clip')}"
    words = go(pictures, tmp_path / "words", backbone)
    go(pictures, tmp_path / "near", backbone, "probe", start="words", c_values=[1e-7], repeats=0)
    free = go(
        pictures, tmp_path / "free", backbone, "probe", start="words", c_values=[10.0], repeats=0
    )
    items = read_inputs(pictures, pictures.rows_of("test"))
    said = [
        load_classifier(tmp_path / name / "model").probabilities(items).argmax(1)
        for name in ("words", "near")
    ]
    np.testing.assert_array_equal(*said)
    assert free["test"]["accuracy"]["value"] > words["test"]["accuracy"]["value"]
    assert free["settings"]["pooling"] == "joint" and free["parity"]["auto_classes"] < 1e-4


def test_a_joint_probe_without_words(tmp_path, tiny, pictures):
    report = go(pictures, tmp_path / "run", f"local:{tiny('siglip')}", "probe", pooling="joint")
    assert report["test"]["accuracy"]["value"] > 0.5


@pytest.mark.parametrize(
    ("backbone", "recipe", "options"),
    [
        ("vit", "zero_shot", {}),
        ("resnet", "probe", {"start": "words"}),
        ("vit", "probe", {"pooling": "joint"}),
    ],
)
def test_a_backbone_that_knows_no_words_is_refused(
    tmp_path, tiny, pictures, backbone, recipe, options
):
    with pytest.raises(BackboneError, match="images and texts together"):
        go(pictures, tmp_path / "run", f"local:{tiny(backbone)}", recipe, **options)


def test_words_about_no_class_and_templates_without_a_place_are_refused(tmp_path, tiny, pictures):
    with pytest.raises(ConfigError, match="no class 'rad'"):
        go(pictures, tmp_path / "run", f"local:{tiny('clip')}", prompts=["rad = a thing"])
    with pytest.raises(ConfigError, match="no place"):
        ZeroShotSettings(template="a photo")
    with pytest.raises(ConfigError, match="describes no class"):
        ProbeSettings(prompts=("red",))
    with pytest.raises(ConfigError, match="Set depth to 0"):
        ProbeSettings(start="words", depth=2)


def test_underscores_are_blanks_and_several_ways_are_kept_apart():
    assert wordings_of(["hot_dog", "b"], "image", "", ("b = one | two |",)) == [
        ["a photo of hot dog."],
        ["one", "two"],
    ]
    assert wordings_of(["a"], "text", "Topic: {}", ()) == [["Topic: a"]]
