"""A dataset version while it is being made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.preparation import Preparation
from tl_core.data.sources.plan import Plan, PlanFacts, SampleRow
from tl_core.data.versions.rows import RowFacts


@dataclass
class Draft:
    """Everything about a version before it is closed."""

    rows: RowFacts
    splits: NDArray[np.str_]
    groups: NDArray[np.int64]
    options: ImportOptions
    inputs: str
    extras: str
    source: str
    columns: dict[str, str]
    skipped: list[dict[str, str]]
    empty: int = 0
    damaged: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    skipped_before: int = 0
    parent: str = ""
    change: str = ""
    settled: list[str] = field(default_factory=list)
    folds: NDArray[np.int64] | None = None  # the plan to keep; made anew where there is none
    plan: Plan = field(default_factory=Plan)
    sample: list[SampleRow] = field(default_factory=list)  # as the model will see them
    preparation: Preparation = field(default_factory=Preparation)
    keys: list[str] = field(default_factory=list)  # classes as Labelling had them in order
    kept_plan: PlanFacts = field(default_factory=PlanFacts)  # of the version this one is made from
