"""Whether a training that somebody asks for can be carried out, before it waits for its turn."""

from __future__ import annotations

from pathlib import Path

from tl_core.backbones.sources.reference import parse_reference
from tl_core.config import RunConfig
from tl_core.data.checks.small import check_trainable
from tl_core.data.domains import as_meant, refuse_target_of_several
from tl_core.data.versions.store import DatasetVersion


def check_training(config: RunConfig) -> None:
    """Refuse what could not be carried out or not be judged.

    Args:
        config: of a training, or of its estimate, with the folder of its dataset.

    Raises:
        BackboneError: when a backbone's reference is none.
        ConfigError: when a distillation names no teacher.
        DataError: when the dataset is too small for it, or has nothing of its target.
        NotFoundError: when the dataset has no such domains.
    """
    for reference in config.backbones():
        parse_reference(reference)
    if config.recipe == "distillation":
        config.settings.need_teacher()
    version = DatasetVersion(Path(config.dataset_dir))
    if config.target:  # whose items the registry alone finds
        refuse_target_of_several(version)
    else:
        version = as_meant(config.settings, version)
    check_trainable(version, learns=config.recipe != "zero_shot")
