"""The 8-bit network of a bundle, and what it costs."""

from __future__ import annotations

from operator import eq
from pathlib import Path

import numpy as np

from tl_core.backbones.classifier import Classifier
from tl_core.data.label_sets import said_of
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.compare import compare
from tl_core.evaluate.scores.intervals import proportion
from tl_core.export import golden, onnx
from tl_core.export.exported_items import exported_items_of
from tl_core.results import EightBitFacts

_CHECKED = 500  # items that say what 8 bits cost


def write_and_measure(
    classifier: Classifier,
    folder: Path,
    version: DatasetVersion,
    judges: str,
    preparation: Preparation,
) -> EightBitFacts:
    """Write the 8-bit file and its golden answers into the bundle in `folder`, which has the
    float32 one, and measure on the items of the split `judges` what it costs.
    """
    kind, decision = exported_items_of(classifier.modality), classifier.decision
    train = version.rows_of("train")[: kind.tracing.calibration]
    shown = kind.of_rows(version, train, preparation)
    onnx.write_int8(classifier, folder / onnx.FILE, folder / onnx.INT8, shown)
    small = onnx.OnnxClassifier(folder / onnx.INT8, classifier)
    examples = golden.read_golden(folder / golden.FOLDER, classifier.modality).items
    golden.add_int8(folder / golden.FOLDER, small.probabilities(examples))

    rows = version.rows_of(judges)[:_CHECKED]
    rows = rows[version.labels[rows] >= 0]
    items = kind.of_rows(version, rows, preparation)
    truth = [version.sets.cells[label] for label in version.labels[rows]]
    whole = onnx.OnnxClassifier(folder / onnx.FILE, classifier)
    in_float32, in_8_bits = (
        said_of(classifier.labels, decision.labels(network.probabilities(items)))
        for network in (whole, small)
    )
    names = "The one in 8 bits", "the one in float32"
    own, other = (np.array(list(map(eq, said, truth))) for said in (in_8_bits, in_float32))
    return {
        "items": len(rows),
        "agreement": proportion(sum(map(eq, in_float32, in_8_bits)), len(rows)),
        "accuracy": compare(own, other, f"{judges} items", names),
    }
