"""What a training adds to its loss, made from its settings: the only place where that is decided.

The pretrained network is remembered before anything is done to it (`remember`); what reads the
network in training is put on after its surgery (`choose`).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from tl_core.backbones.backbone import Backbone
from tl_core.config import FinetuneSettings, ProbeSettings
from tl_core.progress import Progress
from tl_core.surgery.chance.stochastic_norm import stochastic_norms
from tl_core.surgery.chance.style_mixing import mixed_styles
from tl_core.train.arrays import Floats
from tl_core.train.items.item_training import TrainingData
from tl_core.train.objectives.adversary import DomainAdversary
from tl_core.train.objectives.class_confusion import ClassConfusion
from tl_core.train.objectives.correlations import DeepCoral, DomainsAlike
from tl_core.train.objectives.head_input import HeadInput
from tl_core.train.objectives.objective import NOTHING, Objective, Objectives
from tl_core.train.objectives.singular_values import SpectralShrinkage
from tl_core.train.objectives.source_classes import (
    CoTuning,
    SourceHead,
    WithoutForgetting,
    open_source_head,
    relationship,
)
from tl_core.train.objectives.source_network import Maps, SourceNetwork, read_blocks
from tl_core.train.objectives.target_reading import TargetReader
from tl_core.train.objectives.towards_features import FeaturePull
from tl_core.train.objectives.towards_weights import WeightPull
from tl_core.train.objectives.worst_domain import WorstDomains
from tl_core.train.probe.probing import Reading
from tl_core.train.setup.across import Across
from tl_core.train.setup.prepared import Setup


@dataclass(frozen=True)
class Source:
    """What is kept of a backbone as it came: a copy of it, read at some blocks, its classifier, and
    what each class is made of; each as far as the settings ask for it.
    """

    network: SourceNetwork | None = None
    blocks: tuple[str, ...] = ()
    head: SourceHead | None = None
    mixtures: Floats | None = None


def remember(
    settings: FinetuneSettings,
    backbone: Backbone,
    data: TrainingData,
    stack: ExitStack,
    progress: Progress,
) -> Source:
    """What the settings need of `backbone`, which nothing has been done to.

    Args:
        settings: of the training.
        backbone: that will be trained.
        data: whose training rows tell what each class is made of.
        stack: at whose end the copy looks no longer.
        progress: told about the reading.

    Raises:
        ConfigError: when the classifier of the pretraining does not fit.
    """
    head = open_source_head(backbone) if settings.needs_source_classes else None
    blocks = read_blocks(backbone) if settings.delta else []
    return Source(
        SourceNetwork(backbone, blocks, stack) if settings.delta or settings.lwf else None,
        tuple(blocks),
        head,
        _mixtures(head, backbone, data, progress) if head and settings.co_tuning else None,
    )


def _mixtures(
    head: SourceHead, backbone: Backbone, data: TrainingData, progress: Progress
) -> Floats:
    rows = {"train": data.rows["train"]}
    reading = Reading(ProbeSettings(), data.version, rows, backbone, data.cache)
    features = reading.read_all(progress, share=0.05)
    return relationship(head, features, data.labels[rows["train"]], data.classes)


def choose(setup: Setup, source: Source, across: Across) -> Objectives:
    """All that the settings add to the loss.

    Args:
        setup: after the surgery; its weights are the start.
        source: what was remembered.
        across: items of other domains, and how often each comes.
    """
    settings = setup.settings
    parts: list[Objective] = []
    if settings.penalty != "none":
        moving, new = set(setup.report.scale_of), setup.new_parameters()
        kind, strength = settings.penalty, settings.penalty_strength
        parts.append(WeightPull(setup.model, moving, new, kind, strength))
    if settings.delta and source.network:  # looks at maps before the network reads other items
        maps = Maps([setup.backbone.model.get_submodule(name) for name in source.blocks])
        setup.stack.callback(maps.close)
        parts.append(FeaturePull(maps, source.network, settings.delta))
    if settings.group_dro:
        parts.append(WorstDomains(across.shares, settings.group_dro))
    reads = settings.reads_target or settings.domain_coral
    if not (settings.bss or settings.needs_source_classes or reads):
        return Objectives(parts) if parts else NOTHING
    head_input = HeadInput(setup.model, setup.backbone.head_roots)
    setup.stack.callback(head_input.close)
    parts += _of_features(settings, source)
    if across.target is not None and settings.reads_target:
        reader = TargetReader(setup.model, head_input, across.target, settings.seed)
        parts.append(_towards_target(setup, reader))
    return Objectives(parts, head_input)


def _of_features(settings: FinetuneSettings, source: Source) -> list[Objective]:
    """What looks at the features of a batch."""
    parts: list[Objective] = []
    if settings.bss:
        parts.append(SpectralShrinkage(settings.bss, settings.bss_values))
    if settings.domain_coral:
        parts.append(DomainsAlike(settings.domain_coral))
    if source.head and source.mixtures is not None:
        parts.append(CoTuning(source.head, source.mixtures, settings.co_tuning))
    if settings.lwf and source.head and source.network:
        strength, temperature = settings.lwf, settings.lwf_temperature
        parts.append(WithoutForgetting(source.head, source.network, strength, temperature))
    return parts


def _towards_target(setup: Setup, reader: TargetReader) -> Objective:
    """What brings the network nearer to another domain."""
    settings = setup.settings
    strength = settings.adaptation_strength
    if settings.adaptation == "deep_coral":
        return DeepCoral(reader, strength)
    if settings.adaptation == "mcc":
        return ClassConfusion(reader, strength)
    device = next(setup.model.parameters()).device
    return DomainAdversary(reader, reader.width, strength, settings.seed, device)


def add_chance(setup: Setup) -> None:
    """What the network does by chance in training, until the setup's stack closes."""
    settings, model = setup.settings, setup.model
    if settings.stochastic_norm:
        setup.stack.enter_context(stochastic_norms(model, settings.stochastic_norm))
    if settings.mix_style:
        names = read_blocks(setup.backbone, quarters=2)
        blocks = [setup.backbone.model.get_submodule(name) for name in names]
        setup.stack.enter_context(mixed_styles(model, blocks, settings.mix_style))
