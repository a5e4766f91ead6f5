"""Configuration, weights and processor of a model folder, opened through the Auto classes of
transformers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from tl_core.backbones.inputs.input_kind import input_kind_of, modality_in
from tl_core.backbones.own_networks import make_known
from tl_core.errors import BackboneError
from tl_core.modalities import MODALITIES, modality_of
from tl_core.surgery.architectures import REFUSED
from tl_core.surgery.model_json import read_json
from tl_core.surgery.modes import is_batchnorm

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel
    from transformers.models.auto.auto_factory import _BaseAutoModelClass

    from tl_core.backbones.encoding import Processor
    from tl_core.surgery.facts import Reinitialised

_MOMENTUM = 0.1  # torch's own default: the share of the newest batch in the running statistics


@dataclass(frozen=True)
class LoadingFacts:
    """Keys that the file of weights lacked or had in another shape (`missing`), those of the second
    kind with both shapes (`replaced`), and keys that the network has no place for.
    """

    missing: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)
    replaced: list[Reinitialised] = field(default_factory=list)


def load_config(folder: Path, labels: list[str]) -> tuple[PretrainedConfig, str]:
    """The configuration of a classifier of `labels`, and the modality that it reads.

    Raises:
        BackboneError: when the architecture is unknown, refused, or brings its own code.
    """
    from transformers import AutoConfig

    raw = read_json(folder / "config.json")
    family = str(raw.get("model_type") or ("timm_wrapper" if "architecture" in raw else ""))
    if family in REFUSED:
        raise BackboneError(f"{family} cannot be used yet.", REFUSED[family])
    if "auto_map" in raw:
        raise BackboneError(
            "This backbone brings its own program code.",
            "Code from a model repository is never run here.",
            "Choose a model of a standard architecture.",
        )
    modality = modality_of_family(folder, family)
    make_known(family)
    names = dict(enumerate(labels))
    try:
        config = AutoConfig.from_pretrained(
            folder,
            num_labels=len(labels),
            id2label=names,
            label2id={name: i for i, name in names.items()},
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise BackboneError(
            f"The architecture {family or 'in config.json'!r} is not known here.",
            str(error).splitlines()[0][:200],
            "Choose another backbone.",
        ) from error
    if family == "timm_wrapper":
        config.model_args = {
            k: v for k, v in (config.model_args or {}).items() if k != "num_classes"
        } or None
        config.label_names, config.label_descriptions = (
            list(labels),
            None,
        )  # else those of the pretraining are saved
    return config, modality


def modality_of_family(folder: Path, family: str) -> str:
    """Which kind of input an architecture classifies.

    Raises:
        BackboneError: when there is no classifier for it.
    """
    possible = [name for name in MODALITIES if input_kind_of(name).classifies(family)]
    if not possible:
        every = MODALITIES.values()
        raise BackboneError(
            f"The architecture {family!r} has no classifier for "
            f"{' or '.join(one.items for one in every)}.",
            "",
            f"Choose another backbone, such as {' or '.join(one.starter for one in every)}.",
        )
    return modality_in(folder, possible)


def auto_class(modality: str) -> type[_BaseAutoModelClass]:
    """The class of transformers that opens classifiers of this modality."""
    import transformers

    chosen: type[_BaseAutoModelClass] = getattr(transformers, modality_of(modality).auto_class)
    return chosen


def build_model(
    config: PretrainedConfig, modality: str, seed: int, *, meta: bool
) -> PreTrainedModel:
    """The architecture with random weights, or with none at all on the meta device."""
    with torch.random.fork_rng(devices=[]), torch.device("meta" if meta else "cpu"):
        torch.manual_seed(seed)
        model = auto_class(modality).from_config(config, dtype=torch.float32)
    settle_momentum(model)
    return model


def load_model(
    folder: Path, config: PretrainedConfig, modality: str
) -> tuple[PreTrainedModel, LoadingFacts]:
    """The architecture with the weights of the folder.

    Raises:
        BackboneError: when they are damaged or of another network.
    """
    from safetensors import SafetensorError

    try:
        model, info = auto_class(modality).from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise BackboneError(
            "The backbone's weights cannot be loaded.",
            str(error).splitlines()[0][:200],
            "Download it again or choose another one.",
        ) from error
    settle_momentum(model)
    return model, _loading_facts(
        info["missing_keys"], info["unexpected_keys"], info["mismatched_keys"]
    )


def settle_momentum(model: nn.Module) -> None:
    """Give batch normalisation a momentum in torch's meaning, in place.

    transformers hands the number of TensorFlow's checkpoints (MobileNet .997 and .9997,
    EfficientNet .99: the share that stays) to torch, where it is the share of the newest batch; the
    running statistics are then those of the last batch alone. No network asks for more than half of
    the newest batch on purpose; `None`, a plain average, stays.
    """
    for module in model.modules():
        if is_batchnorm(module) and (module.momentum or 0.0) > 0.5:  # type: ignore[operator]
            module.momentum = _MOMENTUM  # type: ignore[assignment]


def _loading_facts(
    missing: Iterable[str],
    unexpected: Iterable[str],
    mismatched: Iterable[str | tuple[str, torch.Size, torch.Size]],
) -> LoadingFacts:
    """What transformers reports of a loading; a key in another shape may come without shapes."""
    shapes = [item if isinstance(item, tuple) else (item, None, None) for item in mismatched]
    replaced: list[Reinitialised] = [
        {
            "name": name,
            "old": list(old) if old is not None else None,
            "new": list(new) if new is not None else None,
        }
        for name, old, new in sorted(shapes, key=lambda item: item[0])
    ]
    return LoadingFacts({*missing, *(item[0] for item in shapes)}, set(unexpected), replaced)


def load_processor(folder: Path, modality: str) -> Processor:
    """What makes tensors of items, as it came with the weights: a tokenizer, an image processor.

    Raises:
        BackboneError: when the folder holds none.
    """
    import transformers

    kind = input_kind_of(modality)
    try:
        processor: Processor = getattr(transformers, kind.auto_processor).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        return processor
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackboneError(
            f"The backbone has no usable {kind.processor}.",
            str(error).splitlines()[0][:200],
            "Copy the model folder whole, with all its small files.",
        ) from error
