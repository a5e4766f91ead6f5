"""The sentences of a report, and what the items and the baselines in them are called."""

from __future__ import annotations

from tl_core.config.domains import UNLABELLED
from tl_core.evaluate.measures import Score, ScoredRows
from tl_core.evaluate.report.schema import Baselines, DomainFacts, Report
from tl_core.modalities import MODALITIES, items_of

_FEW = 10  # items below which a score is hardly more than an anecdote


def compared_by(section: ScoredRows) -> tuple[str, Score]:
    """What a run is compared with others by, in words and numbers: accuracy, or micro F1 where an
    item may have several labels.
    """
    if "micro_f1" in section:
        return "micro F1", section["micro_f1"]
    return "accuracy", section["accuracy"]


def rivals(report: Report) -> dict[str, Score]:
    """Accuracy of each baseline of a report, micro F1 where an item may have several labels; on the
    test items or, while these are withheld, on the validation items.
    """
    return _scores_on("test" if report["test"] else "validation", report["baselines"])


def _scores_on(split: str, baselines: Baselines) -> dict[str, Score]:
    return {
        name: scores[split].get("micro_f1", scores[split]["accuracy"])
        for name, scores in baselines.items()
        if split in scores
    }


def _labels_without_transfer(split: str, baselines: Baselines, where: str = "") -> str:
    """The strongest baseline in a sentence, where an item may have several labels; `where` says on
    which items, if on others than the score.
    """
    found = {
        name: scores[split]["micro_f1"]["value"]
        for name, scores in baselines.items()
        if "micro_f1" in scores.get(split, {})
    }
    if not found:
        return ""
    best = max(found, key=lambda name: found[name])
    way = "Always naming the commonest labels" if best == "majority" else "Without transfer"
    return f" {way}{where}: micro F1 {found[best]:.2f}."


def _about_labels(section: ScoredRows, noun: str) -> str:
    """What the labels are worth, where an item may have several."""
    precise, found = section.get("micro_precision"), section.get("micro_recall")
    f1 = section.get("micro_f1")
    if not precise or not found or not f1:
        return ""
    return (
        f"Of 100 labels that it names {round(100 * precise['value'])} are right, and it finds"
        f" {round(100 * found['value'])} of 100 (micro F1 {f1['value']:.2f}; between"
        f" {f1['low']:.2f} and {f1['high']:.2f} is plausible). All labels of an item are right"
        f" {round(100 * section['accuracy']['value'])} times in 100 on {noun}"
    )


def _without_transfer(split: str, baselines: Baselines, where: str = "") -> str:
    """The strongest baseline in a sentence; the commonest class alone is no training without
    transfer. `where` says on which items, if on others than the score.
    """
    accuracies = _scores_on(split, baselines)
    if not accuracies:
        return ""
    best = max(accuracies, key=lambda name: accuracies[name]["value"])
    way = "Always predicting the commonest class" if best == "majority" else "Without transfer"
    return f" {way}{where}: {round(100 * accuracies[best]['value'])}."


def caveat(section: ScoredRows, modality: str, split: str = "test") -> str:
    """What to add to a score that stands on few items of `split` or on one class, else ""."""
    noun = items_of(modality)
    count, added = section.get("n", _FEW), ""
    if count < _FEW:
        one = MODALITIES[modality].item if modality in MODALITIES else "item"
        items = one if count == 1 else noun
        added = f" Careful: only {count} {split} {items}, so this score is very uncertain."
    judged = [row["label"] for row in section.get("per_class", []) if row["support"]]
    if len(judged) == 1:
        added += f" All {split} {noun} are of one class, {judged[0]!r}, so this says little."
    return added


def _in_100(score: Score) -> tuple[int, int, int]:
    """Value and ends of a share, times 100."""
    return round(100 * score["value"]), round(100 * score["low"]), round(100 * score["high"])


def closed_headline(section: ScoredRows, modality: str, baselines: Baselines) -> str:
    """The result in plain words while the test score is withheld."""
    right, low, high = _in_100(section["accuracy"])
    doubts, noun = caveat(section, modality, "validation"), items_of(modality)
    crossed = section.get("kind") == "cv"  # over all items; the baselines know the validation alone
    judged = f"{noun} in a cross-validation" if crossed else f"validation {noun}"
    where = f" on the validation {noun} alone" if crossed else ""
    if labels := _about_labels(section, judged):
        rival = _labels_without_transfer("validation", baselines, where)
        return f"{labels}.{doubts}{rival} The test score is still closed."
    return (
        f"Right {right} times in 100 on {judged}; between {low} and {high} is plausible.{doubts}"
        f"{_without_transfer('validation', baselines, where)} The test score is still closed."
    )


def headline(section: ScoredRows, modality: str, baselines: Baselines, *, is_baseline: bool) -> str:
    """The result in plain words, with what is plausible and what there would be without
    transfer.
    """
    right, low, high = _in_100(section["accuracy"])
    if labels := _about_labels(section, f"{items_of(modality)} it had not seen"):
        sentence = f"{labels}.{caveat(section, modality)}"
        if is_baseline:
            return sentence + " This is the no-transfer baseline."
        return sentence + _labels_without_transfer("test", baselines)
    sentence = (
        f"Right {right} times in 100 on {items_of(modality)} it had not seen; between {low} and"
        f" {high} is plausible.{caveat(section, modality)}"
    )
    if is_baseline:
        return sentence + " This is the no-transfer baseline."
    return sentence + _without_transfer("test", baselines)


def whose_items(domains: DomainFacts | None, *, closed: bool) -> str:
    """Whose items the score in a headline is about, where a model is meant for another domain.

    Args:
        domains: of the report, where it has such a section.
        closed: whether the score is that of validation items.
    """
    if domains is None or "tested_on" not in domains:
        return ""
    target = domains["target"]
    if target == UNLABELLED:
        target = "the items without a class"
    if domains["tested_on"] == "source":
        return f" That is about the source, not about {target}."
    if closed:
        return f" That is about the source; the test items are those of {target}."
    return f" That is about {target}."


def beside(report: Report) -> list[str]:
    """The model against other ways in a sentence each, on the test items where they are open, else
    on the validation items.
    """
    split = "test" if report.get("beside") else "validation"
    others = report.get("beside") or report.get("beside_validation", {})
    sentences = []
    for name, one in others.items():
        gap = one["against"]["difference"]
        sentences.append(
            f"{one['against']['sentence']} Accuracy on the {split} {items_of(report['modality'])}:"
            f" {100 * gap['value']:+.1f} points against {name}"
            f" ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f} is plausible)."
        )
    return sentences


def taught_itself(report: Report) -> list[str]:
    """How many answers a self-training has learnt from, in a sentence; nothing for another way."""
    facts = report.get("self_training")
    if not facts:
        return []
    noun, counts = items_of(report["modality"]), facts["pseudo_labels"].values()
    if not facts["kept_round"]:
        return [
            f"None of its own answers about {facts['rows']:,} {noun} without a class counts: no"
            " round was better on the held-out items, so this is the plain probe."
        ]
    return [
        f"Of {facts['rows']:,} {noun} without a class it has learnt from its own answers about"
        f" {sum(counts):,} (pseudo-labels)."
    ]
