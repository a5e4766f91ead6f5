"""What a training refuses before anything long has begun."""

from __future__ import annotations

from tl_core.backbones.backbone import Backbone
from tl_core.config import FinetuneSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, DataError
from tl_core.modalities import Modality, modality_of


def refuse_other_modality(backbone: Backbone, version: DatasetVersion) -> None:
    """Each modality needs backbones of its own.

    Raises:
        DataError: when `backbone` cannot read the items of `version`.
    """
    if backbone.modality != version.info.modality:
        held = modality_of(version.info.modality)
        raise DataError(
            f"{backbone.reference} reads {modality_of(backbone.modality).items}, the dataset holds"
            f" {held.items}.",
            "",
            f"Choose a backbone for {held.items}, such as {held.starter}.",
        )


def refuse_items_but(wanted: Modality, version: DatasetVersion, what: str) -> None:
    """Some recipes read items of one modality alone.

    Args:
        wanted: the modality.
        version: the data.
        what: needs such items, as the start of a sentence.

    Raises:
        DataError: for a dataset of another modality.
    """
    if version.info.modality != wanted.name:
        raise DataError(
            f"{what} {wanted.items}, the dataset holds {modality_of(version.info.modality).items}.",
            "",
            "Choose another strategy.",
        )


def refuse_loss(settings: FinetuneSettings, version: DatasetVersion) -> None:
    """Some losses are made for answers of yes and no.

    Raises:
        ConfigError: for the asymmetric loss where each item has one class.
    """
    if settings.loss == "asymmetric" and not version.sets.several:
        raise ConfigError(
            "The asymmetric loss needs items that may have several labels.",
            "It forgets easy noes, and here each item has exactly one class.",
            "Set loss to cross-entropy or focal.",
        )


def refuse_source_classes(settings: FinetuneSettings, version: DatasetVersion) -> None:
    """What an item is made of is told by its one class.

    Raises:
        ConfigError: for Co-Tuning where an item may have several labels.
    """
    if settings.co_tuning and version.sets.several:
        raise ConfigError(
            "co_tuning needs items that have exactly one class each.",
            "It learns which classes of the pretraining make up a class.",
            "Set co_tuning to 0; lwf and delta work with several labels.",
        )


def refuse_class_confusion(settings: FinetuneSettings, version: DatasetVersion) -> None:
    """Answers of yes and no are not confused with each other.

    Raises:
        ConfigError: for minimum class confusion where an item may have several labels.
    """
    if settings.adaptation == "mcc" and version.sets.several:
        raise ConfigError(
            "mcc needs items that have exactly one class each.",
            "It keeps answers from wavering between two classes.",
            "Set adaptation to dann or deep_coral.",
        )


def refuse_average(settings: FinetuneSettings, validation_rows: int) -> None:
    """Which weights an average takes in is chosen by the validation rows.

    Raises:
        ConfigError: for `wise-ft` and `swad` where there are none.
    """
    if settings.average in ("wise-ft", "swad") and not validation_rows:
        raise ConfigError(
            f"average={settings.average} needs labelled validation rows, and there are none.",
            "They choose which weights are averaged.",
            "Set average to none or ema, or import the data with a validation split.",
        )


def refuse_words(version: DatasetVersion) -> None:
    """A classifier that begins at words knows which class is likeliest, not how likely each is.

    Raises:
        ConfigError: where an item may have several labels.
    """
    if version.sets.several:
        raise ConfigError(
            "A probe cannot start from words where items may have several labels.",
            "Words say which class fits best, not from where on one fits at all.",
            "Set start to nothing, or try the strategy zero_shot.",
        )


def refuse_several_labels(version: DatasetVersion, what: str) -> None:
    """Some methods know one class for each item.

    Args:
        version: the data.
        what: is made for one class an item, as the start of a sentence.

    Raises:
        ConfigError: where an item may have several labels.
    """
    if version.sets.several:
        raise ConfigError(
            f"{what} is made for items with one class each.",
            "Here an item may have several labels.",
            "Choose another strategy, or import the data with the task single_label.",
        )
