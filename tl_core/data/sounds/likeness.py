"""Whether two recordings are one: by their waves, wherever either begins and however loud it is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from tl_core.data.sounds.decoding import RATE, Sound, decoded, resampled

_SLOW = 8_000  # samples a second: slower ones leave too little to tell two takes apart
_RISE = 0.95  # pre-emphasis, so that hum does not decide
# of a wave's correlation with itself; an excerpt of half of it reaches 0.7, another take of a word
# by the same speaker 0.65, once in half a million pairs 0.8
_ALIKE = 0.85
_FINER = 2  # shifts between two samples
_KEPT = 32  # of a minute each take 30 MB


def correlation(one: Sound, other: Sound) -> float:
    """How alike two waves are at the best shift of one against the other, 0 to 1.

    Args:
        one: (samples,) at any rate.
        other: the same, at the same rate.
    """
    size = 1 << (len(one) + len(other) - 1).bit_length()
    product = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    energy = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    if not energy:
        return 0.0
    shifts = np.fft.irfft(product, _FINER * size) * _FINER
    return float(np.abs(shifts).max()) / energy


class SameRecording:
    """Compares recordings by row; of those that were compared last the waves are kept.

    Args:
        data_of: the encoded recording of a row.
    """

    def __init__(self, data_of: Callable[[int], bytes]) -> None:
        self._data_of = data_of
        self._waves: OrderedDict[int, Sound] = OrderedDict()

    def __call__(self, one: int, other: int) -> bool:
        return correlation(self._wave(one), self._wave(other)) >= _ALIKE

    def _wave(self, row: int) -> Sound:
        if row not in self._waves:
            slow = resampled(decoded(self._data_of(row)), RATE, _SLOW)
            self._waves[row] = np.append(slow[:1], slow[1:] - np.float32(_RISE) * slow[:-1])
        self._waves.move_to_end(row)
        if len(self._waves) > _KEPT:
            self._waves.popitem(last=False)
        return self._waves[row]
