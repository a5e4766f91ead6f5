"""A network for pictures that hears: the log-mel spectrogram of a sound is its picture.

That weights learnt on photos serve sounds is well known (Palanisamy et al., 2020: "Rethinking CNN
models for audio classification"; Gong et al., 2021: "PSLA"). The spectrogram is part of the
network: a Fourier transform written as a convolution, so that a saved folder, its ONNX file and
training on a GPU all hold it. Importing this module makes the class known to the Auto classes of
transformers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import timm
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForAudioClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.audio_utils import mel_filter_bank
from transformers.modeling_outputs import SequenceClassifierOutput

FAMILY = "sound_picture"
_QUIETEST = 1e-10  # power below which everything counts as silence


class SoundPictureConfig(PretrainedConfig):  # type: ignore[misc]
    """How a sound becomes pictures, and which network looks at them.

    Args:
        architecture: of timm.
        rate: samples a second.
        bands: of the mel scale, from `lowest` to `highest` hertz.
        window, transform, hop: of the Fourier transform, in samples; a longer transform than its
            window draws low bands smoothly.
        segment: spectra side by side in one picture.
        side: height and width of a picture in pixels.
        span: decibels from the loudest place of a sound (white) to black.
        mean, std: of the pixels of each colour, as the network was trained with.
        head_dropout: before the classifier.
    """

    model_type = FAMILY

    def __init__(
        self,
        architecture: str = "tf_efficientnet_lite2",
        rate: int = 16_000,
        bands: int = 128,
        lowest: float = 40.0,
        highest: float = 7_600.0,
        window: int = 400,
        transform: int = 1024,
        hop: int = 160,
        segment: int = 128,
        side: int = 192,
        span: float = 80.0,
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
        head_dropout: float = 0.0,
        **others: object,
    ) -> None:
        super().__init__(**others)
        self.architecture, self.rate = architecture, rate
        self.bands, self.lowest, self.highest = bands, lowest, highest
        self.window, self.transform, self.hop = window, transform, hop
        self.segment, self.side, self.span = segment, side, span
        self.mean, self.std = list(mean), list(std)
        self.head_dropout = head_dropout

    def to_diff_dict(self) -> dict[str, object]:
        """Everything: a saved network must not hear otherwise when a default changes here."""
        values: dict[str, object] = self.to_dict()
        return values


class MelPower(nn.Module):
    """Power in each band of the mel scale over time, by convolutions alone.

    Spectrum number i is centred on sample (i + 1/2) * hop; beyond its end a sound is silent.
    """

    def __init__(self, config: SoundPictureConfig) -> None:
        super().__init__()
        self.hop, self.window = config.hop, config.window
        bins = config.transform // 2 + 1
        turns = np.outer(np.arange(bins), np.arange(config.window)) * (2 * np.pi / config.transform)
        shape = np.hanning(config.window + 1)[:-1]
        waves = np.concatenate([np.cos(turns) * shape, np.sin(turns) * shape])[:, None]
        filters = mel_filter_bank(
            bins,
            config.bands,
            config.lowest,
            config.highest,
            config.rate,
            norm="slaney",
            mel_scale="htk",
        ).T
        # kept with the weights: whoever opens the folder hears as training did
        self.register_buffer("waves", torch.from_numpy(waves.astype(np.float32)))
        self.register_buffer("filters", torch.from_numpy(filters.astype(np.float32)))

    def forward(self, sounds: Tensor) -> Tensor:
        """(sounds, bands, spectra) of (sounds, samples); always in float32."""
        kind = sounds.device.type
        if torch.is_autocast_enabled(kind):  # the quiet parts of a spectrum need the digits
            with torch.autocast(kind, enabled=False):
                return self._power(sounds.float())
        return self._power(sounds)

    def _power(self, sounds: Tensor) -> Tensor:
        before = (self.window - self.hop) // 2
        padded = nn.functional.pad(sounds.unsqueeze(1), (before, self.window - before))
        waves, filters = self.get_buffer("waves"), self.get_buffer("filters")
        real, imaginary = nn.functional.conv1d(padded, waves, stride=self.hop).chunk(2, dim=1)
        return torch.matmul(filters, real.square() + imaginary.square())


class SoundPictureForAudioClassification(PreTrainedModel):  # type: ignore[misc]
    """Spectrogram, a network of timm on each stretch of it, their mean, and one Linear; input and
    output as in any classifier of transformers.

    Every sound is measured against its own loudest place, so how loud it was recorded does not
    matter. A stretch counts by the spectra that it really holds; stretches of silence behind a
    short sound of a batch are not computed.
    """

    config_class = SoundPictureConfig
    config: SoundPictureConfig
    base_model_prefix = ""
    main_input_name = "input_values"

    def __init__(self, config: SoundPictureConfig) -> None:
        super().__init__(config)
        self.mel = MelPower(config)
        self.timm_model = timm.create_model(config.architecture, num_classes=0)
        width = getattr(self.timm_model, "head_hidden_size", None) or self.timm_model.num_features
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(width, config.num_labels)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """The classifier alone: timm draws its own."""
        if module is self.classifier:
            nn.init.normal_(self.classifier.weight, std=0.02)
            nn.init.zeros_(self.classifier.bias)

    def forward(
        self,
        input_values: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **_others: object,
    ) -> SequenceClassifierOutput:
        """Logits (sounds, classes) of (sounds, samples); the mask marks what is no padding."""
        pictures, counts = self._pictures(input_values, attention_mask)
        shares = counts / counts.sum(1, keepdim=True)
        summary = (self._seen(pictures, counts > 0) * shares.unsqueeze(-1)).sum(1)
        logits = self.classifier(self.dropout(summary))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _pictures(self, sounds: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """(sounds, stretches, 1, bands, segment) from 0 (silence) to 1 (loudest), and how many
        spectra of each stretch are no padding.
        """
        config = self.config
        levels = 10 * self.mel(sounds).clamp_min(_QUIETEST).log10()
        places = torch.arange(levels.shape[2], device=sounds.device)
        ends = torch.ones_like(sounds).sum(1) if mask is None else mask.to(sounds.dtype).sum(1)
        inside = places < torch.ceil(ends / config.hop).unsqueeze(1)
        lowest = levels.masked_fill(~inside.unsqueeze(1), 10 * float(np.log10(_QUIETEST)))
        loudest = lowest.amax((1, 2), keepdim=True)
        shades = ((levels - loudest) / config.span + 1).clamp(0, 1) * inside.unsqueeze(1)
        # whole stretches: what is too much of the padding is cut off again
        long, more = nn.functional.pad(shades, (0, config.segment - 1)), config.segment - 1
        stretches = long.shape[2] // config.segment
        whole = long[:, :, : stretches * config.segment]
        cut = whole.reshape(whole.shape[0], 1, config.bands, stretches, config.segment)
        there = nn.functional.pad(inside.to(shades.dtype), (0, more))[
            :, : stretches * config.segment
        ]
        counts = there.reshape(there.shape[0], stretches, config.segment).sum(2)
        return cut.permute(0, 3, 1, 2, 4), counts

    def _seen(self, pictures: Tensor, real: Tensor) -> Tensor:
        """What the network makes of each stretch (sounds, stretches, width); zeros where there is
        none.
        """
        if torch.compiler.is_exporting():  # a file cannot choose among stretches
            features = self._look(pictures.flatten(0, 1))
            return features.reshape(pictures.shape[0], pictures.shape[1], features.shape[1])
        features = self._look(pictures[real]).float()
        empty = features.new_zeros(*real.shape, features.shape[1])
        return empty.masked_scatter(real.unsqueeze(-1), features)

    def _look(self, pictures: Tensor) -> Tensor:
        config = self.config
        size = (config.side, config.side)
        pixels = nn.functional.interpolate(pictures, size=size, mode="bilinear")
        mean, std = (
            torch.tensor(values, dtype=pixels.dtype, device=pixels.device).view(1, 3, 1, 1)
            for values in (config.mean, config.std)
        )
        colours = (pixels - mean) / std
        if not torch.compiler.is_exporting():
            colours = colours.contiguous(memory_format=torch.channels_last)
        features: Tensor = self.timm_model(colours)
        return features


AutoConfig.register(FAMILY, SoundPictureConfig, exist_ok=True)
AutoModelForAudioClassification.register(
    SoundPictureConfig, SoundPictureForAudioClassification, exist_ok=True
)
