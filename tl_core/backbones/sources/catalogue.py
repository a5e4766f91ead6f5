"""Hand-picked backbones of the Hub, with what is known of each from its card; unknown is left
empty, never guessed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tl_core.backbones.sources.licences import allows_commercial_use

_FILE = Path(__file__).with_name("catalogue.csv")
# of a float32 weight while it is tuned with Adam: itself, its gradient, two moments
_STATE_BYTES = 16


@dataclass(frozen=True)
class Card:
    """One backbone: megabytes are 10^6 bytes, `input` is a picture's side in pixels or most tokens,
    `languages` codes separated by blanks, or `many`. Numbers are 0 and words empty where no source
    was found.
    """

    reference: str
    modality: str
    family: str
    parameters_m: float
    download_mb: float
    input: int
    languages: str
    licence: str
    gated: str
    pretraining: str
    good_at: str
    source: str

    @property
    def name(self) -> str:
        return self.reference.removeprefix("hub:")

    @property
    def commercial(self) -> bool:
        """Whether the licence of the weights allows commercial use."""
        return allows_commercial_use(self.licence)

    @property
    def tuning_gb(self) -> float:
        """Least memory for tuning all of it, in 10^9 bytes: weights, gradients and optimiser; the
        examples come on top.
        """
        return self.parameters_m * _STATE_BYTES / 1000

    def reads(self, language: str) -> bool:
        """Whether texts in this language (`en`, `zh`, or `other`) are what it was made for."""
        return language in self.languages.split() or self.languages == "many"

    def is_offline(self) -> bool:
        """Whether its files lie in the Hub's cache on this machine."""
        from huggingface_hub.constants import HF_HUB_CACHE

        folder = Path(HF_HUB_CACHE) / f"models--{self.name.replace('/', '--')}"
        return any(folder.glob("snapshots/*/*.safetensors"))


@lru_cache(maxsize=1)
def read_catalogue() -> tuple[Card, ...]:
    """All cards, in the order of the file."""
    with _FILE.open(newline="", encoding="utf-8") as handle:
        return tuple(_card(row) for row in csv.DictReader(handle))


def _card(row: dict[str, str]) -> Card:
    return Card(
        reference=row["reference"],
        modality=row["modality"],
        family=row["family"],
        parameters_m=float(row["parameters_m"] or 0),
        download_mb=float(row["download_mb"] or 0),
        input=int(row["input"] or 0),
        languages=row["languages"],
        licence=row["licence"],
        gated=row["gated"],
        pretraining=row["pretraining"],
        good_at=row["good_at"],
        source=row["source"],
    )


def choose(
    modality: str,
    *,
    language: str = "",
    most_mb: float = 0,
    commercial: bool = False,
    fits_gb: float = 0,
    offline: bool = False,
) -> list[Card]:
    """Cards that meet every wish; an empty or zero wish is none. A card whose size is unknown meets
    no wish about it.

    Args:
        modality: image or text.
        language: `en`, `zh` or `other`, of the texts.
        most_mb: largest download in 10^6 bytes.
        commercial: only licences that allow commercial use.
        fits_gb: memory in 10^9 bytes that tuning all of it must not exceed.
        offline: only those whose files are on this machine.
    """
    return [
        card
        for card in read_catalogue()
        if card.modality == modality
        and (not language or card.reads(language))
        and (not most_mb or 0 < card.download_mb <= most_mb)
        and (not commercial or card.commercial)
        and (not fits_gb or 0 < card.tuning_gb <= fits_gb)
        and (not offline or card.is_offline())
    ]
