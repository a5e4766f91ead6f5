"""Words as the weights of a classifier: the zero-shot head (Radford et al., 2021)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tl_core.errors import BackboneError

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone
    from tl_core.backbones.encoding import Inputs

_TEXT_SCALE = 20.0  # over the cosine, as sentence-transformers trains its encoders with


def word_head(backbone: Backbone, wordings: list[list[str]]) -> tuple[Tensor, Tensor]:
    """Classifier weights (classes, width) and bias (classes,) that compare an item's features with
    words.

    Args:
        backbone: a text encoder, or another one opened with the pooling that words share (joint).
        wordings: of each class one or more ways to say it; their vectors are averaged (Radford et
        al., 2021).

    A row's product with a feature vector is the scaled cosine with the class, times the feature's
    length over that of the words; the order of the classes is that of the cosines.
    """
    flat = [words for several in wordings for words in several]
    vectors, scale = backbone.kind.word_vectors(
        flat, backbone.folder, lambda items: _features(backbone, items)
    )
    ends = torch.tensor([len(several) for several in wordings]).cumsum(0)[:-1]
    classes = torch.stack(
        [part.mean(0) for part in functional.normalize(vectors, dim=-1).tensor_split(ends)]
    )
    return functional.normalize(classes, dim=-1) * scale, torch.zeros(len(wordings))


def _features(backbone: Backbone, items: Inputs) -> NDArray[np.float32]:
    with backbone.extracting() as extractor:
        return extractor(backbone.encode(items))


def vectors_of_texts(features: NDArray[np.float32]) -> tuple[Tensor, float]:
    """Vectors of words from a text encoder's features of them, and their scale."""
    vectors = torch.from_numpy(features)
    return vectors, _TEXT_SCALE / float(vectors.norm(dim=-1).mean().clamp_min(1e-6))


def vectors_of_text_half(folder: Path, words: list[str]) -> tuple[Tensor, float]:
    """Vectors of words from the text half of a CLIP or SigLIP, and the scale that its two halves
    were trained with.

    Raises:
        BackboneError: when the folder holds no such half.
    """
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
            "The text encoder of this backbone cannot be opened.",
            str(error).splitlines()[0][:200],
            "Choose a CLIP or SigLIP with its tokenizer.",
        ) from error
    longest = int(model.config.text_config.max_position_embeddings)
    # SigLIP has only ever seen padded texts, without a mask
    clip = model.config.model_type == "clip"
    batch = tokenizer(
        words,
        padding=True if clip else "max_length",
        truncation=True,
        max_length=longest,
        return_tensors="pt",
    )
    with torch.inference_mode():
        vectors = model.get_text_features(
            **{name: batch[name] for name in ("input_ids", "attention_mask")[: 1 + clip]}
        ).pooler_output
    return vectors.clone(), float(model.logit_scale.detach().exp())
