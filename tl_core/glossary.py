"""The terms that pages, reports and documentation use, each with its plain reading: one source for
help texts, the glossary in the studio, and docs/reference/glossary.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Term(NamedTuple):
    """A term, its plain reading, a formula or how to read it, and other names for it."""

    name: str
    plain: str
    reading: str = ""
    also: tuple[str, ...] = ()


GLOSSARY: dict[str, tuple[Term, ...]] = {
    "Scores": (
        Term(
            "Accuracy",
            "Of 100 new items, how many get the right class.",
            "right answers / all answers. Where one class is frequent, also look at balanced"
            " accuracy.",
        ),
        Term(
            "Balanced accuracy",
            "Accuracy with every class counting the same, however many items it has.",
            "The mean of the recall of all classes.",
        ),
        Term(
            "Precision",
            "When the model says this class, how often that is right.",
            "right answers of a class / all answers of that class.",
        ),
        Term(
            "Recall",
            "Of all items of this class, how many the model finds.",
            "found items of a class / all items of that class.",
            ("sensitivity",),
        ),
        Term(
            "F1",
            "Precision and recall of a class in one number; it is low as soon as one of them is.",
            "2 * precision * recall / (precision + recall).",
        ),
        Term(
            "Macro F1",
            "The mean of F1 over the classes, so that rare classes count as much as frequent ones.",
        ),
        Term(
            "Matthews correlation",
            "How well answers and true classes go together, with chance taken out.",
            "1 is perfect, 0 is no better than chance, below 0 is worse.",
            ("MCC",),
        ),
        Term(
            "Log loss",
            "How far the stated probabilities are from the truth; being sure and wrong costs most.",
            "The mean of -log(probability of the true class). Lower is better; 0 is perfect.",
            ("cross-entropy", "loss"),
        ),
        Term(
            "Brier score",
            "How far the stated probabilities are from the truth, squared.",
            "The mean of the squared differences. Lower is better; 0 is perfect.",
            ("Brier",),
        ),
        Term(
            "Confusion matrix",
            "A table that says which class was taken for which.",
            "Rows are the true classes, columns the answers; the diagonal is right.",
        ),
        Term(
            "ROC curve and AUC",
            "How well a class is told from the others, whatever threshold one picks.",
            "AUC is the chance that an item of the class is ranked above one that is not; 50 % is"
            " guessing.",
            ("ROC", "AUC", "ROC AUC"),
        ),
        Term(
            "Average precision",
            "How precise the answers for a class are on average, the surest ones first.",
            "The area under the precision-recall curve. 1 is perfect; guessing reaches the share"
            " of the class.",
        ),
        Term(
            "Calibration error",
            "How far 'I am 80 % sure' is from being right 80 times in 100.",
            "ECE: the mean distance between confidence and accuracy. Read it beside what a"
            " perfectly"
            " calibrated model of the same size would show.",
            ("ECE", "calibration"),
        ),
        Term(
            "Confidence",
            "The probability that the model gives to its own answer; how sure it says it is.",
            "Whether it deserves belief is what calibration says.",
            ("probability",),
        ),
    ),
    "Judging honestly": (
        Term(
            "Confidence interval",
            "The range in which the score lies plausibly, because only so many items were judged.",
            "95 in 100 such ranges hold the true value. More test items make it narrower.",
            ("interval",),
        ),
        Term(
            "Training items",
            "What the model learns from. Its score on these says little, as it has seen the"
            " answers.",
            "",
            ("train",),
        ),
        Term(
            "Validation",
            "Items set aside to choose with: settings, the moment to stop, the best of several"
            " models.",
            "What was chosen by them looks a little better on them than it is.",
            ("validation items",),
        ),
        Term(
            "Test score",
            "The score on items that took no part in learning or choosing; the honest one.",
            "Look once, at the end. It can be kept closed until then.",
            ("test items", "test"),
        ),
        Term(
            "Baseline without transfer",
            "What a simple model reaches without any pretrained network, from word counts or"
            " colours.",
            "If the network is not clearly above it, transfer has bought little.",
            ("baseline", "no transfer"),
        ),
        Term(
            "Overfitting",
            "Learning the training items by heart instead of what they have in common.",
            "Training loss still falls while validation loss rises.",
        ),
        Term(
            "Chance",
            "Whether a difference could come from which items happened to be in the test.",
            "Two models are compared on the same items (McNemar); a large p-value means: that can"
            " easily be chance.",
            ("significance", "p-value", "paired test"),
        ),
        Term(
            "Cross-validation",
            "Each part of the data is held out once while the rest is learnt from.",
            "Steadier than one validation part, at several times the cost.",
            ("folds",),
        ),
        Term(
            "Seed",
            "The start of all chance. The same seed gives the same result; others show how much is"
            " luck.",
        ),
        Term(
            "Learning curve",
            "The score for more and more training items; it says whether more labels would help.",
        ),
        Term(
            "Slice",
            "A part of the data, such as dark photos or long texts, whose score is looked at by"
            " itself.",
            "A good average can hide a weak slice.",
            ("slices",),
        ),
        Term(
            "Robustness",
            "How much of the score is left when items are made worse: noise, blur, typos.",
        ),
    ),
    "How it learns": (
        Term(
            "Transfer learning",
            "Using what a network has learnt from millions of other items, so that a few hundred of"
            " your own are enough.",
        ),
        Term(
            "Backbone",
            "The pretrained network that a training starts from; it turns an item into features.",
            "",
            ("pretrained network",),
        ),
        Term(
            "Features",
            "The numbers that the backbone makes of an item; similar items get similar numbers.",
            "",
            ("embedding",),
        ),
        Term(
            "Head",
            "The last layer, which turns features into a probability for each of your classes.",
            "",
            ("classifier",),
        ),
        Term(
            "Probe",
            "The backbone stays as it is, and only a linear classifier on its features is fitted.",
            "Seconds instead of minutes, and often close to the best with few labels.",
            ("linear probe",),
        ),
        Term(
            "Fine-tuning",
            "The backbone's own weights move as well. More can be reached, and more can go wrong.",
        ),
        Term(
            "LP-FT",
            "First the classifier alone, then everything: the backbone is not pulled about by a"
            " classifier that knows nothing yet.",
            "Linear probing, then fine-tuning.",
        ),
        Term(
            "Gradual unfreezing",
            "Layers begin to learn one after the other, from the output towards the input.",
        ),
        Term(
            "Frozen layers",
            "Layers that keep their pretrained weights while the others learn.",
            "",
            ("freezing",),
        ),
        Term(
            "LoRA",
            "Small additional weights learn beside the frozen ones and are merged in at the end.",
            "Far fewer numbers move, so it needs less memory. The rank says how many.",
        ),
        Term(
            "Learning rate",
            "How far the weights move with each step. Too high forgets, too low does not arrive.",
        ),
        Term(
            "Layer-wise learning rate decay",
            "Layers near the input move less than those near the output, as they hold what is"
            " general.",
            "rate of a layer = rate * decay ^ (depth from the output).",
            ("discriminative learning rates",),
        ),
        Term("Epoch", "One pass over all training items."),
        Term("Batch size", "How many items one step looks at together."),
        Term(
            "Augmentation",
            "Showing each item a little changed each time (cropped, mirrored), so that the model"
            " learns"
            " what matters.",
        ),
        Term(
            "Class weights",
            "Mistakes on rare classes cost more while learning, so that they are not ignored.",
            "Recall of rare classes rises, precision may fall.",
        ),
        Term(
            "Weight decay",
            "A pull towards small weights; it keeps the model simple.",
            "",
            ("regularisation",),
        ),
        Term(
            "Early stopping",
            "Training ends when the validation score has not improved for some epochs; the best"
            " state"
            " is kept.",
            "",
            ("patience",),
        ),
        Term(
            "Ensemble",
            "Several models answer together; the mean of their probabilities is often better"
            " than each"
            " alone.",
        ),
    ),
    "Data": (
        Term(
            "Near-duplicates",
            "Items that are almost the same, such as two photos of one moment.",
            "In training and test at once they make the score look better than it is.",
            ("duplicates",),
        ),
        Term(
            "Leak",
            "Something in the test that the model has seen in training, or that gives the class"
            " away.",
            "The score is then too good to be true.",
            ("leakage",),
        ),
        Term(
            "Shortcut",
            "Something that goes with a class by accident, such as the size of the photos of a"
            " class.",
            "The model learns it instead of the class, and fails elsewhere.",
        ),
        Term(
            "Label noise",
            "Items with the wrong class. They cap the score that can be reached, and mislead"
            " learning.",
            "",
            ("wrong labels",),
        ),
        Term(
            "Split",
            "How the items are shared out to training, validation and test.",
            "What belongs together (a customer, a video) must stay on one side.",
        ),
        Term(
            "Preparation",
            "What was done to an item before the model saw it: columns joined, texts repaired."
            " It is"
            " done to new items, too.",
        ),
    ),
    "Using the model": (
        Term(
            "Threshold",
            "How sure the model must be to answer by itself; below it, a person decides.",
            "A higher one makes fewer mistakes and leaves more to people.",
            ("abstain", "abstaining"),
        ),
        Term("Coverage", "The share of items that the model answers by itself at a threshold."),
        Term(
            "Conformal sets",
            "Instead of one class, a short list that holds the right one as often as promised.",
            "At 90 %, the true class is in the list 90 times in 100; unsure items get longer"
            " lists.",
            ("conformal prediction", "prediction set"),
        ),
        Term(
            "Explanation",
            "Which words or parts of a picture speak for an answer.",
            "Two methods that agree are better than one; the deletion test says whether to trust"
            " them.",
            ("relevance", "saliency"),
        ),
        Term(
            "Bundle",
            "A folder with the model and everything that it takes to use it elsewhere, verified.",
        ),
        Term("ONNX", "A file format for models that many programs can run without PyTorch."),
        Term(
            "8 bits",
            "Weights kept as small whole numbers: a quarter of the size, at a little loss of"
            " accuracy.",
            "",
            ("int8", "quantisation"),
        ),
    ),
}
TERMS = tuple(term for terms in GLOSSARY.values() for term in terms)


def find(name: str) -> Term | None:
    """The term of that name, or with that other name, in any case."""
    wanted = name.casefold()
    return next((term for term in TERMS if wanted in _names(term)), None)


def search(words: str) -> Sequence[Term]:
    """Terms that hold all of the words, those that hold them in their names first."""
    parts = words.casefold().split()
    named = [term for term in TERMS if all(part in " ".join(_names(term)) for part in parts)]
    told = [
        term
        for term in TERMS
        if term not in named
        and all(
            part in f"{' '.join(_names(term))} {term.plain} {term.reading}".casefold()
            for part in parts
        )
    ]
    return [*named, *told]


def _names(term: Term) -> list[str]:
    return [term.name.casefold(), *(name.casefold() for name in term.also)]


def as_markdown() -> str:
    """The whole glossary as a page of the documentation."""
    lines = [
        "# Glossary",
        "",
        "The terms that pages and reports use. The studio shows the same words as help beside its"
        " controls, and as a list to search in the menu with your name.",
    ]
    for group, terms in GLOSSARY.items():
        lines += ["", f"## {group}", "", "| term | in plain words | formula, or how to read it |"]
        lines.append("|---|---|---|")
        for term in sorted(terms, key=_by_name):
            also = f" ({', '.join(term.also)})" if term.also else ""
            lines.append(f"| **{term.name}**{also} | {term.plain} | {term.reading or '-'} |")
    return "\n".join(lines) + "\n"


def _by_name(term: Term) -> str:
    return term.name.casefold()
