"""Pictures in the joint space of pictures and words: CLIP and SigLIP with their own projections.

A `JointClassifier` is a graft (see `grafts`): plain `transformers` cannot read its folder, this
program can.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

FAMILIES = ("clip", "siglip")
KIND = "joint"


class JointClassifier(nn.Module):
    """Vision tower, projection into the joint space, length one, and a linear classifier on it."""

    base_model_prefix = "backbone"

    def __init__(self, native: PreTrainedModel) -> None:
        super().__init__()
        self.config, self.backbone = native.config, native.vision_model
        inside = int(self.config.vision_config.hidden_size)
        clip = self.config.model_type == "clip"
        width = int(self.config.projection_dim) if clip else inside
        self.projection = nn.Linear(inside, width, bias=False) if clip else nn.Identity()
        self.classifier = nn.Linear(width, self.config.num_labels)

    def forward(self, pixel_values: Tensor, **_others: object) -> SequenceClassifierOutput:
        from transformers.modeling_outputs import SequenceClassifierOutput

        vectors = self.projection(self.backbone(pixel_values=pixel_values).pooler_output)
        directions = functional.normalize(vectors, dim=-1)
        return SequenceClassifierOutput(logits=self.classifier(directions))


def join(native: PreTrainedModel, folder: Path) -> JointClassifier:
    """`native` with the projection that the classifier of transformers leaves out, read from the
    backbone's folder.

    Raises:
        BackboneError: for other families, or a folder without the projection.
    """
    from safetensors import safe_open

    family = native.config.model_type
    if family not in FAMILIES:
        raise BackboneError(
            f"{family} was not trained on images and texts together.",
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
            "This CLIP has no projection into the joint space of images and texts.",
            "Only its image encoder seems to have been saved.",
            "Choose a repository with both encoders.",
        )
    return model
