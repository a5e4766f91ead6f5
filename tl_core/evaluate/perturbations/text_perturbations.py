"""Texts made worse, after those of CheckList (Ribeiro et al., ACL 2020)."""

from __future__ import annotations

from tl_core.evaluate.perturbations.item_perturbations import Perturbations, Random


def _typos(text: str, level: int, random: Random) -> str:
    """Neighbouring letters change places in some words."""
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and random.random() < (0.1, 0.25, 0.5)[level]:
            at = int(random.integers(1, len(word) - 2))
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _case(text: str, level: int, _random: Random) -> str:
    return (text.lower, text.title, text.upper)[level]()


def _punctuation(text: str, level: int, random: Random) -> str:
    """None at the end, none at all, or too much of it."""
    if level == 0:
        return text.rstrip(" .,!?;:") or text
    if level == 1:
        return "".join(sign for sign in text if sign.isalnum() or sign.isspace()).strip() or text
    return "".join(
        word + (str(random.choice(list("!?.,"))) * 2 if random.random() < 0.4 else "") + " "
        for word in text.split()
    ).strip()


def _truncated(text: str, level: int, _random: Random) -> str:
    words = text.split()
    return " ".join(words[: max(1, round((0.75, 0.5, 0.25)[level] * len(words)))])


def _dropped(text: str, level: int, random: Random) -> str:
    words = text.split()
    kept = [word for word in words if random.random() >= (0.1, 0.25, 0.5)[level]]
    return " ".join(kept or words[:1])


TEXT_PERTURBATIONS: Perturbations[str] = Perturbations(
    {
        "typos": _typos,
        "letter case": _case,
        "punctuation": _punctuation,
        "cut short": _truncated,
        "words missing": _dropped,
    }
)
