"""What a backbone is made of, for people: a layer tree with parameter counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from tl_core.backbones.inputs.input_kind import modality_in
from tl_core.backbones.sources.model_folder import known_classes
from tl_core.backbones.sources.reference import Reference, parse_reference
from tl_core.backbones.sources.resolve import local_folders, resolve_folder
from tl_core.backbones.sources.starters import PACKAGED, TEXT_PACKAGE, problem, unpacked
from tl_core.backbones.sources.word_vectors import vector_files
from tl_core.config import SurgeryPlan
from tl_core.modalities import MODALITIES
from tl_core.settings import Settings
from tl_core.surgery.facts import SurgeryFacts
from tl_core.surgery.model_json import read_json

if TYPE_CHECKING:
    from torch import nn


class StarterText(TypedDict):
    """What is said about a starter."""

    modality: str
    name: str
    licence: str
    size: str
    text: str
    source: str


class BackboneCard(StarterText):
    """A backbone to choose. `problem` says why a starter cannot be used (missing, or not the
    published weights), else it is empty; `knows` are the classes that it already tells apart.
    """

    reference: str
    problem: str
    knows: list[str]


class LayerRow(TypedDict):
    """One module of the layer tree."""

    name: str
    kind: str
    parameters: int


class BackboneFacts(TypedDict):
    """One backbone, opened; `pinned` is the reference with the commit that was opened."""

    reference: str
    pinned: str
    modality: str
    family: str
    features: int
    pooling: str
    notes: list[str]
    parameters: int
    layers: list[LayerRow]
    weights_sha256: str


class LayerTree(SurgeryFacts):
    """A surgery in figures, and on what."""

    reference: str
    family: str
    pooling: str


STARTERS: dict[str, StarterText] = {
    "starter:text": {
        "modality": "text",
        "name": "all-MiniLM-L6-v2",
        "licence": "Apache-2.0",
        "size": "91 MB, 22.7 million weights",
        "text": (
            "A small English sentence encoder that places similar messages close together. Good"
            " first"
            " choice for short English texts; needs no network."
        ),
        "source": f"package {TEXT_PACKAGE}",
    },
    "starter:multilingual": {
        "modality": "text",
        "name": "multilingual-e5-small",
        "licence": "MIT",
        "size": "91 MB to install, 471 MB once unpacked, 118 million weights",
        "text": (
            "A sentence encoder for about 100 languages: Chinese, German, Arabic and others from"
            " the first click. Five times as slow as the English one; needs no network."
        ),
        "source": f"package {PACKAGED['multilingual'].package}, 4-bit weights",
    },
    "starter:image": {
        "modality": "image",
        "name": "EfficientNet-Lite2 (ImageNet-1k)",
        "licence": "Apache-2.0",
        "size": "25 MB, 6.1 million weights",
        "text": (
            "A network that tells 1,000 kinds of animals, plants and things apart. Good first"
            " choice for photos; needs no network."
        ),
        "source": f"package {PACKAGED['image'].package}",
    },
    "starter:image-small": {
        "modality": "image",
        "name": "Graft ResNet (Tiny ImageNet)",
        "licence": "Apache-2.0",
        "size": "6 MB, 2.9 million weights",
        "text": (
            "A small residual network for pictures of 64 pixels. Very fast, for a first try; much"
            " weaker on real photos."
        ),
        "source": "trained for this project",
    },
    "starter:audio": {
        "modality": "audio",
        "name": "Spectrograms through EfficientNet-Lite2",
        "licence": "Apache-2.0",
        "size": "21 MB, 4.8 million weights",
        "text": (
            "A network that has learnt to see on a million photos looks at the spectrogram of a"
            " sound. For noises, machines, animals, music and calls of any kind; needs no network."
        ),
        "source": f"package {PACKAGED['audio'].package}",
    },
    "starter:speech": {
        "modality": "audio",
        "name": "Google's speech embedding",
        "licence": "Apache-2.0",
        "size": "2.4 MB, 0.3 million weights",
        "text": (
            "A small network that was trained to spot spoken keywords. For spoken words and"
            " commands; needs no network."
        ),
        "source": f"package {PACKAGED['speech'].package}",
    },
    "static:starter:text": {
        "modality": "text",
        "name": "Word vectors of all-MiniLM-L6-v2",
        "licence": "Apache-2.0",
        "size": "11.7 million weights",
        "text": (
            "Its word embeddings alone: each word has one vector, whatever its context. The"
            " standard before transformers; very fast, seldom the best."
        ),
        "source": f"package {TEXT_PACKAGE}",
    },
}


def list_backbones(settings: Settings) -> list[BackboneCard]:
    """The starters and the folders below TL_MODELS_DIR, as cards. The classes of a starter out of a
    package are known once that is unpacked.
    """
    return [
        *(_starter_card(reference, settings) for reference in STARTERS),
        *(_local_card(folder) for folder in local_folders(settings)),
        *(_vector_card(path) for path in vector_files(settings)),
    ]


def _starter_card(reference: str, settings: Settings) -> BackboneCard:
    name = reference.rpartition(":")[2]
    why_not = problem(name, settings)
    return {
        "reference": reference,
        **STARTERS[reference],
        "problem": why_not,
        "knows": [] if why_not else known_classes(unpacked(name, settings)),
    }


def _vector_card(path: Path) -> BackboneCard:
    return {
        "reference": f"static:{path.name}",
        "modality": "text",
        "name": path.name,
        "licence": "see its source",
        "knows": [],
        "size": f"{path.stat().st_size / 1e6:.1f} MB",
        "source": str(path),
        "problem": "",
        "text": (
            "Word vectors from this server's model folder, for the strategies with word vectors."
        ),
    }


def _local_card(folder: Path) -> BackboneCard:
    family = str(read_json(folder / "config.json").get("model_type", "timm"))
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e6
    return {
        "reference": f"local:{folder.name}",
        "modality": modality_in(folder, list(MODALITIES)),
        "name": folder.name,
        "licence": "see its card",
        "knows": known_classes(folder),
        "size": f"{size:.1f} MB" if size else "no safetensors",
        "source": str(folder),
        "problem": "" if size else "It has no safetensors weights.",
        "text": f"A {family} model from this server's model folder.",
    }


def describe_backbone(reference: str, settings: Settings) -> BackboneFacts:
    """Facts and layer tree of one backbone, opened with two classes.

    Raises:
        BackboneError: when it cannot be used.
    """
    from tl_core.backbones.load import load_backbone

    backbone = load_backbone(reference, ["a", "b"], settings)
    tree: list[LayerRow] = [
        {
            "name": name,
            "kind": type(module).__name__,
            "parameters": sum(p.numel() for p in module.parameters()),
        }
        for name, module in _two_levels(backbone.model)
    ]
    return {
        "reference": reference,
        "pinned": _pinned(parse_reference(reference), backbone.folder, settings),
        "modality": backbone.modality,
        "family": backbone.family,
        "features": backbone.port.width,
        "pooling": backbone.pooling,
        "notes": backbone.notes,
        "parameters": sum(p.numel() for p in backbone.model.parameters()),
        "layers": tree,
        "weights_sha256": backbone.weights,
    }


def _pinned(reference: Reference, folder: Path, settings: Settings) -> str:
    """A reference whose Hub model is named with its commit, which is the name of its folder."""
    if reference.kind == "hub":
        return str(Reference("hub", reference.target, folder.name))
    if reference.kind == "static" and reference.target.startswith("hub:"):
        inside = parse_reference(reference.target)
        return f"static:{_pinned(inside, resolve_folder(inside, settings), settings)}"
    return str(reference)


def layer_tree(reference: str, settings: Settings, classes: int, plan: SurgeryPlan) -> LayerTree:
    """What a surgery plan does to a backbone, layer group by layer group, from shapes alone: no
    weights are read.

    Returns:
        The surgery report as a dictionary, with family and pooling.

    Raises:
        BackboneError, ConfigError: as the surgery itself would.
    """
    from tl_core.backbones.load import load_backbone
    from tl_core.backbones.sources.kept_knowledge import refuse_what_is_not_there
    from tl_core.surgery.apply import apply_plan

    names = [str(number) for number in range(classes)]
    backbone = load_backbone(
        reference, names, settings, pooling=plan.pooling, scratch=plan.scratch, meta=True
    )
    refuse_what_is_not_there(backbone, plan)
    _, report = apply_plan(backbone, plan, fitted_head=bool(getattr(plan, "lp_start", False)))
    return {
        "reference": reference,
        "family": backbone.family,
        "pooling": backbone.pooling,
        **report.as_dict(),
    }


def _two_levels(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_children():
        yield name, module
        for child, part in module.named_children():
            yield f"{name}.{child}", part
