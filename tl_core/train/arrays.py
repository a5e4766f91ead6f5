"""Names for the arrays that go around here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Features = NDArray[np.float32]  # (rows, width)
