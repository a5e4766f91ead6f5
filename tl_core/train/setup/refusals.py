"""What a training refuses before anything long has begun."""

from __future__ import annotations

from tl_core.backbones.backbone import Backbone
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


def refuse_other_modality(backbone: Backbone, version: DatasetVersion) -> None:
    """Images and texts need backbones of their own.

    Raises:
        DataError: when `backbone` cannot read the items of `version`.
    """
    if backbone.modality != version.info.modality:
        raise DataError(
            f"{backbone.reference} reads {backbone.modality}s, the dataset holds"
            f" {version.info.modality}s.",
            "",
            f"Choose a backbone for {version.info.modality}s, such as "
            f"starter:{version.info.modality}.",
        )


def refuse_pictures(version: DatasetVersion, what: str) -> None:
    """Some recipes read texts alone.

    Raises:
        DataError: for a dataset of pictures; `what` names what they have not.
    """
    if version.info.modality != "text":
        raise DataError(
            f"{what} need texts, the dataset holds {version.info.modality}s.",
            "",
            "Choose another strategy.",
        )
