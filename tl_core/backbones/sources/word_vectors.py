"""Files of word vectors (GloVe text, word2vec text and binary) and embedding tables, as folders
that open like any backbone.

A file is read once and kept as a folder below `static` of TL_HOME: the table, and a tokenizer of
its words.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.errors import BackboneError, nearest
from tl_core.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# files begin with the commonest words; what follows is rare and makes every saved model large
MOST_WORDS = 100_000
SUFFIXES = (".txt", ".vec", ".bin")
_WIDEST, _LONGEST_WORD, _LONGEST_LINE = 4096, 1000, 200_000
INSIDE = ("starter:", "local:", "hub:", "run:")  # references whose embedding table may be taken
_PAD, _UNKNOWN, _BEGIN = "[PAD]", "[UNK]", "[CLS]"
Floats = NDArray[np.float32]


def file_folder(target: str, settings: Settings) -> Path:
    """The folder that stands for a file of vectors, made on first use.

    Raises:
        BackboneError: when there is no such file, or it holds no word vectors.
    """
    source = vector_file(target, settings)
    state = source.stat()
    key = hashlib.sha256(
        f"{source}\0{state.st_size}\0{state.st_mtime_ns}\0{MOST_WORDS}".encode()
    ).hexdigest()
    return _kept(key, settings, lambda folder: _write_words(*read_vectors(source), folder))


def table_folder(source: Path, settings: Settings) -> Path:
    """The folder that stands for the embedding table of the text backbone in the folder `source`,
    made on first use.

    Raises:
        BackboneError: when it has none.
    """
    return _kept(weights_hash(source), settings, lambda folder: _write_table(source, folder))


def _kept(key: str, settings: Settings, write: Callable[[Path], None]) -> Path:
    """The folder of this key below `static` of TL_HOME; `write` fills it where it is not there."""
    folder = settings.home_path / "static" / key[:24]
    if not folder.is_dir():
        half = folder.with_name(
            f"{folder.name}.{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}.tmp"
        )
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        write(half)
        half.rename(folder)
    return folder


def vector_file(target: str, settings: Settings) -> Path:
    """A path as it stands, else a file name in one of TL_MODELS_DIR.

    Raises:
        BackboneError: when there is none.
    """
    for path in [Path(target).expanduser(), *(root / target for root in settings.model_folders)]:
        if path.is_file():
            return path.resolve()
    known = [path.name for path in vector_files(settings)]
    raise BackboneError(
        f"There is no file of word vectors {target!r}.",
        "",
        (
            nearest(target, known)
            if known
            else "Write static:<file> with a GloVe or word2vec file, or static:starter:text."
        ),
    )


def vector_files(settings: Settings) -> list[Path]:
    """Files of word vectors directly below TL_MODELS_DIR, told by their beginning."""
    return [
        path
        for root in settings.model_folders
        if root.is_dir()
        for path in sorted(root.iterdir())
        if path.is_file() and path.suffix in SUFFIXES and is_vectors(path)
    ]


def is_vectors(path: Path) -> bool:
    """Whether the first words of a file come with vectors."""
    try:
        with path.open("rb") as handle:
            return len(list(islice(_entries(handle), 3))) > 0
    except BackboneError:
        return False


def read_vectors(path: Path, most: int = MOST_WORDS) -> tuple[list[str], Floats]:
    """The first `most` different words of a file and their vectors (words, width).

    GloVe text has a word and its numbers on each line; word2vec text begins with a line that counts
    them; the binary kind of word2vec has that line too, then each word, a blank and little-endian
    float32 numbers.

    Raises:
        BackboneError: for anything else, with the place.
    """
    vectors: dict[str, Floats] = {}
    with path.open("rb") as handle:
        for word, vector in _entries(handle):
            vectors.setdefault(word, vector)
            if len(vectors) >= most:
                break
    if len(vectors) < 2:
        raise BackboneError(f"{path.name} holds no word vectors.", "", _FORMATS)
    table = np.stack(list(vectors.values()))
    if not np.isfinite(table).all():
        raise BackboneError(
            f"{path.name} holds numbers that are not finite.",
            "It may be damaged.",
            "Download it again.",
        )
    return list(vectors), table


_FORMATS = "Bring GloVe text, word2vec text or word2vec binary, unpacked."


def _entries(handle: BinaryIO) -> Iterator[tuple[str, Floats]]:
    first = handle.readline(_LONGEST_LINE)
    if first[:2] in (b"\x1f\x8b", b"PK"):
        raise BackboneError("The file of word vectors is packed.", "", "Unpack it first.")
    header = re.fullmatch(rb"(\d{1,12}) (\d{1,6})\s*", first)
    if not header:
        yield from _text_entries(handle, first, 0)
        return
    count, width = int(header[1]), int(header[2])
    if not 0 < width <= _WIDEST:
        raise BackboneError(
            f"The file says that its vectors have {width:,} numbers.",
            f"At most {_WIDEST:,} are possible.",
            _FORMATS,
        )
    start = handle.tell()
    line = handle.readline(_LONGEST_LINE)
    handle.seek(start)
    if _split(line, width) is not None:
        yield from islice(_text_entries(handle, handle.readline(_LONGEST_LINE), width), count)
    else:
        yield from islice(_binary_entries(handle, width), count)


def _split(line: bytes, width: int) -> tuple[str, Floats] | None:
    """Word and vector of a line; words may hold blanks, so the numbers are counted from the end."""
    parts = line.rstrip().rsplit(b" ", width) if width else line.rstrip().split(b" ")
    if len(parts) < 3 or (width and len(parts) != width + 1):
        return None
    try:
        return parts[0].decode("utf-8", "replace"), np.array(parts[1:], dtype=np.float32)
    except ValueError:
        return None


def _text_entries(handle: BinaryIO, line: bytes, width: int) -> Iterator[tuple[str, Floats]]:
    number = 1
    while line:
        entry = _split(line, width)
        if entry is None or len(entry[1]) > _WIDEST:
            raise BackboneError(
                f"Line {number:,} of the file of word vectors is no word with "
                f"{f'{width} numbers' if width else 'its numbers'}.",
                "",
                _FORMATS,
            )
        width = width or len(entry[1])
        yield entry
        line = handle.readline(_LONGEST_LINE)
        number += 1


def _binary_entries(handle: BinaryIO, width: int) -> Iterator[tuple[str, Floats]]:
    number = 0
    while word := _binary_word(handle):
        number += 1
        values = handle.read(4 * width)
        if len(values) < 4 * width:
            raise BackboneError(
                f"The file of word vectors ends in the middle of word {number:,}.",
                "The download may have been cut.",
                "Download it again.",
            )
        yield word.decode("utf-8", "replace"), np.frombuffer(values, dtype="<f4").astype(np.float32)


def _binary_word(handle: BinaryIO) -> bytes:
    """Bytes up to the next blank; empty at the end of the file."""
    word = bytearray()
    while (sign := handle.read(1)) and sign != b" ":
        if len(word) >= _LONGEST_WORD:
            raise BackboneError(
                "This is no file of word vectors.", "One of its words has no end.", _FORMATS
            )
        word += sign
    return bytes(word).lstrip(b"\n")


def _even(table: Floats) -> Floats:
    """Vectors around zero with a standard deviation of one, by one vector and one number for all:
    what all words share tells none apart (Mu and Viswanath, 2018), and a network learns slowly from
    very small inputs.
    """
    centred = table - table.mean(0, keepdims=True)
    return np.asarray(centred / max(float(centred.std()), 1e-12), dtype=np.float32)


def _write_words(words: list[str], table: Floats, folder: Path) -> None:
    """A tokenizer of whole words and its table; unknown words get the mean of all vectors, as
    GloVe's authors advise, which is zero after centring.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    special = [_PAD, _UNKNOWN, _BEGIN]
    kept = [place for place, word in enumerate(words) if word not in special]
    names = special + [words[place] for place in kept]
    rows = np.concatenate(
        [np.zeros((len(special), table.shape[1]), np.float32), _even(table[kept])]
    )
    tokenizer = Tokenizer(
        models.WordLevel({name: number for number, name in enumerate(names)}, unk_token=_UNKNOWN)
    )
    cased = sum(word != word.lower() for word in words)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), *([normalizers.Lowercase()] if cased < 0.01 * len(words) else [])]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # then the clitics that GloVe keeps apart, and marks from words
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(
                Regex(r"n't\b|'(?:s|re|ve|m|ll|d)\b|\w+(?=n't\b)|\w+|."), "isolated"
            ),
        ]
    )
    _write_folder(tokenizer, rows, folder, begin=2, pad=_PAD, unknown=_UNKNOWN)


def _write_table(source: Path, folder: Path) -> None:
    """The input embeddings of a text backbone with its own tokenizer.

    Raises:
        BackboneError: when it has none.
    """
    from transformers import AutoModel

    from tl_core.backbones.open import load_processor

    processor = load_processor(source, "text")
    try:
        model = AutoModel.from_pretrained(
            source, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
        table = model.get_input_embeddings().weight.detach().float().numpy()
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise BackboneError(
            "This backbone has no table of word vectors.",
            str(error).splitlines()[0][:200],
            "Choose a text backbone, such as starter:text.",
        ) from error
    if not processor.is_fast or table.ndim != 2:
        raise BackboneError(
            "The word vectors of this backbone cannot be taken.",
            "Its tokenizer is of a slow kind.",
            "Choose another text backbone, such as starter:text.",
        )
    begin = processor.cls_token or processor.bos_token or processor.eos_token
    if begin is None:
        raise BackboneError(
            "The word vectors of this backbone cannot be taken.",
            "Its tokenizer marks no beginning.",
            "Choose another text backbone, such as starter:text.",
        )
    _write_folder(
        processor.backend_tokenizer,
        _even(table),
        folder,
        begin=processor.convert_tokens_to_ids(begin),
        pad=processor.pad_token or begin,
        unknown=processor.unk_token or begin,
    )


def _write_folder(
    tokenizer: Tokenizer,
    table: Floats,
    folder: Path,
    *,
    begin: int,
    pad: str,
    unknown: str,
) -> None:
    """A model folder whose texts begin with one token, so that none is ever empty."""
    from safetensors.numpy import save_file
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    from tl_core.backbones.static_vectors import StaticVectorsConfig

    word = tokenizer.id_to_token(begin)
    tokenizer.post_processor = TemplateProcessing(
        single=f"{word}:0 $A:0", special_tokens=[(word, begin)]
    )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token=unknown,
        cls_token=word,
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.save_pretrained(folder)
    StaticVectorsConfig(
        vocab_size=len(table),
        hidden_size=table.shape[1],
        pad_token_id=fast.pad_token_id,
        ignored_ids=sorted({begin, fast.pad_token_id}),
    ).save_pretrained(folder)
    save_file(
        {"embedding.weight": np.ascontiguousarray(table)},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
