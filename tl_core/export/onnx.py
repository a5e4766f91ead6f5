"""ONNX: the network of a classifier with any number of items and any length, in float32 and in
8-bit integers.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tl_core.backbones.classifier import Classifier
from tl_core.backbones.inputs.input_kind import input_kind_of
from tl_core.errors import BackboneError
from tl_core.export.exported_items import Tracing, exported_items_of
from tl_core.predict.one_item import ModelInput

if TYPE_CHECKING:
    from onnx import ModelProto

FILE, INT8 = "model.onnx", "model.int8.onnx"
Floats = NDArray[np.float64]


class _Logits(nn.Module):
    """Tensors in, logits out."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *tensors: Tensor) -> Tensor:
        logits: Tensor = self.model(**dict(zip(self.names, tensors, strict=True))).logits
        return logits


def write_onnx(classifier: Classifier, target: Path) -> None:
    """Write `classifier` in float32 to `target`, by torch's own exporter.

    Raises:
        BackboneError: when the exporter cannot.
    """
    kind = exported_items_of(classifier.modality)
    batch = encode(classifier, kind.tracing.examples)
    names = [name for name in kind.tracing.axes if name in batch]
    least, most = kind.tracing.lengths
    longest = min(most, kind.longest(classifier.processor) or most)
    dims = {
        "items": torch.export.Dim("items"),
        "length": torch.export.Dim("length", min=least, max=longest),
    }
    free = tuple(
        {
            place: dims[axis]
            for place, axis in enumerate(kind.tracing.axes[name][: _free_axes(batch[name])])
        }
        for name in names
    )
    model = classifier.model.to("cpu").to(memory_format=torch.contiguous_format)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Logits(model, names).eval(),
                tuple(batch[name].contiguous() for name in names),
                str(target),
                dynamo=True,
                input_names=names,
                output_names=["logits"],
                dynamic_shapes=(free,),
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # the exporter's own errors are of many kinds
        raise BackboneError(
            "This network cannot be written as ONNX.",
            f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160]}.",
            "Export it without ONNX.",
        ) from error


def _free_axes(tensor: Tensor) -> int:
    """How many of the first axes are free: items alone where an item is more than a row, since
    pictures and spectrograms have one size.
    """
    return tensor.ndim if tensor.ndim < 3 else 1


def write_int8(
    classifier: Classifier, source: Path, target: Path, items: Sequence[ModelInput]
) -> None:
    """Quantize `source` to 8 bits: its weights, and with items that show them its values too.

    Args:
        classifier: whose processor makes the inputs.
        source: the float32 file.
        target: the file to write.
        items: inputs that show which values occur; none: values keep float32.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        quantize_dynamic,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = target.with_suffix(".pre")
    network = onnx.load(source)
    network.graph.ClearField(
        "value_info"
    )  # shapes that the exporter noted for its example contradict free ones
    onnx.save(network, ready)
    kept = _kept_exact(network, exported_items_of(classifier.modality).tracing)
    if not items:
        quantize_dynamic(ready, target, nodes_to_exclude=kept)
        ready.unlink()
        return

    class Values(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(items)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            item = next(self._left, None)
            if item is None:
                return None
            return {name: value.numpy() for name, value in encode(classifier, [item]).items()}

    quant_pre_process(ready, ready, skip_symbolic_shape=True)
    quantize_static(
        ready,
        target,
        Values(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        nodes_to_exclude=kept,
    )
    ready.unlink()


def _kept_exact(network: ModelProto, tracing: Tracing) -> list[str]:
    """Names of the nodes that keep float32: the last products, and what comes before the network's
    own first one: the logarithm of a spectrogram and its like need their digits.
    """
    nodes = network.graph.node
    products = [node.name for node in nodes if node.op_type in ("MatMul", "Gemm")]
    places = [i for i, node in enumerate(nodes) if node.op_type in ("MatMul", "Gemm", "Conv")]
    begin = [node.name for node in nodes[: places[tracing.first]]] if tracing.first else []
    exact = [*products[-tracing.exact :], *begin]
    return [name for node in exact for name in (node, f"{node}_MatMul")]


class OnnxClassifier:
    """An ONNX file with the processor of its bundle; probabilities as `Classifier` gives them."""

    def __init__(self, path: Path, classifier: Classifier) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self._names = [one.name for one in self._session.get_inputs()]
        self._classifier = classifier

    def probabilities(self, inputs: Sequence[ModelInput]) -> Floats:
        """Probabilities (items, classes) of texts, RGB pictures or sounds."""
        scores, kind = [], input_kind_of(self._classifier.modality)
        batches = kind.batches(self._classifier.processor, inputs, 8)
        for places in batches:
            batch = encode(self._classifier, [inputs[place] for place in places])
            tensors = {name: batch[name].numpy() for name in self._names}
            logits = self._session.run(None, tensors)[0].astype(np.float64)
            scores.append(self._classifier.decision.probabilities(logits))
        return np.concatenate(scores)[np.argsort(np.concatenate(batches))]


def encode(classifier: Classifier, inputs: Sequence[ModelInput]) -> dict[str, Tensor]:
    """The tensors that the network reads, on the CPU."""
    tensors = input_kind_of(classifier.modality).encode(classifier.processor, inputs)
    return {name: value.contiguous() for name, value in tensors.items()}
