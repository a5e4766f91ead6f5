"""Our near-duplicates beside `datasketch` (texts) and `imagehash` (pictures): speed, and what is
found of copies that were planted among real items.

`PYTHONPATH=. python benchmarks/near_duplicates.py DATA`, in an environment that has both. DATA
holds tables of texts and folders of pictures; 1,000 items of each are taken.
"""

from __future__ import annotations

import csv
import io
import random
import sys
import time
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from unittest import mock

import datasketch
import numpy as np
import pyarrow as pa
from common import machine, write_result
from imagehash import phash
from PIL import Image, ImageEnhance

from tl_core.data.checks import image_facts
from tl_core.data.checks.image_facts import picture_facts
from tl_core.data.checks.near_duplicates import similar_pictures, similar_texts
from tl_core.data.checks.text_facts import text_facts

ITEMS, PLANTED = 1000, 200
ROUNDS = 3  # the fastest of them counts
SHARED = 0.8  # of the different words, from which two texts are near-duplicates
BITS = 3  # of 64, which resaved pictures may differ by
Pairs = set[tuple[int, int]]


def read_texts(folder: Path, count: int) -> list[str]:
    """Different texts of at least five words from the first column of every table."""
    texts = dict.fromkeys(
        row[0]
        for table in sorted(folder.rglob("*.csv"))
        for row in list(csv.reader(table.open(encoding="utf-8")))[1:]
        if row and len(row[0].split()) >= 5
    )
    return random.Random(0).sample(list(texts), count)


def changed_text(text: str, draw: random.Random) -> str:
    """The same text, as it comes back from a forum or a form: other signs, or one word less."""
    words = text.split()
    if draw.random() < 0.5:
        return " ".join(word.strip(".,!?").upper() for word in words) + "!"
    return " ".join(word for word in words if word != draw.choice(words))


def read_pictures(folder: Path, count: int) -> list[bytes]:
    """Different pictures from all folders."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png"))
    pictures = list(dict.fromkeys(path.read_bytes() for path in paths))
    return random.Random(0).sample(pictures, count)


def changed_picture(data: bytes, draw: random.Random) -> bytes:
    """The same picture: resaved, made smaller, brighter, or as PNG."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    kind = draw.choice(("resaved", "smaller", "brighter", "png"))
    if kind == "smaller":
        image = image.resize((image.width * 2 // 3, image.height * 2 // 3))
    if kind == "brighter":
        image = ImageEnhance.Brightness(image).enhance(1.08)
    file = io.BytesIO()
    image.save(file, "png" if kind == "png" else "jpeg", quality=60)
    return file.getvalue()


def words_of(text: str) -> frozenset[str]:
    """Its different words in small letters, without the signs around them."""
    bare = ("".join(filter(str.isalnum, word)) for word in text.lower().split())
    return frozenset(bare) - {""}


def share(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of their words that two texts have in common (Jaccard)."""
    return len(one & other) / max(1, len(one | other))


def our_text_pairs(texts: list[str]) -> Pairs:
    """Pairs of near-duplicates among `texts`, with all the facts that the import takes."""
    facts = text_facts(pa.array(texts))
    pairs = similar_texts(
        facts["key"], facts["signature"], lambda rows: [texts[row] for row in rows]
    )
    return _as_set(pairs.tolist())


def datasketch_pairs(texts: list[str], functions: int, bands: tuple[int, int] | None) -> Pairs:
    """The same by datasketch's index, with the exact check that ours makes."""
    words = [words_of(text) for text in texts]
    encoded = ([word.encode() for word in some] for some in words)
    index = datasketch.MinHashLSH(threshold=SHARED, num_perm=functions, params=bands)
    hashes = datasketch.MinHash.bulk(encoded, num_perm=functions)
    pairs: Pairs = set()
    for row, one in enumerate(hashes):
        pairs |= {(near, row) for near in index.query(one)}
        index.insert(row, one)
    return {(a, b) for a, b in pairs if share(words[a], words[b]) >= SHARED}


def our_picture_pairs(pictures: list[bytes]) -> Pairs:
    """Pairs of near-duplicates among `pictures`, with all the facts that the import takes."""
    facts = [picture_facts(data) for data in pictures]
    pairs = similar_pictures(
        np.arange(len(facts), dtype=np.uint64),
        np.array([one.look for one in facts], dtype=np.uint64),
        np.array([list(one.colours) for one in facts], dtype=np.uint8),
        np.array([one.contrast for one in facts], dtype=np.float32),
    )
    return _as_set(pairs.tolist())


def imagehash_pairs(pictures: list[bytes]) -> Pairs:
    """The same by imagehash's perceptual hash, every picture compared with all before it."""
    bits = np.stack([phash(Image.open(io.BytesIO(data))).hash.ravel() for data in pictures])
    near = (bits[:, None] ^ bits).sum(axis=2) <= BITS
    return _as_set(np.argwhere(np.triu(near, 1)).tolist())


def pairs_with_their_hash(pictures: list[bytes]) -> Pairs:
    """Ours with imagehash's hash in the place of our own."""
    with mock.patch.object(image_facts, "_perceptual", lambda image: int(str(phash(image)), 16)):
        return our_picture_pairs(pictures)


def _as_set(pairs: Iterable[list[int]]) -> Pairs:
    return {(min(pair), max(pair)) for pair in pairs}


def compare(
    ways: dict[str, Callable[[], Pairs]], wanted: Pairs, allowed: Pairs
) -> dict[str, dict[str, object]]:
    """Processor seconds of each way, taken in turns, the share of the `wanted` pairs that it finds,
    and its pairs that are not `allowed`; ours comes first.
    """
    seconds = {name: float("inf") for name in ways}
    pairs: dict[str, Pairs] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.process_time()
            pairs[name] = way()
            seconds[name] = min(seconds[name], time.process_time() - started)
    ours = seconds[next(iter(ways))]
    return {
        name: {
            "seconds": round(seconds[name], 3),
            "time_over_ours": round(seconds[name] / ours, 2),
            "recall": round(len(pairs[name] & wanted) / len(wanted), 3),
            "false_pairs": len(pairs[name] - allowed),
        }
        for name in ways
    }


def compare_texts(folder: Path) -> dict[str, object]:
    """Texts of which some were planted; right are all pairs that share 80 % of their words."""
    draw = random.Random(1)
    texts = read_texts(folder, ITEMS - PLANTED)
    texts += [changed_text(text, draw) for text in texts[:PLANTED]]
    words = [words_of(text) for text in texts]
    alike = {
        (a, b) for a, b in combinations(range(len(texts)), 2) if share(words[a], words[b]) >= SHARED
    }
    copies = {(a, b) for a, b in alike if texts[a].lower() == texts[b].lower()}  # ours merges them
    ways = {
        "ours": lambda: our_text_pairs(texts),
        "datasketch_128": lambda: datasketch_pairs(texts, 128, None),
        "datasketch_18": lambda: datasketch_pairs(texts, 18, (6, 3)),
    }
    wanted = alike - copies
    return {"items": len(texts), "pairs": len(wanted), **compare(ways, wanted, alike)}


def compare_pictures(folder: Path) -> dict[str, object]:
    """Pictures of which some were planted; right are these pairs, so that pictures that lie in the
    data twice count as false pairs.
    """
    draw = random.Random(1)
    pictures = read_pictures(folder, ITEMS - PLANTED)
    start = len(pictures)
    pictures += [changed_picture(data, draw) for data in pictures[:PLANTED]]
    planted = {(row, start + row) for row in range(PLANTED)}
    ways = {
        "ours": lambda: our_picture_pairs(pictures),
        "imagehash": lambda: imagehash_pairs(pictures),
        "ours_with_imagehash": lambda: pairs_with_their_hash(pictures),
    }
    return {"items": len(pictures), "pairs": len(planted), **compare(ways, planted, planted)}


if __name__ == "__main__":
    data = Path(sys.argv[1])
    write_result(
        "near_duplicates",
        {"machine": machine(), "texts": compare_texts(data), "pictures": compare_pictures(data)},
    )
