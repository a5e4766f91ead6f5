"""Terms of data that come from several places."""

from __future__ import annotations

from tl_core.glossary.term import Term

DOMAINS: tuple[Term, ...] = (
    Term(
        "Domain",
        "Where an item comes from, where that changes how it looks or reads: a shop, a camera, a"
        " year.",
        "",
        ("source domain", "target domain"),
    ),
    Term(
        "Domain adaptation",
        "Learning from the labels of one domain (the source) for another whose items are there, but"
        " without labels (the target).",
        "In full: unsupervised domain adaptation.",
        ("transfer to another domain", "uda"),
    ),
    Term(
        "Domain generalisation",
        "Learning from several domains for one that has never been seen. Judged by holding out each"
        " domain in turn.",
        "Mean and worst accuracy over the domains held out; leave-one-domain-out.",
        ("leave-one-domain-out",),
    ),
    Term(
        "Proxy A-distance",
        "How far two domains are apart: how well a classifier tells their items apart.",
        "2 (1 - 2 error): 0 when it does no better than chance, 2 when it is never wrong.",
    ),
    Term(
        "CORAL",
        "Correlation alignment: the features of one domain are given the mean and the correlations"
        " of another.",
        "x C(source)^-1/2 C(target)^1/2.",
        ("correlation alignment",),
    ),
    Term(
        "Subspace alignment",
        "Both domains are described by their own main directions, and those of the source are"
        " turned towards those of the target.",
    ),
    Term(
        "Density-ratio weighting",
        "Items of the source count as much as they look like the target.",
        "Odds of a domain classifier; few effective items warn that the domains hardly overlap.",
        ("importance weighting",),
    ),
    Term(
        "Soft neighbourhood density",
        "A score for a model on items without labels: alike items should get alike answers. It may"
        " be wrong, and prefers a model that always says the same.",
        "Mean entropy of the similarities of each answer to the others; higher is better.",
        ("SND",),
    ),
)
