"""Google's speech embedding (Lin et al., 2020: "Training keyword spotters with limited and
synthesized speech data") as a network that can be tuned: 96 numbers for .76 seconds of speech,
every .08 seconds.

All of its convolutions over time are without padding, so the whole spectrogram goes through at once
and gives what every window by itself would give. The spectrogram is part of the network. Importing
this module makes the class known to the Auto classes of transformers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForAudioClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

FAMILY = "speech_embedding"
WIDTH, BANDS = 96, 32
STAGES = ((24, 3, (2, 2)), (48, 4, (1, 2)), (72, 4, (2, 2)), (96, 4, (1, 2)), (96, 4, (2, 2)))
"""Channels, convolutions, and the pooling (time, pitch) at their end."""
_LEAST = -0.4  # no activation is lower
_SLOPE = 0.2  # of what is below zero
_WINDOW, _STEP = 76, 8  # spectra that one answer hears, and between two answers
_POINTS, _HOP = 512, 160  # samples of a spectrum, and between two
_FULL_SCALE = 32_768.0
_QUIETEST, _SPAN = 1e-10, 80.0  # power that counts as silence; decibels below the loudest place


class SpeechEmbeddingConfig(PretrainedConfig):  # type: ignore[misc]
    """How a sound is laid before the network.

    Args:
        rate: samples a second.
        margin: samples of silence on both sides, so that a short word is heard at several places.
        head_dropout: before the classifier.
    """

    model_type = FAMILY

    def __init__(
        self,
        rate: int = 16_000,
        margin: int = 8_000,
        head_dropout: float = 0.0,
        **others: object,
    ) -> None:
        super().__init__(**others)
        self.rate, self.margin, self.head_dropout = rate, margin, head_dropout

    def to_diff_dict(self) -> dict[str, object]:
        """Everything: a saved network must not hear otherwise when a default changes here."""
        values: dict[str, object] = self.to_dict()
        return values


class MelLevels(nn.Module):
    """Decibels in 32 bands of the mel scale over time, as the network was trained with; a sound's
    quiet places are cut 80 decibels below its own loudest one.
    """

    def __init__(self) -> None:
        super().__init__()
        bins = _POINTS // 2 + 1
        # which the weights bring; `own_networks.keep_tables` gives them to random ones
        self.register_buffer("waves", torch.zeros(2 * bins, 1, _POINTS))
        self.register_buffer("filters", torch.zeros(bins, BANDS))

    def forward(self, sounds: Tensor) -> Tensor:
        """(sounds, spectra, bands) of (sounds, samples); always in float32."""
        kind = sounds.device.type
        if torch.is_autocast_enabled(kind):  # the quiet parts of a spectrum need the digits
            with torch.autocast(kind, enabled=False):
                return self._levels(sounds.float())
        return self._levels(sounds)

    def _levels(self, sounds: Tensor) -> Tensor:
        waves, filters = self.get_buffer("waves"), self.get_buffer("filters")
        scaled = sounds.unsqueeze(1) * _FULL_SCALE
        real, imaginary = nn.functional.conv1d(scaled, waves, stride=_HOP).chunk(2, dim=1)
        power = (real.square() + imaginary.square()).transpose(1, 2)
        levels = 10 * torch.matmul(power, filters).clamp_min(_QUIETEST).log10()
        loudest = levels.amax((1, 2), keepdim=True)
        return torch.maximum(levels, loudest - _SPAN) / 10 + 2


class _Bent(nn.Module):
    """Leaky above a floor."""

    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.leaky_relu(values, _SLOPE).clamp_min(_LEAST)


class SpeechEmbedding(nn.Module):
    """The network itself: blocks of convolutions over pitch and time, by turns."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for width, count, pool in STAGES:
            layers: list[nn.Module] = []
            for number in range(count):
                first = channels == 1
                over_pitch = number % 2 == (1 if len(blocks) == 0 else 0)
                kernel = (3, 3) if first else (1, 3) if over_pitch else (3, 1)
                padding = (0, 1) if kernel[1] == 3 else (0, 0)
                layers += [nn.Conv2d(channels, width, kernel, padding=padding), _Bent()]
                channels = width
            blocks.append(nn.Sequential(*layers, nn.MaxPool2d(pool)))
        blocks.append(nn.Sequential(nn.Conv2d(channels, WIDTH, (3, 1), bias=False)))
        self.blocks = nn.ModuleList(blocks)

    def forward(self, levels: Tensor) -> Tensor:
        """(sounds, windows, 96) of (sounds, spectra, bands)."""
        values = levels.unsqueeze(1)
        for block in self.blocks:
            values = block(values)
        return values.squeeze(3).transpose(1, 2)


class SpeechEmbeddingForAudioClassification(PreTrainedModel):  # type: ignore[misc]
    """Spectrogram, network, mean and maximum over a sound's windows, and one Linear; input and
    output as in any classifier of transformers.
    """

    config_class = SpeechEmbeddingConfig
    config: SpeechEmbeddingConfig
    base_model_prefix = ""
    main_input_name = "input_values"

    def __init__(self, config: SpeechEmbeddingConfig) -> None:
        super().__init__(config)
        self.mel, self.network = MelLevels(), SpeechEmbedding()
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(2 * WIDTH, config.num_labels)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """As He et al. (2015) draw them for such activations."""
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=_SLOPE)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)

    def forward(
        self,
        input_values: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **_others: object,
    ) -> SequenceClassifierOutput:
        """Logits (sounds, classes) of (sounds, samples); the mask marks what is no padding."""
        margin = self.config.margin
        window = (_WINDOW - 1) * _HOP + _POINTS  # samples; a sound must fill one at least
        behind = margin + max(0, window - 2 * margin)
        padded = nn.functional.pad(input_values, (margin, behind))
        answers = self.network(self.mel(padded))
        inside = self._inside(input_values, attention_mask, answers)
        mean = (answers * inside).sum(1) / inside.sum(1)
        largest = answers.masked_fill(inside == 0, torch.finfo(answers.dtype).min).amax(1)
        logits = self.classifier(self.dropout(torch.cat([mean, largest], dim=1)))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _inside(self, sounds: Tensor, mask: Tensor | None, answers: Tensor) -> Tensor:
        """1 for each window that lies within a sound and its margins, or is its only one
        (sounds, windows, 1).
        """
        ends = torch.ones_like(sounds).sum(1) if mask is None else mask.to(sounds.dtype).sum(1)
        spectra = ((ends + 2 * self.config.margin - _POINTS) / _HOP).floor() + 1
        windows = (((spectra - _WINDOW) / _STEP).floor() + 1).clamp_min(1)
        places = torch.arange(answers.shape[1], device=sounds.device)
        return (places < windows.unsqueeze(1)).unsqueeze(2).to(answers.dtype)


AutoConfig.register(FAMILY, SpeechEmbeddingConfig, exist_ok=True)
AutoModelForAudioClassification.register(
    SpeechEmbeddingConfig, SpeechEmbeddingForAudioClassification, exist_ok=True
)
