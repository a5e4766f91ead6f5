"""Which backbone to begin with and why, and one that is faster and one that may be stronger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pages.shell.words import interval, size
from tl_core.backbones.describe import BackboneCard
from tl_core.backbones.sources.catalogue import Card, choose
from tl_core.results import RankedBackbones

Role = Literal["recommended", "faster", "stronger"]
_MULTILINGUAL, _SPEECH = "starter:multilingual", "starter:speech"
_FASTER, _LARGER = 1.5, 2.0  # how many times as fast or as large is worth a card
_WEIGHTS = re.compile(r"([\d.]+) million weights")
_REASONS = {
    "starter:text": "Your texts read as English, which it was trained on.",
    _MULTILINGUAL: "Most of your texts are not English; it knows about 100 languages.",
    "starter:image": "It has seen over a million photos of 1,000 kinds of things.",
    "starter:audio": "It serves sounds of every kind.",
    _SPEECH: "People speak in your recordings, and it was trained on spoken words.",
}
# what is no faster choice beside a recommended one, since it was made for something else
_MADE_FOR_OTHERS = {
    _MULTILINGUAL: ("starter:text", "static:starter:text"),
    "starter:audio": (_SPEECH,),
}


class Pick(NamedTuple):
    """A backbone with the part that it plays and the reason for it."""

    role: Role
    reference: str
    name: str
    reason: str
    facts: str
    problem: str = ""
    depth: int = 0
    knows: Sequence[str] = ()


def picks(
    first: str,
    at_hand: Sequence[BackboneCard],
    speeds: Mapping[str, float],
    ranked: RankedBackbones | None,
    modality: str,
) -> list[Pick]:
    """The recommended backbone first, then a faster and a stronger one where there are such.

    Args:
        first: the starter for these data.
        at_hand: cards of what is on this server.
        speeds: items a second that backbones read here, where they were measured.
        ranked: what a ranking on these data has found.
        modality: of the data.
    """
    cards = {card["reference"]: card for card in at_hand}
    if ranked:
        return list(_by_ranking(ranked, cards))
    found = (
        [_of_card("recommended", cards[first], _REASONS.get(first, ""))] if first in cards else []
    )
    faster = _faster(first, at_hand, speeds)
    if faster:
        found.append(faster)
    language = "" if modality != "text" else "other" if first == _MULTILINGUAL else "en"
    catalogue = choose(modality, language=language)
    if language == "en":  # those for a hundred languages read it as well, but were made for more
        catalogue = [card for card in catalogue if language in card.languages.split()]
    stronger = _stronger(weights_of(cards.get(first)), catalogue)
    return [*found, stronger] if stronger else found


def weights_of(card: BackboneCard | None) -> float:
    """Millions of weights, as its card says; 0 where it does not."""
    said = _WEIGHTS.search(card["size"]) if card else None
    return float(said.group(1)) if said else 0.0


def _by_ranking(ranked: RankedBackbones, cards: Mapping[str, BackboneCard]) -> Iterator[Pick]:
    """From a ranking: the one it recommends, the fastest, and the most accurate."""
    rows = ranked["ranking"]
    best = next(
        row
        for row in rows
        if (row["backbone"], row["depth"]) == (ranked["recommended"], ranked["recommended_depth"])
    )

    def pick(role: Role, row: Mapping[str, object], reason: str) -> Pick:
        card = cards.get(str(row["backbone"]))
        return Pick(
            role,
            str(row["backbone"]),
            str(row["name"]),
            reason,
            f"{card['size']} · licence: {card['licence']}" if card else "",
            card["problem"] if card else "",
            int(str(row["depth"])),
            card["knows"] if card else (),
        )

    def told(index: int) -> str:
        row = rows[index]
        return f"right {100 * row['probe']['value']:.0f} times in 100 ({interval(row['probe'])})"

    place = rows.index(best)
    yield pick(
        "recommended", best, f"First choice of your ranking: {told(place)} on your own items."
    )
    fastest = max(range(len(rows)), key=lambda index: rows[index]["items_per_second"])
    times = rows[fastest]["items_per_second"] / best["items_per_second"]
    if times >= _FASTER:
        yield pick("faster", rows[fastest], f"{times:.1f} times as fast here, {told(fastest)}.")
    strongest = max(range(len(rows)), key=lambda index: rows[index]["probe"]["value"])
    if strongest not in (place, fastest if times >= _FASTER else place):
        yield pick(
            "stronger", rows[strongest], f"The most accurate of your ranking: {told(strongest)}."
        )


def _of_card(role: Role, card: BackboneCard, reason: str) -> Pick:
    facts = f"{card['size']} · licence: {card['licence']}"
    text = f"{reason} {card['text']}".strip()
    return Pick(
        role, card["reference"], card["name"], text, facts, card["problem"], knows=card["knows"]
    )


def _faster(
    first: str, at_hand: Sequence[BackboneCard], speeds: Mapping[str, float]
) -> Pick | None:
    """One that was measured to be faster, else one with far fewer weights; on this server."""
    others = [
        card
        for card in at_hand
        if card["reference"] != first
        and not card["problem"]
        and card["reference"] not in _MADE_FOR_OTHERS.get(first, ())
    ]
    measured = [card for card in others if card["reference"] in speeds]
    if first in speeds and measured:
        quickest = max(measured, key=lambda card: speeds[card["reference"]])
        times = speeds[quickest["reference"]] / speeds[first]
        if times >= _FASTER:
            return _of_card("faster", quickest, f"{times:.1f} times as fast on this machine.")
    smaller = [
        card
        for card in others
        if 0 < weights_of(card) <= weights_of(_card(first, at_hand)) / _FASTER
    ]
    if not smaller:
        return None
    smallest = min(smaller, key=weights_of)
    return _of_card("faster", smallest, "Fewer weights, so it reads faster.")


def _stronger(weights: float, catalogue: Sequence[Card]) -> Pick | None:
    """The first of the hand-picked ones that is much larger and free for commercial use."""
    larger = (
        card
        for card in catalogue
        if weights and card.parameters_m >= _LARGER * weights and card.commercial
    )
    card = next(larger, None)
    if card is None:
        return None
    download = f"{size(1e6 * card.download_mb)} to download · " if card.download_mb else ""
    here = "already here · " if card.is_offline() else download
    return Pick(
        "stronger",
        card.reference,
        card.name,
        f"{card.parameters_m / weights:.0f} times as many weights: often better, and slower."
        f" {card.good_at}",
        f"{here}{card.parameters_m:g} million weights · licence: {card.licence}",
    )


def _card(reference: str, at_hand: Sequence[BackboneCard]) -> BackboneCard | None:
    return next((card for card in at_hand if card["reference"] == reference), None)
