"""The settings that say which domain a training learns from and which it is meant for; every recipe
that knows domains has them under these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from tl_core.errors import ConfigError

UNLABELLED = "unlabelled"  # as a target domain: the items without a class

COLUMN = (
    "Column of the dataset that says where an item comes from (its domain), such as shop, camera or"
    " year. Folders around the class folders are kept as the column `domain`."
)
SOURCE = "Domain to learn from, a value of the domain column; empty takes all others."
TARGET = (
    "Domain that the model is meant for, a value of the domain column; or `unlabelled`: the items"
    " without a class. Its classes are never read in training; those of its validation and test"
    " items judge the result."
)

DATASET = (
    "Another dataset whose items the model is meant for, as NAME or NAME@VERSION; its classes are"
    " never read in training. Those of its validation and test items show what adapting brings."
)
RULE = (
    "How the penalty is chosen when a domain is held out: within, by cross-validation over the"
    " items of the other domains; across, by holding out each of the other domains in turn. Nothing"
    " of the held-out domain takes part in either."
)

HELD_OUT_BY = (
    "How the networks learn that are asked about a domain they have never seen. erm: an ordinary"
    " fine-tuning; coral: features of the training domains are drawn to the same mean and"
    " covariance; mixstyle: styles of pictures are mixed; groupdro: domains with a high loss count"
    " more; swad: weights are averaged over the valley of the validation loss."
)
# settings of `finetune` beside the shared ones, as the papers have them
HOLDING_OUT: dict[str, dict[str, object]] = {
    "erm": {},
    "coral": {"domain_coral": 1.0},
    "mixstyle": {"mix_style": 0.5},
    "groupdro": {"group_dro": 0.01},
    "swad": {"average": "swad"},
}
MOST_HELD_OUT = 8  # domains, the largest ones; those beyond them take no part
# which compare training domains, and so need two of them, with their names
TOLD_DOMAINS = {"coral": "CORAL", "groupdro": "GroupDRO"}


@runtime_checkable
class KnowsDomains(Protocol):
    """Settings of a recipe that can be meant for another domain."""

    @property
    def domain_column(self) -> str: ...

    @property
    def source_domain(self) -> str: ...

    @property
    def target_domain(self) -> str: ...

    @property
    def target_dataset(self) -> str: ...


def dataset_of(options: Mapping[str, object]) -> str:
    """The other dataset that options name as the target, empty for none."""
    return str(options.get("target_dataset", ""))


def check_domains(settings: KnowsDomains) -> None:
    """Refuse what names no domain.

    Raises:
        ConfigError: for a domain without a column, a domain that is both, or a dataset beside a
            domain.
    """
    if settings.target_dataset:
        _check_alone(settings)
    named = settings.source_domain or settings.target_domain not in ("", UNLABELLED)
    if named and not settings.domain_column:
        raise ConfigError(
            "A domain is named, but not the column that says which items belong to it.",
            "",
            "Name it as domain_column.",
        )
    if settings.source_domain and settings.source_domain == settings.target_domain:
        raise ConfigError(
            f"{settings.source_domain!r} is both source and target.",
            "Nothing would be left to adapt to.",
            "Name another target, or leave source_domain empty.",
        )


def _check_alone(settings: KnowsDomains) -> None:
    """Another dataset is the whole of the target, and what it is learnt from the whole of this."""
    if settings.target_domain not in ("", UNLABELLED):
        raise ConfigError(
            "The target is named twice, as a domain and as another dataset.",
            "",
            "Leave target_domain or target_dataset out.",
        )
    if settings.source_domain:
        raise ConfigError(
            "A source domain and another dataset as the target do not go together.",
            "All labelled items are learnt from where the target is another dataset.",
            "Leave source_domain or target_dataset out.",
        )
