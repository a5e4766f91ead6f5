"""The part of docs/RESULTS.md about recordings."""

from __future__ import annotations

import json
from typing import Any

from common import RESULTS


def _read(name: str) -> Any:  # noqa: ANN401
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def recordings() -> list[str]:
    """Spoken digits by speaker, and sounds that are no speech."""
    return [*_spoken_digits(), *_made_sounds()]


def _spoken_digits() -> list[str]:
    figures = _read("spoken_digits")
    if not figures:
        return []
    speakers = figures["speakers"]
    lines = [
        "## Spoken digits by people who were never heard",
        "",
        (
            f"{figures['clips']:,} recordings of the Free Spoken Digit Dataset (CC BY-SA 4.0), 20"
            f" takes of each digit by {len(speakers)} speakers. Each speaker is the test once; of"
            " the others one chooses settings and epochs and three are learnt from. Right in 100,"
            " mean over speakers with the 95 % interval of Student's t over them, and each"
            " speaker. The last column is what a split by takes would have claimed, which has"
            " every speaker on both sides: for the model without transfer it promises far too"
            " much. Fine-tuned against MFCC on the same recordings: p ="
            f" {figures['p_best_against_mfcc']:.1g} (McNemar). Three epochs with the program's"
            " own settings; with random weights the network has not begun to learn by then."
        ),
        "",
        f"| way | mean | 95 % interval | {' | '.join(speakers)} | by takes |",
        "|---" * (len(speakers) + 4) + "|",
    ]
    for name, one in figures["ways"].items():
        claimed = one.get("claimed_by_takes")
        lines.append(
            f"| {name} | {100 * one['accuracy']:.1f} | {100 * one['low']:.1f} to"
            f" {100 * one['high']:.1f} | "
            + " | ".join(f"{100 * one['by_speaker'][speaker]:.1f}" for speaker in speakers)
            + f" | {f'{100 * claimed:.1f}' if claimed else ''} |"
        )
    return [*lines, ""]


def _made_sounds() -> list[str]:
    figures = _read("made_sounds")
    if not figures:
        return []
    lines = [
        "## Sounds that are no speech",
        "",
        (
            f"{figures['kinds']} kinds of computed sounds (tones that stand, slide, warble and"
            " beat, hums, clicks, bursts, hiss, rumble) behind noise that is nearly as loud; 12 of"
            f" each are learnt from, {figures['test_items']} are the test. Right in 100, mean of"
            f" {len(next(iter(figures['ways'].values()))['draws'])} draws. So `starter:speech` is"
            " recommended where people speak, `starter:audio` everywhere else."
        ),
        "",
        "| way | mean | draws |",
        "|---|---|---|",
    ]
    for name, one in figures["ways"].items():
        draws = ", ".join(f"{100 * value:.1f}" for value in one["draws"])
        lines.append(f"| {name} | {100 * one['accuracy']:.1f} | {draws} |")
    return [*lines, ""]
