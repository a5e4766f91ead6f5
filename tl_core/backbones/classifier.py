"""A trained model folder, opened for prediction through nothing but Auto classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.encoding import Batch, Inputs, last_token
from tl_core.backbones.inputs.input_kind import input_kind_of
from tl_core.backbones.open import auto_class, load_processor, modality_of_family
from tl_core.backbones.own_networks import make_known
from tl_core.backbones.sources.model_folder import check_weights
from tl_core.errors import BackboneError
from tl_core.machine import best_batch, place
from tl_core.surgery import grafts
from tl_core.surgery.model_json import read_json
from tl_core.tasks import SINGLE_LABEL, Decision, Task, task_of_model
from tl_core.tasks.kept_thresholds import kept_decision
from tl_core.tasks.single_label import DECISION

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tl_core.backbones.encoding import Processor


@dataclass
class Classifier:
    """A model in eval mode with its processor; `labels` in the order of the probabilities,
    `decision` how they become answers.
    """

    model: PreTrainedModel
    processor: Processor
    modality: str
    labels: list[str]
    task: Task = SINGLE_LABEL
    decision: Decision = DECISION

    def probabilities(self, inputs: Inputs, batch_size: int = 0) -> NDArray[np.float64]:
        """float32 probabilities (items, classes), in input order, however they are batched."""
        out = np.zeros((len(inputs), len(self.labels)))
        batch_size = batch_size or best_batch(self.modality)
        kind = input_kind_of(self.modality)
        for places in kind.batches(self.processor, inputs, batch_size):
            out[places] = self._forward([inputs[i] for i in places])
        return out

    def read(self, inputs: Inputs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (items, classes) as above, with what the last layer reads of each item
        (items, width): the vector in front of the classifier, or its logits where it does not end
        in a linear layer.
        """
        scores = np.zeros((len(inputs), len(self.labels)))
        features: list[NDArray[np.float64]] = [np.zeros(0)] * len(inputs)
        kind = input_kind_of(self.modality)
        with _Reading(self.model, len(self.labels)) as reading:
            for places in kind.batches(self.processor, inputs, best_batch(self.modality)):
                scores[places], logits, batch = self._pass([inputs[i] for i in places])
                for place, vector in zip(places, reading.vectors(batch, logits), strict=True):
                    features[place] = vector
        return scores, np.stack(features)

    def _forward(self, inputs: Inputs) -> NDArray[np.float64]:
        return self._pass(inputs)[0]

    def _pass(self, inputs: Inputs) -> tuple[NDArray[np.float64], Tensor, Batch]:
        """Probabilities, logits and batch of one forward pass."""
        batch = input_kind_of(self.modality).encode(self.processor, inputs)
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            logits = self.model(**{name: value.to(device) for name, value in batch.items()}).logits
        return self.decision.probabilities(logits.double().cpu().numpy()), logits, batch


class _Reading:
    """Remembers what enters the last of a model's linear layers that give logits.

    Args:
        model: that is called.
        classes: of its logits.
    """

    def __init__(self, model: PreTrainedModel, classes: int) -> None:
        self._pad: int | None = getattr(model.config, "pad_token_id", None)
        self._seen: Tensor | None = None
        heads = [
            one
            for one in model.modules()
            if isinstance(one, torch.nn.Linear) and one.out_features == classes
        ]
        self._handles = [one.register_forward_pre_hook(self._note) for one in heads]

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_error: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _note(self, _module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        self._seen = given[0]

    def vectors(self, batch: Batch, logits: Tensor) -> NDArray[np.float64]:
        """Those of the pass that has just been made (items, width)."""
        seen = logits if self._seen is None else self._seen
        if seen.ndim == 3 and "input_ids" in batch:  # a decoder, which answers at every token
            last = last_token(batch, self._pad if self._pad is not None else -1)
            seen = seen[torch.arange(len(seen)), last.to(seen.device)]
        if seen.ndim != 2 or len(seen) != len(logits):
            seen = logits
        found: NDArray[np.float64] = seen.double().cpu().numpy()
        return found


def load_classifier(folder: Path) -> Classifier:
    """Open a trained folder in float32, on the GPU where there is one.

    Raises:
        BackboneError: when the folder is missing, unsafe or damaged.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise BackboneError(
            "The trained model's files are missing.",
            f"There is no config.json in {folder.name!r}.",
            "Train again, or check the folder.",
        )
    check_weights(folder, folder.name)
    make_known(str(read_json(folder / "config.json").get("model_type")))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = (
        False  # TF32 moves probabilities
    )
    model: PreTrainedModel
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        modality = modality_of_family(folder, config.model_type)
        if grafts.is_graft(folder):
            native = auto_class(modality).from_config(config, dtype=torch.float32)
            model = grafts.load(folder, native).eval()
        else:
            model = (
                auto_class(modality)
                .from_pretrained(
                    folder,
                    dtype=torch.float32,
                    local_files_only=True,
                    use_safetensors=True,
                    trust_remote_code=False,
                )
                .eval()
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise BackboneError(
            "The trained model cannot be loaded.",
            str(error).splitlines()[0][:200],
            "Its files may be damaged; train again.",
        ) from error
    input_kind_of(modality).arrange(model)
    place(model)
    names = [str(model.config.id2label[i]) for i in range(model.config.num_labels)]
    task = task_of_model(model.config.problem_type)
    decision = kept_decision(folder, task, names)
    return Classifier(model, load_processor(folder, modality), modality, names, task, decision)
