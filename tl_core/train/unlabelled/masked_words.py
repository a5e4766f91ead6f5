"""Masked language modelling (Devlin et al., 2019): words of a text are hidden, and the encoder
learns to say which they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutput

from tl_core.backbones.backbone import Backbone
from tl_core.errors import BackboneError
from tl_core.surgery.architectures import MEAN_LAYER
from tl_core.surgery.poolings import mean_layer
from tl_core.train.arrays import Bools, Ints
from tl_core.train.features.examples import Batch, Key
from tl_core.train.features.tokens import TextExamples

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_MASKED, _RANDOM = 0.8, 0.1  # of the chosen tokens; the rest stays as it is
_DRAWS = 7  # tells these draws from others of the same seed, epoch and place


def masked(
    ids: Ints, special: Bools, share: float, mask: int, words: int, draw: np.random.Generator
) -> tuple[Ints, Bools]:
    """Token numbers of a text as the encoder sees them, and which of them it has to name.

    Args:
        ids: of the text (tokens,).
        special: tokens that are never chosen (tokens,).
        share: chance of each other token to be chosen.
        mask: number of the mask token, which stands in the place of 80 % of the chosen ones.
        words: size of the vocabulary, from which 10 % of them are drawn; 10 % stay.
        draw: where chance comes from.
    """
    chosen = (draw.random(len(ids)) < share) & ~special
    fate = draw.random(len(ids))
    other = draw.integers(0, words, len(ids))
    seen = np.where(chosen & (fate < _MASKED), mask, ids)
    swapped = chosen & (fate >= _MASKED) & (fate < _MASKED + _RANDOM)
    return np.where(swapped, other, seen).astype(np.int64), chosen


class MaskedWords:
    """The objective: mean cross-entropy of the hidden tokens of a batch.

    Args:
        backbone: of texts; `give_back` puts the learnt weights into it.
        examples: its texts as tokens.
        share: of the tokens that are hidden.
        seed: with epoch and place it decides which.

    Raises:
        BackboneError: for an architecture that cannot learn in this way.
    """

    name = "masked language modelling"

    def __init__(self, backbone: Backbone, examples: TextExamples, share: float, seed: int) -> None:
        self._examples, self._share, self._seed = examples, share, seed
        tokenizer = backbone.processor
        if tokenizer.mask_token_id is None:
            raise _cannot(backbone.family, "Its tokenizer has no token for a hidden word.")
        self._mask, self._words = int(tokenizer.mask_token_id), len(tokenizer)
        self._special = np.array(tokenizer.all_special_ids)
        self.module, missing = _with_head(backbone)
        self.fresh_head = bool(missing)
        _start_plainly(self.module, missing)
        self._encoder = _encoder_in(backbone, self.module)
        take_over(self._encoder, self.module.base_model, backbone.family)
        self._asked = torch.zeros(0, dtype=torch.bool)
        self.module.base_model.register_forward_hook(self._only_asked)

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def lengths(self) -> Ints:
        """Tokens of each text."""
        return self._examples.lengths

    def settle(self, share_done: float) -> None:
        """A head without pretrained weights learns alone for the first tenth of the steps, so that
        its first mistakes do not spoil the encoder.
        """
        waits = self.fresh_head and share_done < 0.1
        for parameter in self.module.base_model.parameters():
            parameter.requires_grad_(not waits)

    def batch(self, keys: list[Key]) -> tuple[Batch, Tensor, Tensor]:
        """Inputs with hidden tokens, which they are (texts, tokens), and all true tokens."""
        batch = self._examples.__getitems__(keys)
        truth = batch["input_ids"].clone()
        asked = torch.zeros_like(truth, dtype=torch.bool)
        for row, (epoch, place) in enumerate(keys):
            length = int(batch["attention_mask"][row].sum())
            ids: NDArray[np.int64] = truth[row, :length].numpy()
            seen, chosen = masked(
                ids,
                np.isin(ids, self._special),
                self._share,
                self._mask,
                self._words,
                np.random.default_rng([self._seed, epoch, place, _DRAWS]),
            )
            batch["input_ids"][row, :length] = torch.from_numpy(seen)
            asked[row, :length] = torch.from_numpy(chosen)
        return batch, asked, truth

    def loss(self, keys: list[Key]) -> Tensor:
        """Of these texts; 0 where none of their tokens is hidden."""
        batch, asked, truth = self.batch(keys)
        device = next(self.module.parameters()).device
        self._asked = asked.to(device)
        inputs = {name: batch[name].to(device) for name in ("input_ids", "attention_mask")}
        logits = self.module(**inputs).logits[0]
        total = functional.cross_entropy(logits.float(), truth[asked].to(device), reduction="sum")
        return total / max(1, int(asked.sum()))

    def give_back(self) -> None:
        """Put the encoder's weights into the backbone; the head is thrown away."""
        take_over(self.module.base_model, self._encoder, "", only_common=True)

    def _only_asked(self, _: nn.Module, __: object, output: tuple[Tensor, ...]) -> BaseModelOutput:
        """Only hidden positions go on to the head, whose output is as wide as the vocabulary."""
        return BaseModelOutput(last_hidden_state=output[0][self._asked][None])


def _with_head(backbone: Backbone) -> tuple[PreTrainedModel, list[str]]:
    """The backbone's files as a masked language model, and the weights of its head that the files
    lack.
    """
    from transformers import AutoModelForMaskedLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    if backbone.family not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise _cannot(backbone.family, "It does not read a text in both directions at once.")
    model, info = AutoModelForMaskedLM.from_pretrained(
        backbone.folder,
        dtype=torch.float32,
        output_loading_info=True,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
    )
    if backbone.family in MEAN_LAYER and mean_layer.is_appended(mean_layer.layers_of(model)[-1]):
        del mean_layer.layers_of(model)[-1]  # of an earlier run: it pools and is no layer to learn
    encoder = f"{model.base_model_prefix}."
    names = dict(model.named_parameters())
    missing = [name for name in info["missing_keys"] if not name.startswith(encoder)]
    model.to(next(backbone.model.parameters()).device)
    return model, sorted(name for name in missing if name in names)


def _start_plainly(model: PreTrainedModel, missing: list[str]) -> None:
    """A head without pretrained weights passes on what it reads: its dense layer is the identity
    where it can be; the last layer is the table of words.
    """
    own = dict(model.named_parameters())
    for name in missing:
        with torch.no_grad():
            if own[name].ndim == 2 and own[name].shape[0] == own[name].shape[1]:
                nn.init.eye_(own[name])
            elif own[name].ndim == 1 and name.endswith(".bias"):
                nn.init.zeros_(own[name])


def _encoder_in(backbone: Backbone, model: PreTrainedModel) -> nn.Module:
    """The part of the backbone that is the same network as the model's encoder."""
    kind = type(model.base_model)
    found: nn.Module | None = next(
        (one for one in backbone.model.modules() if type(one) is kind), None
    )
    if found is None:
        raise _cannot(backbone.family, "Its encoder was not found inside the classifier.")
    return found


def take_over(
    source: nn.Module, target: nn.Module, family: str, *, only_common: bool = False
) -> None:
    """Copy the weights of one encoder into another of the same kind, in place.

    Raises:
        BackboneError: when the target has weights that the source lacks, unless `only_common`.
    """
    given = source.state_dict()
    own = target.state_dict()
    lacking = [name for name in own if name not in given]
    if lacking and not only_common:
        raise _cannot(family, f"Its encoder has no {lacking[0]}.")
    with torch.no_grad():
        for name, value in own.items():
            if name in given:
                value.copy_(given[name])


def _cannot(family: str, why: str) -> BackboneError:
    return BackboneError(
        f"The architecture {family!r} cannot learn from hidden words.",
        why,
        "Choose a backbone such as starter:text, or one of BERT's relatives.",
    )
