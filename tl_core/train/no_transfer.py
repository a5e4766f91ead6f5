"""What can be had without transfer: majority class, word statistics, colours and edges."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints

if TYPE_CHECKING:
    from sklearn.base import TransformerMixin

_SIDE = 32
_CELLS, _ORIENTATIONS = 4, 8
_MAX_TERMS = 100_000
_HANDFUL = 20  # texts that may not share a single piece
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class NoTransferBaseline:
    """A fitted baseline: `name` as in the report, probabilities (rows, classes) for each split that
    was asked for.
    """

    name: str
    probabilities: dict[str, Floats]
    parameters: int


def majority(train_labels: Ints, classes: int) -> int:
    """The commonest class in training (the first one of a tie)."""
    return int(np.bincount(train_labels, minlength=classes).argmax())


def fit_baseline(
    version: DatasetVersion,
    labels: Ints,
    rows: dict[str, Ints],
    *,
    classes: int,
    c: float,
    balanced: bool,
    seed: int,
    progress: Progress,
) -> NoTransferBaseline:
    """Fit on `rows["train"]` and give probabilities for the other splits.

    Texts: TF-IDF of words (1-2) and characters (2-5) with logistic regression. Images: colour
    histograms, oriented gradients (a small HOG, Dalal and Triggs 2005) and a coarse picture, with
    logistic regression.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    weights = "balanced" if balanced else None
    inputs: dict[str, list[str]] | dict[str, Floats]
    if version.info.modality == "text":
        name = "tfidf"
        inputs = {split: version.texts(places) for split, places in rows.items()}
        model = make_pipeline(
            text_features(inputs["train"]),
            LogisticRegression(C=10 * c, max_iter=300, class_weight=weights),
        )
    else:
        name = "pixels"
        inputs = {
            split: _picture_matrix(version, places, progress) for split, places in rows.items()
        }
        model = make_pipeline(
            StandardScaler(),
            LogisticRegression(C=0.01 * c, max_iter=300, class_weight=weights, random_state=seed),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs["train"], labels[rows["train"]])
    known = model[-1].classes_
    out = {}
    for split, content in inputs.items():
        if split != "train":
            out[split] = np.zeros((len(rows[split]), classes))
            if len(rows[split]):
                out[split][:, known] = model.predict_proba(content)
    return NoTransferBaseline(name, out, int(model[-1].coef_.size + model[-1].intercept_.size))


def text_features(texts: list[str] | None = None) -> TransformerMixin:
    """Words and pairs of words beside pieces of words, which also work where words are not set
    apart.

    Args:
        texts: to be fitted on; of a handful every piece is kept, and without any word (emoji alone)
            there are pieces only.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, max_features=_MAX_TERMS, token_pattern=r"(?u)\b\w+\b"
    )
    pieces = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        sublinear_tf=True,
        max_features=_MAX_TERMS,
        min_df=1 if texts is not None and len(texts) < _HANDFUL else 2,
    )
    worded = texts is None or any(_WORD.search(text) for text in texts)
    return make_union(words, pieces) if worded else pieces


def _picture_matrix(version: DatasetVersion, rows: Ints, progress: Progress) -> Floats:
    features = []
    for number, row in enumerate(rows, 1):
        features.append(picture_features(version.image_bytes(int(row))))
        if number % 64 == 0:
            progress.batch(number, len(rows))
    return np.array(features) if features else np.zeros((0, 1))


def picture_features(data: bytes) -> Floats:
    """Colour histogram (3 x 8), gradient orientations (4 x 4 x 8) and a 16 x 16 grey picture: 408
    numbers.
    """
    picture = np.asarray(open_image(data).resize((_SIDE, _SIDE)), dtype=np.float64) / 255
    colours = [
        np.histogram(picture[..., channel], bins=8, range=(0, 1))[0] / _SIDE**2
        for channel in range(3)
    ]
    grey = picture.mean(axis=2)
    down, across = np.gradient(grey)
    strength, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    bins = np.minimum((angle / np.pi * _ORIENTATIONS).astype(int), _ORIENTATIONS - 1)
    cell = np.arange(_SIDE) * _CELLS // _SIDE
    place = (cell[:, None] * _CELLS + cell[None, :]) * _ORIENTATIONS + bins
    counts = np.bincount(
        place.ravel(), weights=strength.ravel(), minlength=_CELLS**2 * _ORIENTATIONS
    )
    gradients = counts / (np.sqrt((counts**2).sum()) + 1e-6)
    coarse = grey.reshape(16, 2, 16, 2).mean(axis=(1, 3)).ravel()
    return np.concatenate([*colours, gradients, coarse])
