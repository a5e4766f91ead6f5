"""Near-duplicates by index, never by comparing all pairs: bands of a fingerprint meet in buckets,
then are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]
_BAND_ROWS = 3
_NO_WORD = 0xFFFFFFFF
_SHARED_WORDS = 0.8  # Jaccard similarity from which two texts count as near-duplicates
_LIKELY = 0.6  # estimated similarity worth an exact look: two standard errors below 0.8
_MOST_BITS = 3  # different bits, of 64, in perceptual hashes of resaved or resized pictures
_HASH_BANDS = 4  # three different bits leave one of four bands whole
_COLOUR_STEP = 12.0  # mean difference of the 4 x 4 copies, of 255
_SOUND_BITS = 16  # different bits, of 64, from which on two recordings are worth a close look
_SOUND_BANDS, _BAND_BITS = 20, 8  # sets of bits, drawn anew for each
_SHAPE_STEP = 9.0  # mean difference of two small spectrograms, of 255


def similar_texts(
    keys: NDArray[np.uint64],
    signatures: NDArray[np.uint32],
    texts_of: Callable[[NDArray[np.int64]], list[str]],
) -> Pairs:
    """Pairs of rows that share at least 80 % of their different words but are not the same text.

    Args:
        keys: exact fingerprint per row; rows with equal keys are represented by their first.
        signatures: uint32 (n, 18) MinHash per row.
        texts_of: gives the texts of rows, for the exact check.
    """
    rows = _first_of_each(keys)
    if len(rows) < 2:
        return _none()
    rows = rows[signatures[rows, 0] != _NO_WORD]
    own = signatures if len(rows) == len(signatures) else signatures[rows]
    meeting = _meeting(
        (
            _mixed(own[:, start : start + _BAND_ROWS])
            for start in range(0, own.shape[1], _BAND_ROWS)
        ),
        None,
        lambda a, b: (own[a] == own[b]).mean(axis=1) >= _LIKELY,
        8,
    )
    pairs = rows[meeting]
    if not len(pairs):
        return _none()
    used = np.unique(pairs)
    words = {int(row): _words(text) for row, text in zip(used, texts_of(used), strict=True)}
    kept = [(a, b) for a, b in pairs.tolist() if _jaccard(words[a], words[b]) >= _SHARED_WORDS]
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def _mixed(band: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The values of a band as one number; bands that agree meet, others hardly ever."""
    one, two, three = (band[:, place].astype(np.uint64) for place in range(_BAND_ROWS))
    mixed: NDArray[np.uint64] = one * np.uint64(0x9E3779B97F4A7C15) ^ two * np.uint64(
        0xC2B2AE3D27D4EB4F
    )
    return mixed ^ three * np.uint64(0x165667B19E3779F9)


def _words(text: str) -> set[str]:
    return {"".join(filter(str.isalnum, word)) for word in text.lower().split()} - {""}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def similar_pictures(
    keys: NDArray[np.uint64],
    looks: NDArray[np.uint64],
    colours: NDArray[np.uint8],
    contrast: NDArray[np.float32],
) -> Pairs:
    """Pairs of pictures that look the same though their bytes differ: at most 3 of 64 bits and
    hardly a colour apart.

    Args:
        keys: exact fingerprint per row; rows with equal keys are represented by their first.
        looks: perceptual hash per row.
        colours: (n, 48) 4 x 4 RGB copies.
        contrast: standard deviation of grey; nearly empty pictures have no look and are left out.
    """
    rows = _first_of_each(keys)
    rows = rows[contrast[rows] > 3.0]
    if len(rows) < 2:
        return _none()
    own, shades = looks[rows], colours[rows].astype(np.int16)

    def alike(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = np.bitwise_count(own[a] ^ own[b]) <= _MOST_BITS
        near[near] = np.abs(shades[a[near]] - shades[b[near]]).mean(axis=1) <= _COLOUR_STEP
        return near

    width = 64 // _HASH_BANDS
    bands = (
        (own >> np.uint64(band * width)) & np.uint64((1 << width) - 1)
        for band in range(_HASH_BANDS)
    )
    return rows[_meeting(bands, own, alike, 64)]


def similar_sounds(
    keys: NDArray[np.uint64],
    looks: NDArray[np.uint64],
    shapes: NDArray[np.uint8],
    same: Callable[[int, int], bool],
) -> Pairs:
    """Pairs of recordings that are one recording, though their bytes differ.

    Args:
        keys: exact fingerprint per row; rows with equal keys are represented by their first.
        looks: spectral fingerprint per row, 0 for silence.
        shapes: (n, 256) small spectrograms.
        same: compares the recordings of two rows themselves.
    """
    rows = _first_of_each(keys)
    rows = rows[looks[rows] != 0]
    if len(rows) < 2:
        return _none()
    own, random = looks[rows], np.random.default_rng(0)
    shades = shapes[rows].astype(np.int16)

    def alike(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = np.bitwise_count(own[a] ^ own[b]) <= _SOUND_BITS
        near[near] = np.abs(shades[a[near]] - shades[b[near]]).mean(axis=1) <= _SHAPE_STEP
        return near

    def band(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
        places = np.arange(len(bits), dtype=np.uint64)
        apart = (own[:, None] >> bits & np.uint64(1)) << places
        together: NDArray[np.uint64] = apart.sum(axis=1, dtype=np.uint64)
        return together

    drawn = (random.permutation(64)[:_BAND_BITS].astype(np.uint64) for _ in range(_SOUND_BANDS))
    likely = rows[_meeting(map(band, drawn), own, alike, 64)]
    kept = [(a, b) for a, b in likely.tolist() if same(a, b)]
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def _first_of_each(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.sort(np.unique(keys, return_index=True)[1]).astype(np.int64)


def _meeting(
    bands: Iterable[NDArray[np.uint64]],
    tie: NDArray[np.uint64] | None,
    alike: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]],
    neighbours: int,
) -> Pairs:
    """Places that share a band and are `alike`; in each bucket, ordered by `tie` or by row, every
    member meets the next `neighbours` ones, so that a bucket of thousands costs no square.
    """
    count = 0
    met: list[NDArray[np.int64]] = []
    for band in bands:
        count = len(band)
        order = np.argsort(band, kind="stable") if tie is None else np.lexsort((tie, band))
        ranked = band[order]
        places = np.arange(count)
        for step in range(1, min(neighbours, count - 1) + 1):
            places = places[places < count - step]
            places = places[
                ranked[places] == ranked[places + step]
            ]  # a run only gets shorter with the step
            if not len(places):
                break
            a, b = order[places], order[places + step]
            same = alike(a, b)
            met.append(np.stack([np.minimum(a, b), np.maximum(a, b)], axis=1)[same])
    if not met:
        return _none()
    codes = np.unique(np.concatenate([pairs[:, 0] * count + pairs[:, 1] for pairs in met]))
    return np.stack([codes // count, codes % count], axis=1)


def _none() -> Pairs:
    return np.empty((0, 2), dtype=np.int64)


def clusters(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """A number for each of `count` rows; rows joined by a chain of pairs have the same one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count)
    )
    numbers: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return numbers
