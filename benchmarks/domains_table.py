"""The part of docs/RESULTS.md about other domains."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from common import RESULTS

_WAYS = ("standardise", "coral", "subspace", "weights")
_ADAPTED = {
    "probe": "probe of the photos",
    "none": "plain fine-tuning of the photos",
    "adabn": "adaptive batch normalisation",
    "deep_coral": "DeepCORAL",
    "dann": "DANN",
    "mcc": "minimum class confusion",
}
_STATISTICS = {
    "frozen": "statistics of the pretraining",
    "apart": "of each domain",
    "joint": "of both in one batch",
}
_HELD_OUT = {
    "probe": "probe",
    "erm": "ordinary fine-tuning (ERM)",
    "coral": "CORAL",
    "mixstyle": "MixStyle",
    "groupdro": "GroupDRO",
    "swad": "SWAD",
}


def domains() -> list[str]:
    """Adapted probes of each pair, and domains never seen."""
    path = RESULTS / "domains.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    return [
        *_pairs(figures["pairs"]),
        *_reviews(),
        *_unseen(figures["unseen"]),
        *_networks(),
    ]


def _reviews() -> list[str]:
    """Every pair of the reviews by fine-tuned networks."""
    path = RESULTS / "review_networks.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    rows, missing = figures["rows"], figures["missing"]
    ways = ("deep_coral", "dann", "mcc")
    lines = [
        (
            "The reviews by networks: `starter:text` fine-tuned from a probe (LP-FT, 3 epochs, 64"
            " tokens) on the same draws, a fifth of the source's sentences choosing the state; what"
            " an addition gains on plain fine-tuning in points, and a network with labels of the"
            " half of the target that is read; means, with 95 % intervals where several seeds were"
            " measured."
            + (f" Not measured: {_named(missing, figures['cells'])}." if missing else "")
        ),
        "",
        f"| from, to | seeds | plain | {' | '.join(_ADAPTED[way] for way in ways)} | ceiling |",
        "|---" * (len(ways) + 4) + "|",
    ]
    for name, row in rows.items():
        if "none" not in row:
            continue
        gains = [_seeded(row[way], shown_points) if way in row else "" for way in ways]
        top = _seeded(row["ceiling"], shown_share) if "ceiling" in row else ""
        plain = _seeded(row["none"], shown_share)
        lines.append(f"| {name} | {row['none']['seeds']} | {plain} | {' | '.join(gains)} | {top} |")
    return [*lines, ""]


def _named(missing: list[str], cells: int) -> str:
    """The cells that are missing, `cells` of each seed; a seed of which all are, by its number."""
    by_seed: dict[str, list[str]] = {}
    for name in missing:
        by_seed.setdefault(name.rpartition("-")[2], []).append(name)
    return ", ".join(
        f"seed {seed}" if len(names) == cells else ", ".join(names)
        for seed, names in by_seed.items()
    )


def _seeded(one: dict[str, float], shown: Callable[[dict[str, float]], str]) -> str:
    """With its interval, which one seed has not."""
    return shown(one) if one["seeds"] > 1 else shown(one).partition(" (")[0]


def _networks() -> list[str]:
    """The same by fine-tuned networks."""
    path = RESULTS / "domain_networks.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    missing = figures["missing"]
    lines = [
        "## Other domains by fine-tuned networks (PACS)",
        "",
        (
            "`starter:image` at 96 pixels, fine-tuned from a probe (LP-FT), up to three seeds,"
            " mean and 95 % interval of Student's t over them; additions have the strength of their"
            " papers, states are chosen by validation items of the domains that are learnt from."
            " From photo to sketch as above: 80 in 100 photos are learnt from, half of the sketches"
            " are read without their classes, the other half judges; the probe reads at 96 pixels,"
            " too. Domains are held out with 8 epochs each."
            + (f" Not measured: {', '.join(missing)}." if missing else "")
        ),
        "",
        "| photo to sketch | right | over plain fine-tuning |",
        "|---|---|---|",
    ]
    for way, one in figures["adapted"].items():
        gain = shown_points(one["gain"]) if one["gain"] else ""
        lines.append(f"| {_ADAPTED[way]} | {shown_share(one['accuracy'])} | {gain} |")
    lines += _plain()
    unseen = figures["unseen"]
    if not unseen:
        return [*lines, ""]
    names = list(next(iter(unseen.values()))["domains"])
    lines += [
        "",
        f"| held out | {' | '.join(names)} | mean | worst | gain in the mean |",
        "|---" * (len(names) + 4) + "|",
    ]
    for method, one in unseen.items():
        cells = [*(one["domains"][name] for name in names), one["mean"], one["worst"]]
        gain = shown_points(one["gain"]) if one["gain"] else ""
        lines.append(f"| {_HELD_OUT[method]} | {' | '.join(map(shown_share, cells))} | {gain} |")
    lines += [
        "",
        "The gain of ordinary fine-tuning is over the probe, that of the others over it.",
    ]
    return [*lines, ""]


def _plain() -> list[str]:
    """The plainest loop beside them."""
    path = RESULTS / "plain_adapting.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    rows, missing = figures["rows"], figures["missing"]
    losses = dict.fromkeys(name.split(", ")[0] for name in rows)
    lines = [
        "",
        (
            "The same task in a plain PyTorch loop without this project (random classifier, 12"
            " epochs, draws of its own), up to three seeds, right in 100. Statistics of the batch"
            " normalisation are those of the pretraining, of each domain alone and in the end those"
            " of the sketches (what `adaptation` does), or of both in one batch."
            + (f" Not measured: {', '.join(missing)}." if missing else "")
        ),
        "",
        f"| plain loop | {' | '.join(_STATISTICS.values())} |",
        "|---" * (len(_STATISTICS) + 1) + "|",
    ]
    for loss in losses:
        cells = [rows.get(f"{loss}, {kind}") for kind in _STATISTICS]
        shown = [shown_share(one) if one else "" for one in cells]
        lines.append(
            f"| {_ADAPTED[loss] if loss != 'none' else 'classes alone'} | {' | '.join(shown)} |"
        )
    return lines


def _pairs(pairs: dict[str, Any]) -> list[str]:
    lines = [
        "## Another domain: labels from one place, items from another",
        "",
        (
            "Probes on kept features of the starters. 80 in 100 items of the source are learnt"
            " from, half of the target is read without its classes, the other half judges; mean"
            " over five seeds with the 95 % interval of Student's t over them. The ways stand as"
            " points gained on the probe of the source alone. *Ceiling* is a probe with labels of"
            " the target, half of it. *Distance* is the proxy A-distance (2: always told apart),"
            " *effective* how many source items the weighted ones are worth. Data: Sentiment"
            " Labelled Sentences (UCI, CC BY 4.0), PACS (research use)."
        ),
        "",
        "| from, to | distance | source only | standardise | CORAL | subspace | weights"
        " (effective) | ceiling |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in pairs.items():
        gains = {way: shown_points(one["gain"][way]) for way in _WAYS}
        gains["weights"] += f" ({one['effective']:,})"
        lines.append(
            f"| {name} | {one['distance']:.2f} | {shown_share(one['accuracy']['none'])} | "
            + " | ".join(gains[way] for way in _WAYS)
            + f" | {shown_share(one['ceiling'])} |"
        )
    lines += [
        "",
        "What a choice without labels of the target would have taken, and its accuracy:",
        "",
        "| from, to | by neighbourhood density | by entropy | best way, known afterwards |",
        "|---|---|---|---|",
    ]
    for name, one in pairs.items():
        best = max(one["accuracy"], key=lambda way: one["accuracy"][way]["mean"])
        cells = [
            f"{shown_share(one['chosen'][rule])}: {_often(one['taken'][rule])}"
            for rule in ("snd", "entropy")
        ]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {shown_share(one['accuracy'][best])}: {best} |"
        )
    return [*lines, ""]


def _often(taken: list[str]) -> str:
    """Which ways were taken, with how often."""
    names = sorted(set(taken), key=lambda name: (-taken.count(name), name))
    return ", ".join(f"{name} {taken.count(name)}" for name in names)


def _unseen(unseen: dict[str, Any]) -> list[str]:
    lines = [
        "## A domain never seen: each held out in turn",
        "",
        (
            "Probes on kept features of the starters; a seed draws 80 in 100 items of each domain."
            " *ERM* is the ordinary probe of all other domains, *CORAL* gives these the same mean"
            " and covariance first. Penalties are chosen by cross-validation over the items of the"
            " other domains (training-domain validation); nothing of the held-out domain is read."
        ),
        "",
        "| data | held out | ERM | CORAL | a probe of its own |",
        "|---|---|---|---|---|",
    ]
    for name, one in unseen.items():
        for domain, scores in one["domains"].items():
            cells = (scores["erm"], scores["coral"], scores["inside"])
            lines.append(f"| {name} | {domain} | {' | '.join(map(shown_share, cells))} |")
        for row in ("mean", "worst"):
            cells = (one[row]["erm"], one[row]["coral"])
            lines.append(f"| {name} | **{row}** | {' | '.join(map(shown_share, cells))} |  |")
    return [*lines, ""]


def shown_share(score: dict[str, float]) -> str:
    """Of a share in per cent, which two seeds may leave quite open."""
    inside = {end: min(max(score[end], 0.0), 100.0) for end in ("low", "high")}
    return _with_ends({**score, **inside}, ".1f")


def shown_points(score: dict[str, float]) -> str:
    """Of points over another way."""
    return _with_ends(score, "+.1f")


def _with_ends(score: dict[str, float], form: str) -> str:
    """A mean over seeds with its interval; where all happen to be alike there is none to be had
    from them.
    """
    if score["seeds"] == 1:
        ends = "one seed"
    elif score["low"] == score["high"]:
        ends = f"the same with each of {score['seeds']:.0f} seeds"
    else:
        ends = f"{score['low']:{form}} to {score['high']:{form}}"
    return f"{score['mean']:{form}} ({ends})"
