"""Recipe `static_embeddings`: word vectors, frozen or tuned, read by a small network; the way
before transformers.

The steps are those of `finetune`, with another network: the vectors are its backbone, the reader
and the last layer are its classifier.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tl_core.config import RunConfig, StaticSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities.text import TEXT
from tl_core.progress import Progress
from tl_core.recipes.finetune import train_as
from tl_core.recipes.shared.common import Trained
from tl_core.train.setup.refusals import refuse_items_but


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the model lands in `folder/model`. Test labels are never read.

    Raises:
        DataError: for pictures.
        BackboneError: when the backbone has no word vectors.
    """
    settings: StaticSettings = config.settings
    refuse_items_but(TEXT, version, "Word vectors read")
    if not config.backbone.startswith("static:"):
        config = replace(config, backbone=f"static:{config.backbone}")
        progress.log(
            "The word vectors are the input embeddings of"
            f" {config.backbone.removeprefix('static:')}."
        )
    trained = train_as(
        settings.as_finetuning(), config, version, folder, cache, progress, settings.reader
    )
    trained.settings = {**settings.as_dict(), "max_length": trained.settings["max_length"]}
    return trained
