"""Pictures and words in one space: CLIP and SigLIP with their own projections, and words as a
classifier's weights.

A `JointClassifier` is a graft (see `grafts`): plain `transformers` cannot read its folder, this
program can.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.errors import BackboneError

FAMILIES = ("clip", "siglip")
KIND = "joint"
_TEXT_SCALE = 20.0  # over the cosine, as sentence-transformers trains its encoders with


class JointClassifier(nn.Module):
    """Vision tower, projection into the joint space, length one, and a linear classifier on it."""

    base_model_prefix = "backbone"

    def __init__(self, native: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.config, self.backbone = native.config, native.vision_model
        inside = int(self.config.vision_config.hidden_size)
        clip = self.config.model_type == "clip"
        width = int(self.config.projection_dim) if clip else inside
        self.projection = nn.Linear(inside, width, bias=False) if clip else nn.Identity()
        self.classifier = nn.Linear(width, self.config.num_labels)

    def forward(self, pixel_values: Tensor, **_others: Any) -> Any:  # noqa: ANN401
        from transformers.modeling_outputs import SequenceClassifierOutput

        found = self.projection(self.backbone(pixel_values=pixel_values).pooler_output)
        return SequenceClassifierOutput(logits=self.classifier(functional.normalize(found, dim=-1)))


def join(native: Any, folder: Path) -> JointClassifier:  # noqa: ANN401
    """`native` with the projection that the classifier of transformers leaves out, read from the
    backbone's folder.

    Raises:
        BackboneError: for other families, or a folder without the projection.
    """
    from safetensors import safe_open

    family = native.config.model_type
    if family not in FAMILIES:
        raise BackboneError(
            f"{family} was not trained on pictures and words together.",
            "",
            "Choose a CLIP or SigLIP backbone.",
        )
    model = JointClassifier(native)
    if family == "clip":
        for path in folder.glob("*.safetensors"):
            with safe_open(path, framework="pt") as file:
                if "visual_projection.weight" in file.keys():
                    with torch.no_grad():
                        model.projection.weight.copy_(file.get_tensor("visual_projection.weight"))  # type: ignore[operator]
                    return model
        raise BackboneError(
            "This CLIP holds no projection into the space of words.",
            "Only its picture half seems to have been saved.",
            "Choose a repository with both halves.",
        )
    return model


def word_head(backbone: Any, wordings: list[list[str]]) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Classifier weights (classes, width) and bias (classes,) that compare an item's features with
    words.

    Args:
        backbone: a text encoder, or CLIP or SigLIP opened with pooling joint.
        wordings: of each class one or more ways to say it; their vectors are averaged (Radford et
        al., 2021).

    A row's product with a feature vector is the scaled cosine with the class, times the feature's
    length over that of the words; the order of the classes is that of the cosines.
    """
    flat = [words for several in wordings for words in several]
    found, scale = (
        _of_texts(backbone, flat)
        if backbone.modality == "text"
        else _of_pictures(backbone.folder, flat)
    )
    ends = torch.tensor([len(several) for several in wordings]).cumsum(0)[:-1]
    classes = torch.stack(
        [part.mean(0) for part in functional.normalize(found, dim=-1).tensor_split(ends)]
    )
    return functional.normalize(classes, dim=-1) * scale, torch.zeros(len(wordings))


def _of_texts(backbone: Any, words: list[str]) -> tuple[Tensor, float]:  # noqa: ANN401
    with backbone.extracting() as extractor:
        found = torch.from_numpy(extractor(backbone.encode(words)))
    return found, _TEXT_SCALE / float(found.norm(dim=-1).mean().clamp_min(1e-6))


def _of_pictures(folder: Path, words: list[str]) -> tuple[Tensor, float]:
    """Vectors of words from the text half, and the scale that the two halves were trained with."""
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        ).eval()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BackboneError(
            "The words' half of this backbone cannot be opened.",
            str(error).splitlines()[0][:200],
            "Choose a CLIP or SigLIP with its tokenizer.",
        ) from error
    longest = int(model.config.text_config.max_position_embeddings)
    clip = (
        model.config.model_type == "clip"
    )  # SigLIP has only ever seen padded texts, without a mask
    batch = tokenizer(
        words,
        padding=True if clip else "max_length",
        truncation=True,
        max_length=longest,
        return_tensors="pt",
    )
    with torch.inference_mode():
        found = model.get_text_features(
            **{name: batch[name] for name in ("input_ids", "attention_mask")[: 1 + clip]}
        ).pooler_output
    return found.clone(), float(model.logit_scale.detach().exp())
