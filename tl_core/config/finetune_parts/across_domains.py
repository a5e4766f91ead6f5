"""Settings of `finetune` for items of several domains: a network adapted to one without labels, or
made ready for one that nobody has seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config import domains
from tl_core.config.checked import setting
from tl_core.config.finetune_parts.towards_source import TowardsSource
from tl_core.errors import ConfigError

ADAPTATIONS = ("none", "deep_coral", "dann", "mcc", "adabn")
_GROUP = "Other domains"


@dataclass(frozen=True)
class AcrossDomains(TowardsSource):
    """Which domain the model is meant for, and what is done about it."""

    domain_column: str = setting("", domains.COLUMN, group=_GROUP)
    source_domain: str = setting("", domains.SOURCE, group=_GROUP)
    target_domain: str = setting("", domains.TARGET, group=_GROUP)
    target_dataset: str = setting("", domains.DATASET, group=_GROUP)
    adaptation: str = setting(
        "none",
        "What is learnt from items of the target, without their labels. deep_coral: correlations of"
        " features become those of the target; dann: a small network tries to tell the domains"
        " apart, the backbone learns to make that hard (gradient reversal); mcc: answers about the"
        " target should not waver between classes (minimum class confusion); adabn: batch"
        " statistics are those of the target. None: only asked about it.",
        choices=ADAPTATIONS,
        group=_GROUP,
    )
    adaptation_strength: float = setting(
        0.0,
        "How much that counts beside the labels; 0 takes what is usual.",
        low=0.0,
        high=1e5,
        group=_GROUP,
    )
    mix_style: float = setting(
        0.0,
        "MixStyle: share of the steps in which mean and spread of early feature maps are mixed with"
        " those of other pictures, so that the network learns not to rely on style (Zhou et al.,"
        " 2021). 0.5 in the paper; 0 leaves it out. For convolutional networks.",
        low=0.0,
        high=1.0,
        only="image",
        group=_GROUP,
    )
    group_dro: float = setting(
        0.0,
        "GroupDRO: how fast domains (values of domain_column) with a high loss gain weight, so that"
        " the worst one is learnt as well (Sagawa et al., 2020). 0.01 in the paper; 0 leaves it"
        " out.",
        low=0.0,
        high=10.0,
        group=_GROUP,
    )
    domain_coral: float = setting(
        0.0,
        "CORAL across the training domains (values of domain_column): how much it counts that their"
        " features differ in mean and covariance, for a domain that nobody has seen (as in"
        " DomainBed; Gulrajani and Lopez-Paz, 2021). 1 there; 0 leaves it out.",
        low=0.0,
        high=1e5,
        group=_GROUP,
    )

    @property
    def tells_domains(self) -> bool:
        """Whether a training must know the domain of each item that it learns from."""
        return self.group_dro > 0 or self.domain_coral > 0

    @property
    def has_target(self) -> bool:
        """Whether the model is meant for other items than those that it learns from."""
        return bool(self.target_domain or self.target_dataset)

    @property
    def reads_target(self) -> bool:
        """Whether items of the target take part in the steps."""
        return self.adaptation not in ("none", "adabn")

    def __post_init__(self) -> None:
        super().__post_init__()
        domains.check_domains(self)
        if self.target_domain and self.target_dataset:
            raise ConfigError(
                "The target is named twice, as items without a class and as another dataset.",
                "",
                "Leave target_domain or target_dataset out.",
            )
        if self.adaptation != "none" and not self.has_target:
            raise ConfigError(
                f"{self.adaptation} needs a target.",
                "It learns from items of the domain that the model is meant for.",
                "Name it as target_domain or target_dataset, or set adaptation to none.",
            )
        if self.adaptation != "none" and self.stochastic_norm:
            raise ConfigError(
                "stochastic_norm and adaptation do not go together.",
                "The one keeps the batch statistics of the pretraining, the other takes those of"
                " the target.",
                "Set stochastic_norm to 0, or adaptation to none.",
            )
        if self.tells_domains and not self.domain_column:
            named = "group_dro" if self.group_dro else "domain_coral"
            raise ConfigError(
                f"{named} needs to know the domain of each item.",
                "",
                f"Name a column as domain_column, or set {named} to 0.",
            )
        if self.adaptation == "adabn" and self.batchnorm not in ("auto", "adapt"):
            raise ConfigError(
                "adabn needs batch statistics that follow the data.",
                f"batchnorm is {self.batchnorm}.",
                "Set batchnorm to adapt or auto.",
            )
