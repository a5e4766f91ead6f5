"""Google's speech embedding out of the two ONNX files of a package of wake words: its spectrogram
and its network, read as tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.backbones.sources.model_folder import file_hash
from tl_core.errors import BackboneError

if TYPE_CHECKING:
    from torch import Tensor

    from tl_core.backbones.speech_network import SpeechEmbeddingForAudioClassification

_SPECTROGRAM = "melspectrogram.onnx"
_SPECTROGRAM_SHA256 = "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f"


def read_speech(network: Path) -> SpeechEmbeddingForAudioClassification:
    """The classifier, its head random, from the file of the network and the one beside it.

    Raises:
        BackboneError: when the file of the spectrogram is not the published one.
    """
    import torch

    from tl_core.backbones.speech_network import (
        SpeechEmbeddingConfig,
        SpeechEmbeddingForAudioClassification,
    )

    spectrogram = network.with_name(_SPECTROGRAM)
    if not spectrogram.is_file() or file_hash(spectrogram) != _SPECTROGRAM_SHA256:
        raise BackboneError(
            "The spectrogram of starter:speech is not the published one.",
            "Its checksum differs, so it may be damaged or replaced.",
            "Install the requirements again, or choose a local: or hub: backbone.",
        )
    model = SpeechEmbeddingForAudioClassification(SpeechEmbeddingConfig())
    mel, weights = _tensors(spectrogram), list(_tensors(network).values())
    with torch.no_grad():
        waves = [mel[f"0.stft.conv_{part}.weight"] for part in ("real", "imag")]
        model.mel.get_buffer("waves").copy_(torch.cat(waves))
        model.mel.get_buffer("filters").copy_(mel["1.melW"])
        places = list(model.network.parameters())
        kept = [value for value in weights if value.ndim in (1, 4) and value.numel() > 4]
        for place, value in zip(places, kept, strict=True):
            place.copy_(value)
    return model


def _tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of an ONNX file by their names, in the order in which its layers use them."""
    import onnx
    import torch
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    named = {one.name: one for one in graph.initializer}
    used = [name for node in graph.node for name in node.input if name in named]
    return {
        name: torch.from_numpy(numpy_helper.to_array(named[name]).copy())
        for name in dict.fromkeys(used)
    }
