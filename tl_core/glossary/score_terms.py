"""Terms of scores, and of judging honestly."""

from __future__ import annotations

from tl_core.glossary.term import Term

SCORES: tuple[Term, ...] = (
    Term(
        "Accuracy",
        "Of 100 new items, how many get the right class.",
        "right answers / all answers. Where one class is frequent, also look at balanced accuracy.",
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
        "Class levels",
        "Class names that are paths, such as animal/dog, have levels: an answer can be wrong and"
        " still right one level up.",
        "An answer is right at a level when its ancestor there is that of the true class.",
        ("hierarchical classes",),
    ),
    Term(
        "Exact match",
        "Of 100 items that may have several labels, how many get exactly theirs: none missed, none"
        " added.",
        "scikit-learn calls it accuracy (subset accuracy). It falls with the number of labels.",
        ("subset accuracy",),
    ),
    Term(
        "Micro F1",
        "F1 of all labels of all items together, so that frequent labels count most.",
        "2 * hits / (2 * hits + added + missed), over all labels.",
    ),
    Term(
        "Weighted F1",
        "The mean of F1 over the classes, each counting by its number of items.",
    ),
    Term(
        "F1 of an item",
        "How well the labels of one item are met, as a mean over items.",
        "2 * right labels / (labels it has + labels it is given); 1 where both are none.",
        ("samples F1", "item f1"),
    ),
    Term(
        "Average precision",
        "How far up the items of a class stand when all are sorted by its probability; needs no"
        " threshold.",
        "The area under the precision-recall curve. 1 is perfect; guessing reaches the share of the"
        " class.",
        ("AP",),
    ),
    Term(
        "Mean average precision",
        "The mean of average precision over the classes.",
        "",
        ("mAP",),
    ),
    Term(
        "Hamming loss",
        "Of all single answers, yes or no for each label of each item, the share that is wrong.",
        "0 is perfect. With many rare labels it is low for a model that names none.",
    ),
    Term(
        "Labels right",
        "Of 100 labels that the model names, how many are right.",
        "The precision of all labels together.",
        ("micro precision",),
    ),
    Term(
        "Co-occurrence",
        "Which labels come together, and which are named in the place of others; with several"
        " labels an item it takes the place of a confusion matrix.",
        "Counts of items by two labels.",
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
)

JUDGING: tuple[Term, ...] = (
    Term(
        "Confidence interval",
        "The range in which the score lies plausibly, because only so many items were judged.",
        "95 in 100 such ranges hold the true value. More test items make it narrower.",
        ("interval",),
    ),
    Term(
        "Training items",
        "What the model learns from. Its score on these says little, as it has seen the answers.",
        "",
        ("train",),
    ),
    Term(
        "Validation",
        "Items set aside to choose with: settings, the moment to stop, the best of several models.",
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
        "What a simple model reaches without any pretrained network, from word counts or colours.",
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
        "Two models are compared on the same items (McNemar); a p-value from 0.05 on means that it"
        " may be chance, from 0.15 on that it can easily be.",
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
        "Honest score",
        "The score on items that were drawn at random, each judged by a model that had not seen"
        " it.",
        "Items that were chosen because they are hard, or typical, say nothing about the rest.",
        ("honest estimate",),
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
)
