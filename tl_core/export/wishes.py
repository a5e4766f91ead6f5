"""What a bundle shall hold, and what it cannot; light enough for pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tl_core.surgery.model_json import read_json

_NO = {"lstm", "gru"}  # packed sequences have no counterpart of free length


@dataclass(frozen=True)
class Wishes:
    """What a bundle shall hold beside the model."""

    onnx: bool = False
    int8: bool = False
    examples: bool = False  # golden examples from the owner's own test rows


def reason_against(folder: Path) -> str:
    """Why a model folder cannot become ONNX, or nothing; known without trying."""
    reader = read_json(folder / "config.json").get("reader")
    return (
        f"Recurrent networks ({reader}) cannot be exported to ONNX with variable length here."
        if reader in _NO
        else ""
    )
