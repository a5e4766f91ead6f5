"""The small JSON files of a model folder."""

from __future__ import annotations

from pathlib import Path

from tl_core.errors import BackboneError, StateError
from tl_core.json_files import find_object


def read_json(path: Path) -> dict[str, object]:
    """`find_object` of a model's own file: what is wrong with it is wrong with the backbone.

    Raises:
        BackboneError: when the file holds no JSON object.
    """
    try:
        return find_object(path)
    except StateError as error:
        raise BackboneError(
            f"{path.name} of the backbone cannot be read.", error.why, "Download the model again."
        ) from error
