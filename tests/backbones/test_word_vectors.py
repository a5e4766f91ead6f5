"""Files of word vectors: GloVe and word2vec read alike, damaged ones refused, and what becomes of
their words.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch

from tl_core.backbones.describe import describe_backbone, list_backbones
from tl_core.backbones.load import load_backbone
from tl_core.backbones.sources.word_vectors import is_vectors, read_vectors
from tl_core.config.static import HEADS
from tl_core.errors import BackboneError
from tl_core.services.datasets import bring_model
from tl_core.settings import read_settings

WORDS = ["the", "film", "good", "bad", "n't", "do", "new york", "ünï", "."]
TABLE = np.random.default_rng(0).normal(2, 3, (len(WORDS), 5)).astype(np.float32)


def write(path, kind, words=WORDS, table=TABLE):
    """As the tools of GloVe and word2vec write them."""
    header = f"{len(words)} {table.shape[1]}\n".encode()
    if kind == "binary":
        path.write_bytes(
            header
            + b"".join(
                word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + b"\n"
                for word, row in zip(words, table, strict=True)
            )
        )
        return path
    lines = "".join(
        f"{word} {' '.join(repr(float(x)) for x in row)}\n"
        for word, row in zip(words, table, strict=True)
    )
    path.write_bytes((header if kind == "word2vec" else b"") + lines.encode())
    return path


@pytest.mark.parametrize("kind", ["glove", "word2vec", "binary"])
def test_the_three_formats_give_the_same_words_and_numbers(tmp_path, kind):
    words = [word for word in WORDS if " " not in word] if kind != "word2vec" else WORDS
    table = TABLE[[WORDS.index(word) for word in words]]
    path = write(tmp_path / "v.bin", kind, words, table)
    assert is_vectors(path)
    read_words, numbers = read_vectors(path)
    assert read_words == words
    np.testing.assert_allclose(numbers, table, rtol=1e-6)
    assert len(read_vectors(path, most=3)[0]) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no word vectors"),
        (b"hello world\n", "no word"),
        (b"a 1 2\nb 1\n", "Line 2"),
        (b"a 1 2\nb x y\n", "Line 2"),
        (b"5 3\nword \x00\x00", "ends in the middle"),
        (b"9 99999\nx", "99,999 numbers"),
        (b"PK\x03\x04....", "packed"),
        (b"\x1f\x8b....", "packed"),
        (b"a nan 1\nb 1 2\n", "not finite"),
        (b"2 3\n" + b"x" * 5000, "no end"),
    ],
)
def test_what_is_no_file_of_vectors_is_refused_in_words(tmp_path, content, words):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(BackboneError, match=words):
        read_vectors(tmp_path / "v.txt")


def test_vectors_are_centred_and_scaled_by_one_number_and_unknown_words_are_the_mean(tmp_path):
    path = write(tmp_path / "v.txt", "word2vec")
    backbone = load_backbone(f"static:{path}", ["a", "b"], read_settings())
    rows = backbone.model.embedding.weight.detach().numpy()
    expected = (TABLE - TABLE.mean(0)) / (TABLE - TABLE.mean(0)).std()
    ids = backbone.processor.convert_tokens_to_ids(WORDS)
    np.testing.assert_allclose(rows[ids], expected, atol=1e-5)
    assert not rows[backbone.processor.convert_tokens_to_ids("[UNK]")].any()
    text = "The FILM don't xyz."  # lowered, as the words of the file are; clitics apart
    tokens = backbone.processor.convert_ids_to_tokens(backbone.processor(text)["input_ids"])
    assert tokens == ["[CLS]", "the", "film", "do", "n't", "[UNK]", "."]


def test_a_text_is_the_mean_of_its_words_whatever_stands_beside_it(tmp_path):
    path = write(tmp_path / "v.txt", "glove", WORDS[:6], TABLE[:6])
    backbone = load_backbone(f"static:{path}", ["a", "b"], read_settings())
    with backbone.extracting() as extractor:
        alone = extractor(backbone.encode(["good film"]))
        among = extractor(backbone.encode(["good film", "the bad film do the the", ""]))
    rows = backbone.model.embedding.weight.detach().numpy()
    good, film = backbone.processor.convert_tokens_to_ids(["good", "film"])
    np.testing.assert_allclose(alone[0], (rows[good] + rows[film]) / 2, atol=1e-6)
    np.testing.assert_allclose(among[0], alone[0], atol=1e-6)
    assert not among[2].any()  # an empty text is no error


@pytest.mark.parametrize("reader", ["mean", *HEADS])
def test_no_reader_sees_the_padding(tmp_path, reader):
    path = write(tmp_path / "v.txt", "glove", WORDS[:6], TABLE[:6])
    backbone = load_backbone(
        f"static:{path}", ["a", "b"], read_settings(), reader={"reader": reader}
    )
    with torch.inference_mode():
        alone = backbone.model(**backbone.encode(["good film"])).logits
        among = backbone.model(
            **backbone.encode(["good film", "the bad film do the the film good", ""])
        ).logits
    torch.testing.assert_close(among[0], alone[0], atol=1e-6, rtol=0)
    assert torch.isfinite(among).all()


def test_the_table_of_a_backbone_is_its_input_embeddings(tiny, home):
    backbone = load_backbone(f"static:local:{tiny('roberta')}", ["a", "b"], read_settings())
    from transformers import AutoModel

    table = (
        AutoModel.from_pretrained(tiny("roberta")).get_input_embeddings().weight.detach().numpy()
    )
    own = backbone.model.embedding.weight.detach().numpy()
    np.testing.assert_allclose(
        own, (table - table.mean(0)) / (table - table.mean(0)).std(), atol=1e-5
    )
    again = describe_backbone(f"static:local:{tiny('roberta')}", read_settings())
    assert again["family"] == "static_vectors" and again["modality"] == "text"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("static:nowhere.txt", "no file of word vectors"),
        ("static:starter:image-small", "no usable tokenizer"),
    ],
)
def test_what_has_no_vectors_is_said(reference, words):
    with pytest.raises(BackboneError, match=words):
        load_backbone(reference, ["a", "b"], read_settings())


def test_other_poolings_are_refused(tmp_path):
    path = write(tmp_path / "v.txt", "glove", WORDS[:6], TABLE[:6])
    with pytest.raises(BackboneError, match="no depths"):
        load_backbone(f"static:{path}", ["a", "b"], read_settings(), pooling="depth:1")


def test_uploaded_vectors_are_listed_and_used(tmp_path, home):
    settings = read_settings()
    references = []
    for _ in range(2):
        (tmp_path / "up").mkdir(exist_ok=True)
        references.append(
            bring_model(settings, write(tmp_path / "up" / "my words.vec", "word2vec"))
        )
    assert references == ["static:my_words.vec", "static:my_words-2.vec"]
    assert set(references) <= {card["reference"] for card in list_backbones(settings)}
    assert load_backbone(references[0], ["a", "b"], settings).port.width == 5
