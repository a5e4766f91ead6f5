"""Checks of single items: pictures that show little, texts that say little, too much, or what is
private.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.item_findings import MOST, finding, some
from tl_core.data.checks.text_facts import CARD, EMAIL, PHONE, SCRIPTS
from tl_core.data.checks.text_faults import CONTROL, ENTITY, HIDDEN, LOST, MOJIBAKE
from tl_core.data.checks.view import RowFinding, View
from tl_core.data.dataset_version import Finding

_TINY_SIDE = 32  # pixels; backbones look at 224
_LONG_RATIO = 4.0
_BLANK, _DARK, _GLARING = 2.0, 25.0, 235.0  # spread and mean of grey, 0 to 255
# sharpness; of 396 sharp photos none is below 0.03, blurred by 4 of 224 pixels 19 of 20 are
_BLURRED = 0.015
_FEW_CHARS = 3
_LONG_WORDS = 380  # about 512 word pieces, the most that common encoders read
_STARTER_WORDS = 190  # about 256
_OTHER_SCRIPT = 0.02


def picture_findings(view: View) -> list[Finding]:
    """Pictures of one colour, too dark or bright, blurred, or of an odd size."""
    facts = view.rows.facts
    short, long = (
        np.minimum(facts["width"], facts["height"]),
        np.maximum(facts["width"], facts["height"]),
    )
    blank = facts["contrast"] < _BLANK
    return [
        *finding(
            "blank",
            "warning",
            some(view, blank),
            "pictures are of one colour: they show nothing.",
            "Look at them; a lens cap or a failed export looks like this.",
            "Leave them out",
        ),
        *finding(
            "dark",
            "info",
            some(view, (facts["light"] < _DARK) & ~blank),
            "pictures are nearly black.",
            "Keep them if such pictures will also come later.",
            "Leave them out",
        ),
        *finding(
            "glaring",
            "info",
            some(view, (facts["light"] > _GLARING) & ~blank),
            "pictures are nearly white.",
            "Keep them if such pictures will also come later.",
            "Leave them out",
        ),
        *finding(
            "blurred",
            "info",
            some(view, (facts["sharpness"] < _BLURRED) & ~blank),
            "pictures look blurred.",
            "Keep them if such pictures will also come later.",
            "Leave them out",
        ),
        *finding(
            "tiny",
            "info",
            some(view, short < _TINY_SIDE),
            f"pictures are smaller than {_TINY_SIDE} pixels.",
            "Backbones look at about 224 pixels; larger originals would help.",
        ),
        *finding(
            "odd_ratio",
            "info",
            some(view, long > _LONG_RATIO * short),
            "pictures are over four times as long as they are wide.",
            "Most backbones look at a square from the middle; cut such pictures to what matters.",
        ),
        *_sizes(view, short),
    ]


def _sizes(view: View, short: NDArray[np.int32]) -> list[Finding]:
    """Sizes outside three interquartile ranges, the rule of cleanvision's odd_size."""
    if not view.looked.any():
        return []
    low, high = np.percentile(short[view.looked], (25, 75))
    margin = 3 * (high - low)
    odd = (
        some(view, (short < low - margin) | (short > high + margin))
        if margin
        else short[:0].astype(np.int64)
    )
    return finding(
        "odd_size",
        "info",
        odd,
        "pictures are far smaller or larger than the others.",
        "A mixture of sources can give the class away by size alone.",
    )


def text_findings(view: View) -> list[Finding]:
    """Texts too short or long, with faults, in other signs than the rest, or private."""
    facts = view.rows.facts
    words, private = facts["words"], facts["private"]
    findings = [
        *finding(
            "short_texts",
            "info",
            some(view, facts["chars"] < _FEW_CHARS),
            "texts have only one or two characters.",
            "There is nothing in them to learn from.",
            "Leave them out",
        ),
        *finding(
            "long_texts",
            "info",
            some(view, words > _LONG_WORDS),
            f"texts have over {_LONG_WORDS} words. Common backbones read about the first 512"
            " tokens; the rest is truncated.",
            "Fine if the beginning tells the class; else choose a backbone that reads more.",
        ),
    ]
    cut = view.looked & (words > _STARTER_WORDS)
    if cut.sum() and not (words[view.looked] > _LONG_WORDS).mean() > MOST:
        findings.append(
            Finding(
                "truncation",
                "info",
                f"{100 * cut.sum() / view.looked.sum():.1f} % of the texts have over"
                f" {_STARTER_WORDS} words: the default maximum length of 256 tokens truncates"
                " them.",
                int(cut.sum()),
                "Raise the maximum length on the Design page when the end of your texts matters.",
            )
        )
    return _faults(view) + findings + _scripts(view) + _private(private, view)


def _faults(view: View) -> list[Finding]:
    """Texts that were decoded wrongly or hold what nobody wrote; versions from before these were
    looked for have none.

    However many there are, they are faults.
    """
    if "faults" not in view.rows.facts:
        return []
    marks = view.rows.facts["faults"]

    def rows(mark: int) -> NDArray[np.int64]:
        return np.flatnonzero((marks & mark > 0) & view.looked)

    same = "A model trained on the repaired texts also repairs the texts that it predicts."
    return [
        *finding(
            "mojibake",
            "warning",
            rows(MOJIBAKE),
            "texts were decoded with the wrong encoding: a letter such as é appears as Ã©.",
            same,
            "Repair them",
            "repair",
        ),
        *finding(
            "replacement",
            "warning",
            rows(LOST),
            "texts have characters that were lost in decoding (�).",
            "They cannot be restored. Bring the original file, or name its encoding at the import.",
        ),
        *finding(
            "entities",
            "info",
            rows(ENTITY),
            "texts hold HTML entities, such as &amp; for a plain &.",
            same,
            "Repair them",
            "repair",
        ),
        *finding(
            "hidden_signs",
            "info",
            rows(HIDDEN | CONTROL),
            "texts hold invisible characters: of zero width, or control characters.",
            same,
            "Repair them",
            "repair",
        ),
    ]


def _scripts(view: View) -> list[Finding]:
    scripts = view.rows.facts["script"][view.looked]
    known = np.bincount(scripts[scripts >= 0], minlength=len(SCRIPTS))
    if not known.sum():
        return []
    main = int(known.argmax())
    family = {"Han", "Hiragana", "Katakana"}  # one Japanese text may be mostly any of them
    kin = [
        place
        for place, name in enumerate(SCRIPTS)
        if place == main or {name, SCRIPTS[main]} <= family
    ]
    findings: list[Finding] = []
    if SCRIPTS[main] != "Latin":
        findings.append(
            Finding(
                "script",
                "warning",
                f"Most texts are written in {SCRIPTS[main]} script. A backbone for English"
                " understands next to nothing of them.",
                int(known[main]),
                "Choose a multilingual backbone, or one of that language; offline, the recipe"
                " 'baseline' works on the characters of any script.",
            )
        )
    scripts_all = view.rows.facts["script"]
    rows = some(view, (scripts_all >= 0) & ~np.isin(scripts_all, kin))
    if len(rows) > _OTHER_SCRIPT * view.looked.sum():
        names = ", ".join(sorted({SCRIPTS[place] for place in scripts_all[rows]}))
        findings += finding(
            "mixed_scripts",
            "warning",
            rows,
            f"texts are written in another script than the rest ({names}).",
            "Choose a multilingual backbone, or leave them out.",
            "Leave them out",
        )
    return findings


def _private(private: NDArray[np.int8], view: View) -> list[Finding]:
    names = [(EMAIL, "e-mail addresses"), (PHONE, "phone numbers"), (CARD, "payment card numbers")]
    kinds = [
        f"{int((private[view.looked] & mark > 0).sum()):,} with {name}"
        for mark, name in names
        if (private[view.looked] & mark > 0).any()
    ]
    rows = np.flatnonzero((private > 0) & view.looked)
    if not len(rows):
        return []
    return [
        RowFinding(
            "private",
            "warning",
            f"{len(rows):,} texts seem to hold personal data: {', '.join(kinds)}.",
            len(rows),
            "Found by patterns, so some may be wrong. Nothing leaves this server, but examples"
            " are shown on "
            "its pages; mask such data in the source if others may look.",
            rows=rows,
        )
    ]
