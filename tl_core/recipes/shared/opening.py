"""Opening a backbone for the items of a dataset version."""

from __future__ import annotations

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.load import load_backbone
from tl_core.data.versions.store import DatasetVersion
from tl_core.settings import read_settings
from tl_core.train.setup.refusals import refuse_other_modality


def open_for(
    version: DatasetVersion,
    reference: str,
    names: list[str],
    *,
    max_length: int,
    seed: int = 0,
    pooling: str = "auto",
    input_size: int = 0,
) -> Backbone:
    """The backbone `reference` as a classifier of `names`, for the version's task; arguments as
    those of `load_backbone`.

    Raises:
        BackboneError: when it reads items of another modality, or cannot be opened.
    """
    backbone = load_backbone(
        reference,
        names,
        read_settings(),
        seed=seed,
        pooling=pooling,
        max_length=max_length,
        input_size=input_size,
        task=version.info.task,
    )
    refuse_other_modality(backbone, version)
    return backbone
