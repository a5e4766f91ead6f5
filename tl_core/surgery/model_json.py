"""The small JSON files of a model folder."""

from __future__ import annotations

import json
from pathlib import Path

from tl_core.errors import BackboneError


def read_json(path: Path) -> dict[str, object]:
    """A JSON object, or an empty one where there is no such file.

    Raises:
        BackboneError: when the file is not valid JSON.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BackboneError(
            f"{path.name} of the backbone cannot be read.", f"{error}.", "Download the model again."
        ) from error
    return content if isinstance(content, dict) else {}
