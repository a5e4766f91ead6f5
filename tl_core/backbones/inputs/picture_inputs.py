"""How backbones for pictures are fed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.inputs.input_kind import Answer, Finding, Items, Opened, in_batches
from tl_core.modalities.image import IMAGE
from tl_core.surgery.model_json import read_json

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor
    from transformers import PreTrainedModel

    from tl_core.backbones.encoding import Batch, Inputs, Processor

_PIPELINE_BATCH = 8


class PictureInputs:
    """RGB pictures, all of one size; the size can be changed."""

    processor = "image processor"
    auto_processor = "AutoImageProcessor"

    def classifies(self, family: str) -> bool:
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        )

        return family in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    def is_in(self, folder: Path) -> bool:
        """Image processors have a file of settings, which names no rate as one for sounds does;
        timm names no `model_type`.
        """
        settings = folder / "preprocessor_config.json"
        if settings.exists():
            return "sampling_rate" not in read_json(settings)
        return not read_json(folder / "config.json").get("model_type")

    def examples(self) -> Inputs:
        from PIL import Image

        return [Image.new("RGB", (64, 64), (90, 120, 90))]

    def encode(self, processor: Processor, inputs: Inputs, max_length: int = 0) -> Batch:
        from tl_core.backbones.encoding import encode_images

        del max_length
        return encode_images(processor, cast("Sequence[Image.Image]", inputs))

    def batches(self, processor: Processor, inputs: Inputs, size: int) -> list[list[int]]:
        del processor
        return in_batches(list(range(len(inputs))), size)

    def needs_equal_sizes(self, processor: Processor) -> bool:
        """The processor brings all of them to one."""
        del processor
        return False

    def identity(self, processor: Processor, max_length: int) -> Mapping[str, object]:
        del max_length
        settings: dict[str, object] = json.loads(processor.to_json_string())
        return settings

    def arrange(self, model: PreTrainedModel) -> None:
        """In the layout that convolutions like; with small batches it made MobileNetV2 five times
        as fast on a CPU, and transformers do not mind.
        """
        import torch

        model.to(memory_format=torch.channels_last)

    def fit(self, opened: Opened, input_size: int, *, meta: bool) -> Opened:
        from tl_core.backbones.resize import resize

        if meta:
            return opened
        model, processor = resize(opened.model, opened.processor, input_size)
        return replace(opened, model=model, processor=processor)

    def own_pooling(self, folder: Path, family: str, wanted: str) -> tuple[str, str]:
        del folder, family
        return ("mean", "mean") if wanted == "mean" else ("native", "")

    def save(self, processor: Processor, max_length: int, target: Path) -> None:
        from transformers.models.timm_wrapper.image_processing_timm_wrapper import (
            TimmWrapperImageProcessor,
        )

        del max_length
        if not isinstance(processor, TimmWrapperImageProcessor):  # whose settings config.json holds
            processor.save_pretrained(target)

    def ask_pipeline(
        self, model: PreTrainedModel, processor: Processor, inputs: Inputs, classes: int
    ) -> Iterable[Sequence[Answer]]:
        from transformers import pipeline

        run = pipeline(IMAGE.hub_tasks[0], model=model, image_processor=processor)
        answers: Iterable[Sequence[Answer]] = run(inputs, top_k=classes, batch_size=_PIPELINE_BATCH)
        return answers

    def word_vectors(
        self, words: list[str], folder: Path, features: Callable[[Inputs], NDArray[np.float32]]
    ) -> tuple[Tensor, float]:
        """From the half for words of a CLIP or SigLIP, with the scale of its training."""
        from tl_core.backbones.word_head import vectors_of_text_half

        del features
        return vectors_of_text_half(folder, words)

    def check(
        self, opened: Opened, reference: str, version: Items, rows: NDArray[np.int64]
    ) -> list[Finding]:
        """None: a picture is read whole, and in no language."""
        del opened, reference, version, rows
        return []

    def starters(self, version: Items, rows: NDArray[np.int64]) -> tuple[str, ...]:
        del version, rows
        return (IMAGE.starter,)


PICTURE_INPUTS = PictureInputs()
