"""No module of the engine imports, even by way of others, a module that imports it."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path, modules):
    """Modules that a file imports anywhere: at its top, in functions, for types alone."""
    own = module_of(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                target = name if name in modules else node.module
                if target in modules and target != own:
                    yield target


def circle(graph):
    """One circle of imports, as a list of modules; none for a tree without any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_circle_of_imports():
    paths = {module_of(path): path for path in (ROOT / "tl_core").rglob("*.py")}
    graph = {name: set(imports_of(path, paths)) for name, path in paths.items()}
    assert len(graph) > 200 and sum(map(len, graph.values())) > 500
    assert not circle(graph), " imports ".join(reversed(circle(graph)))


@pytest.mark.parametrize(
    "graph, expected",
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, False),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, True),
    ],
)
def test_a_circle_is_seen(graph, expected):
    assert bool(circle(graph)) == expected
