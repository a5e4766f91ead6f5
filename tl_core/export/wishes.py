"""What a bundle shall hold, and what it cannot; light enough for pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tl_core.surgery.model_json import read_json

_NO = {"lstm", "gru"}  # packed sequences have no counterpart of free length
_FREE_SPECTRA = "wav2vec2-bert"  # its spectrograms are as long as a sound, all others' of one size


@dataclass(frozen=True)
class Wishes:
    """What a bundle shall hold beside the model."""

    onnx: bool = False
    int8: bool = False
    examples: bool = False  # golden examples from the owner's own test rows


def reason_against(folder: Path) -> str:
    """Why a model folder cannot become ONNX, or nothing; known without trying."""
    config = read_json(folder / "config.json")
    if config.get("model_type") == _FREE_SPECTRA:
        return f"{_FREE_SPECTRA} cannot be exported to ONNX with variable length here."
    reader = config.get("reader")
    return (
        f"Recurrent networks ({reader}) cannot be exported to ONNX with variable length here."
        if reader in _NO
        else ""
    )
