"""What the acting person may do with a project or a run, and the words for what they may not.

The stores decide; this asks them beforehand, so that a page offers nothing that would be refused,
and guards the few files that pages write themselves.
"""

from __future__ import annotations

from dataclasses import replace

from pages.shell import others, services
from tl_core.access.policy import LOOK, NONE, OWN, WORK, Policy
from tl_core.access.principal import VIEWER
from tl_core.config import RunConfig
from tl_core.errors import AccessError
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

__all__ = ["LOOK", "OWN", "WORK", "against", "against_making", "anew", "require", "whose", "within"]

Thing = DatasetRecord | Run | str
"""A dataset version, a run, or the reference of a dataset: then its project is meant."""


def against(level: int, thing: Thing) -> str:
    """Why the acting person may not do what needs `level` with a thing; empty where they may."""
    if not others.exist():
        return ""
    if level > LOOK and (role := against_making()):
        return role
    if _may(level, thing):
        return ""
    if isinstance(thing, str) and _level(thing) == NONE:
        return "It was shared with you without its data."
    owner = whose(thing) or "somebody else"
    if level == OWN and _may(WORK, thing):
        return f"It belongs to {owner}, who alone may do this."
    return f"It belongs to {owner}, who shares it with you to look at, not to work on."


def against_making() -> str:
    """Why the acting person may not make anything of their own here; empty where they may."""
    if not others.exist() or services.principal().role != VIEWER:
        return ""
    return "Your role here is viewer: you can look at what others share, but change nothing."


def require(level: int, thing: Thing) -> None:
    """Refuse what the acting person may not do; for what pages themselves write.

    Raises:
        AccessError: says why.
    """
    if why := against(level, thing):
        raise AccessError("You may not change this.", why, "Ask its owner to share it for more.")


def whose(thing: Thing) -> str:
    """The name of the person whose project it is; empty where it is one's own."""
    project = _project(thing)
    owner = project.partition("/")[0]
    return "" if owner == services.user() else others.name_of(owner)


def anew(run: Run) -> RunConfig:
    """The config of a run, by whomever it was made, as the acting person would start it again."""
    return replace(RunConfig.read(run.folder), owner=services.user(), dataset=run.dataset)


def within(dataset: str, reference: str) -> str:
    """A version of the project of `dataset` that somebody else may have called otherwise: what is
    `tickets@1` to Ana is `ana/tickets@1` to Ben.
    """
    return f"{dataset.partition('@')[0]}@{reference.partition('@')[2]}"


def _may(level: int, thing: Thing) -> bool:
    if isinstance(thing, Run):
        return services.runs().may(thing, level)
    return _level(thing) >= level


def _level(thing: DatasetRecord | str) -> int:
    return _policy().project_level(_project(thing))


def _project(thing: Thing) -> str:
    if isinstance(thing, DatasetRecord):
        return thing.project
    return _policy().project_of(thing.dataset if isinstance(thing, Run) else thing)


def _policy() -> Policy:
    return Policy(services.database(), services.principal())
