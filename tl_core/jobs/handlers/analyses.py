"""Questions about data and models that take longer than a click."""

from __future__ import annotations

from tl_core.config.specs import IndexSpec, NeighboursSpec, RobustnessSpec
from tl_core.jobs.context import Outcome, RunContext


def preflight(run: RunContext) -> Outcome:
    """Measure a few steps of a training."""
    from tl_core.recipes.analyses.estimate import measure

    estimate = measure(
        run.config, run.version, run.folder, run.cache, run.events, target=run.target
    )
    return Outcome(f"About {estimate['minutes']:.1f} minutes", dict(estimate))


def suspect(run: RunContext) -> Outcome:
    """Look for wrong labels."""
    from tl_core.recipes.analyses.label_errors import look

    issues = look(run.config, run.version, run.folder, run.cache, run.events)
    return Outcome(issues["sentence"], {"suspects": issues["count"], "share": issues["share"]})


def explore(run: RunContext) -> Outcome:
    """Learning curve and map of the data."""
    from tl_core.recipes.analyses.exploration import explore

    view = explore(run.config, run.version, run.folder, run.cache, run.events)
    return Outcome(view["advice"], {"points": len(view["points"])})


def curve(run: RunContext) -> Outcome:
    """Train on more and more of the rows."""
    from tl_core.recipes.analyses.training_curve import follow

    curve = follow(run.config, run.version, run.folder, run.cache, run.events, target=run.target)
    return Outcome(curve["advice"], {"points": len(curve["points"])})


def stress(run: RunContext) -> Outcome:
    """Try a trained model on worse items."""
    from tl_core.recipes.analyses.robustness import stress

    spec = RobustnessSpec.from_dict(run.config.options)
    result = stress(run.folder_of(spec.run) / "model", run.version, run.folder, run.events)
    return Outcome(result["sentence"], {"run": spec.run})


def trace(run: RunContext) -> Outcome:
    """Find what each item is like to a trained model."""
    from tl_core.recipes.analyses.neighbours import trace

    spec = NeighboursSpec.from_dict(run.config.options)
    model = run.folder_of(spec.run) / "model"
    rows = trace(spec.max_length, model, run.version, run.folder, run.cache, run.events)
    return Outcome(
        f"{rows:,} items and what they are like",
        {"run": spec.run, "rows": rows},
    )


def index(run: RunContext) -> Outcome:
    """Read every item with a backbone, so that similar ones are found at once."""
    from tl_core.train.similar.item_search import open_search

    spec = IndexSpec.from_dict(run.config.options)
    run.events.stage("Opening the backbone", share=0.05)
    search = open_search(run.config.backbone, run.version, run.cache, run.settings)
    rows = sum(len(some) for some, _ in search.read(run.events, spec.processes))
    return Outcome(f"{rows:,} items can be searched", {"rows": rows})


def rank(run: RunContext) -> Outcome:
    """Rank several backbones on a sample."""
    from tl_core.recipes.analyses.backbone_ranking import rank

    ranking = rank(run.config, run.version, run.folder, run.cache, run.events)
    return Outcome(
        ranking["sentence"],
        {"recommended": ranking["recommended"], "backbones": len(ranking["ranking"])},
    )


def domains(run: RunContext) -> Outcome:
    """Say how far the domains of a dataset are apart, and hold out each in turn."""
    from tl_core.recipes.analyses.domain_comparison import compare_domains

    found = compare_domains(run.config, run.version, run.folder, run.cache, run.events)
    return Outcome(found["sentence"], {"domains": len(found["domains"])})


def hold_out(run: RunContext) -> Outcome:
    """Hold out each domain in turn, and ask networks of the others about it."""
    from tl_core.recipes.analyses.held_out_networks import hold_out_by_networks

    found = hold_out_by_networks(run.config, run.version, run.folder, run.cache, run.events)
    return Outcome(found["sentence"], {"methods": len(found["methods"])})
