"""README and docs/: short, complete, no link into nowhere, no figure that was not measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pages.shell.navigation import PLACES, STUDIO
from tl_core.config import SETTINGS
from tl_core.data.limits import Limits, limits_table
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)")


def test_the_readme_is_short():
    assert len(README.read_bytes()) <= 12_000


def test_every_variable_has_its_default_and_meaning():
    """`TL_TEST_WRITE_DOCS=1` writes the table anew."""
    path = DOCS / "reference/configuration.md"
    text, lines = path.read_text(), []
    for spec in Settings.__dataclass_fields__.values():
        about = spec.metadata
        lines.append(f"| `{about['env']}` | {spec.default or '-'} | {about['help']} |")
    table = "|---|---|---|\n" + "\n".join(lines) + "\n\n"
    start = text.index("|---|---|---|")
    wanted = text[:start] + table + text[text.index("\n\n", start) + 2 :]
    if os.environ.get("TL_TEST_WRITE_DOCS"):
        path.write_text(wanted)
    assert path.read_text() == wanted


def test_every_recipe_is_in_the_guide():
    text = (DOCS / "guide/training.md").read_text()
    assert [recipe for recipe in SETTINGS if f"`{recipe}`" not in text] == []


def test_every_limit_is_told():
    text = (DOCS / "reference/limits.md").read_text()
    for row in limits_table(Limits()):
        assert f"| {row['what']} | {row['limit']} |" in text, row["what"]


def test_every_page_is_in_the_readme():
    text = README.read_text()
    for place in (*PLACES, STUDIO):
        for tab in place.tabs:
            assert f"**{tab.title}**" in text, tab.title


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_leads_into_nowhere(page):
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


def test_the_site_has_every_page_and_builds(tmp_path):
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    listed = {page for part in site["nav"] for page in _pages(part)}
    assert listed == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    build = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert build.returncode == 0, build.stderr[-2000:]
    start = (tmp_path / "site/index.html").read_text()
    asked_elsewhere = re.findall(r'<(?:script|link)[^>]+(?:src|href)="(https?:[^"]+)"', start)
    assert asked_elsewhere == []


def _pages(part):
    """The files that a part of the navigation names."""
    if isinstance(part, str):
        return [part]
    inside = part if isinstance(part, list) else part.values()
    return [page for one in inside for page in _pages(one)]


@pytest.fixture(scope="module")
def results():
    folder = ROOT / "benchmarks/results"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_measured_claims_are_those_of_the_benchmarks(page, results):
    text = page.read_text()
    for name, path in re.findall(r"<!-- (\w+)((?: \| [^|>]+)+) -->", text):
        value = results[name]
        for key in path.split(" | ")[1:]:
            value = value[key.strip()]
        shown = f"{value} <!-- {name}{path} -->"
        assert shown in text, f"{page.name} does not show {value} for {name}{path}"


@pytest.mark.parametrize("name", ["probe_speed", "starter_gain", "page_speed", "finetune_speed"])
def test_what_was_measured_is_told(name):
    assert len(re.findall(f"<!-- {name}", (DOCS / "SPEED.md").read_text())) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_that_are_named_by_their_path_are_there(page):
    roots = (ROOT, ROOT / "tl_core", ROOT / "tl_core/data", ROOT / "pages", ROOT / "tests")
    for name in re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", page.read_text()):
        assert any((root / name).is_file() for root in roots), name
