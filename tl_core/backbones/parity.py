"""Proof that a saved folder says what its training said, loaded the way any stranger would load
it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier, load_classifier
from tl_core.backbones.inputs.input_kind import input_kind_of
from tl_core.errors import BackboneError
from tl_core.surgery import grafts

if TYPE_CHECKING:
    from tl_core.backbones.encoding import Inputs

TOLERANCE = 1e-4


class Parity(TypedDict):
    """The largest differences of a probability, on so many items; `pipeline` is None for grafts,
    which plain transformers cannot read.
    """

    items: int
    tolerance: float
    auto_classes: float
    pipeline: float | None


def verify_folder(folder: Path, inputs: Inputs, expected: NDArray[np.float64]) -> Parity:
    """Load `folder` through Auto classes and `pipeline`; compare probabilities (rows, classes) on
    `inputs`.

    Raises:
        BackboneError: when any probability differs by more than 1e-4, or a class name got lost.
    """
    classifier = load_classifier(folder)
    auto_classes = float(np.abs(classifier.probabilities(inputs) - expected).max())
    pipeline = None
    if not grafts.is_graft(folder):
        pipeline = float(np.abs(through_pipeline(classifier, inputs) - expected).max())
    worst = max(auto_classes, pipeline or 0.0)
    if not worst <= TOLERANCE:
        raise BackboneError(
            "The saved model does not predict the same as the trained one.",
            f"A probability differs by {worst:.2g} after loading it again.",
            "Choose another backbone; this one cannot be saved without changing its predictions.",
        )
    return {
        "items": len(inputs),
        "tolerance": TOLERANCE,
        "auto_classes": auto_classes,
        "pipeline": pipeline,
    }


def through_pipeline(classifier: Classifier, inputs: Inputs) -> NDArray[np.float64]:
    """Probabilities through `transformers.pipeline`, by class name."""
    names = {name: i for i, name in enumerate(classifier.labels)}
    answers = input_kind_of(classifier.modality).ask_pipeline(
        classifier.model, classifier.processor, inputs, len(names)
    )
    out = np.zeros((len(inputs), len(names)))
    for row, answer in enumerate(answers):
        for part in answer:
            out[row, names[part["label"]]] = part["score"]
    return out
