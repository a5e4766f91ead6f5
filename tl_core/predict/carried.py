"""What training did to a row, as the model carries it; for models from before they did, what their
dataset says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tl_core.data.preparation import FILE, Preparation
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import DataError, NotFoundError
from tl_core.predict.predicted_items import predicted_items_of


def preparation_of(model: Path, info: VersionInfo | None = None) -> Preparation | None:
    """What is done to a row for the model in folder `model`; None where neither it nor `info`
    knows.

    Args:
        model: of a run, or a bundle.
        info: of the dataset version that it was trained on, for models that carry nothing.

    Raises:
        DataError: when what it carries cannot be read.
    """
    try:
        kept = Preparation.read(model)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"The model's {FILE} is damaged.",
            "It says what training did to a row; without it the answers could be wrong.",
            "Export the bundle again, or train again.",
        ) from error
    return kept or (of_version(info) if info else None)


def of_version(info: VersionInfo) -> Preparation:
    """What was done to the rows of a version; of those made before it was noted, the columns
    tell.
    """
    kept = Preparation.from_dict(info.preparation)
    columns = kept.columns or predicted_items_of(info.modality).trained_columns(info)
    return replace(kept, columns=columns)


def keep(model: Path, info: VersionInfo) -> None:
    """Let a freshly trained model carry what was done to its rows; nothing where there is no
    model.
    """
    if model.is_dir():
        of_version(info).write(model)


def unlabelled(version: DatasetVersion, kept: Preparation | None) -> tuple[Path, Preparation]:
    """Where the rows of a version lie that have no class, and what is left to be done to them for a
    model.

    They were prepared when the version was made; nothing is joined or repaired twice.

    Args:
        version: whose rows are to be predicted.
        kept: what the model carries.

    Raises:
        NotFoundError: when every row has a class.
        DataError: when the version's texts were put together in another way than those of the
        training.
    """
    kept = kept or Preparation()
    if not len(version.rows_of("unlabelled")):
        raise NotFoundError("This dataset has no rows without a class.")
    return predicted_items_of(version.info.modality).unlabelled(version, kept)
