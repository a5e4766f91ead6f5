"""docs/TREE.md is the tree in the modules' own first sentences.

`TL_TEST_WRITE_DOCS=1 python -m pytest tests/project/test_tree_doc.py` writes the file anew.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("pages", "tl_core")
_COLUMN = 34  # where the sentences begin


def sentence(path: Path) -> str:
    """The first sentence of a module's docstring, without its full stop."""
    if not path.exists():
        return ""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split()).partition(". ")[0].removesuffix(".")


def lines(folder: Path, depth: int = 0) -> list[str]:
    """A folder, its modules and its packages, each with its sentence."""
    found = [_line(f"{folder.name}/", folder / "__init__.py", depth)]
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            found.append(_line(path.name, path, depth + 1))
    for inner in sorted({path.parent for path in folder.glob("*/*.py")}):
        found += lines(inner, depth + 1)
    return found


def _line(name: str, path: Path, depth: int) -> str:
    return f"{'  ' * depth + name:{_COLUMN}}{sentence(path)}".rstrip()


def render() -> str:
    text = [
        "# The tree",
        "",
        "Every module in its own words. What lies above what: [ARCHITECTURE.md](ARCHITECTURE.md).",
        "",
        "```tree",
        _line("app.py", ROOT / "app.py", 0),
        *(line for name in FOLDERS for line in lines(ROOT / name)),
        "```",
        "",
    ]
    return "\n".join(text)


def test_the_tree_is_that_of_the_modules():
    path = ROOT / "docs/TREE.md"
    if os.environ.get("TL_TEST_WRITE_DOCS"):
        path.write_text(render())
    assert path.read_text() == render()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_says_what_it_is(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        assert sentence(path), f"{path} has no sentence"
