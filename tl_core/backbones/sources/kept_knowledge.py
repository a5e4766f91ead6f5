"""What a backbone must bring along so that a training can keep or adapt it: blocks, classes, batch
normalisation, convolutions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from tl_core.backbones.sources.model_folder import has_classifier
from tl_core.config.finetune_parts.across_domains import AcrossDomains
from tl_core.config.finetune_parts.towards_source import TowardsSource
from tl_core.config.surgery import SurgeryPlan
from tl_core.errors import BackboneError, ConfigError
from tl_core.surgery.layers import block_modules
from tl_core.surgery.modes import norms_of

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone

_CONVOLUTIONS = 3  # a transformer has one or two, which cut the picture up


def refuse_what_is_not_there(backbone: Backbone, plan: SurgeryPlan) -> None:
    """Some additions to a training need what not every network has.

    Args:
        backbone: opened, on the meta device as well, and not yet operated on.
        plan: of the training.

    Raises:
        ConfigError: names the setting, and what the backbone lacks.
    """
    if not isinstance(plan, TowardsSource):
        return
    if plan.stochastic_norm and not norms_of(backbone.model):
        raise ConfigError(
            "stochastic_norm needs a network with batch normalisation.",
            f"{backbone.reference} has none.",
            "Set stochastic_norm to 0, or choose a backbone such as starter:image or a ResNet.",
        )
    if isinstance(plan, AcrossDomains):
        _refuse_for_domains(backbone, plan)
    if plan.needs_source_classes and not has_classifier(backbone.folder):
        asked = [name for name in ("co_tuning", "lwf") if getattr(plan, name)]
        names = " and ".join(asked)
        raise ConfigError(
            f"{names} need{'' if asked[1:] else 's'} a backbone that still has the classes of its"
            " pretraining.",
            f"{backbone.reference} comes without a classifier.",
            f"Set {names} to 0, or choose another backbone, such as starter:image.",
        )
    if plan.delta:
        try:
            block_modules(backbone.model, backbone.family)
        except BackboneError as error:
            raise ConfigError(
                "delta needs a network whose blocks are known.",
                error.what,
                "Set delta to 0, or choose another backbone.",
            ) from error


def _refuse_for_domains(backbone: Backbone, plan: AcrossDomains) -> None:
    if plan.adaptation == "adabn" and not norms_of(backbone.model):
        raise ConfigError(
            "adabn needs a network with batch normalisation.",
            f"{backbone.reference} has none.",
            "Set adaptation to another value, or choose a backbone such as starter:image.",
        )
    convolutions = sum(isinstance(one, nn.Conv2d) for one in backbone.model.modules())
    if plan.mix_style and convolutions < _CONVOLUTIONS:
        raise ConfigError(
            "mix_style needs a convolutional network.",
            f"{backbone.reference} has no feature maps whose style could be mixed.",
            "Set mix_style to 0, or choose a backbone such as starter:image or a ResNet.",
        )
