"""The lines that say to people what the dataset object of the contract says to programs."""

from __future__ import annotations

from collections.abc import Iterator

from tl_core.data.dataset_version import FindingFacts
from tl_core.data.sources.plan import plan_lines
from tl_core.data.versions.store import VersionInfo
from tl_core.modalities import items_of
from tl_core.registry.datasets import DatasetRecord

_FEW = 20  # classes that people still read as a list


def dataset_lines(record: DatasetRecord, info: VersionInfo) -> list[str]:
    """Size, splits, classes, the plan of the import and the findings."""
    size = f"{info.rows:,} {items_of(info.modality)} in {len(info.classes)} classes"
    return [
        f"{record.reference}: {size}",
        "  splits: " + ", ".join(f"{name} {count:,}" for name, count in info.splits.items()),
        "  classes: "
        + (
            ", ".join(f"{name} {info.classes.get(name, 0):,}" for name in info.offered[:_FEW])
            or "none"
        ),
        *_class_splits(info),
        *plan_lines(info.plan),
        *map(finding_line, info.findings),
    ]


def _class_splits(info: VersionInfo) -> Iterator[str]:
    """Rows of each class by split, where there are few enough classes to read them."""
    if len(info.class_splits) <= _FEW:
        for name, counts in info.class_splits.items():
            yield f"    {name}: " + ", ".join(
                f"{split} {count:,}" for split, count in counts.items() if count
            )


def finding_line(finding: FindingFacts) -> str:
    """A finding in one line, with the ids of its fixes."""
    line = f"  [{finding['severity']}] {finding['id']}: {finding['text']} {finding['fix']}".rstrip()
    fixes = " or ".join(action["id"] for action in finding["actions"])
    return f"{line} (fix: {fixes})" if fixes else line
