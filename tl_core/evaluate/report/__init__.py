"""The report of a run: its types, its sections, its sentences, its file.

Light to import: neither torch nor pandas, so that pages and commands can read reports with it.
"""

from __future__ import annotations

from tl_core.evaluate.report.files import FILE, SCHEMA_VERSION, load_report, migrate, write_report
from tl_core.evaluate.report.headlines import (
    beside,
    caveat,
    closed_headline,
    compared_by,
    headline,
    rivals,
    taught_itself,
    whose_items,
)
from tl_core.evaluate.report.level_section import level_section
from tl_core.evaluate.report.schema import Baselines, RecipeFacts, Report
from tl_core.evaluate.report.sections import (
    Subject,
    baseline_score,
    build_report,
    data_facts,
    environment,
    evaluate_rows,
    ladder_section,
    search_section,
)

__all__ = [
    "FILE",
    "SCHEMA_VERSION",
    "Baselines",
    "RecipeFacts",
    "Report",
    "Subject",
    "baseline_score",
    "beside",
    "build_report",
    "caveat",
    "closed_headline",
    "data_facts",
    "environment",
    "evaluate_rows",
    "headline",
    "ladder_section",
    "level_section",
    "load_report",
    "migrate",
    "compared_by",
    "rivals",
    "search_section",
    "taught_itself",
    "write_report",
    "whose_items",
]
