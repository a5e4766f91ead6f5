"""A lower layer never imports a higher one; the page process stays light; docs and tree agree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tl_core.recipes import RECIPES

ROOT = Path(__file__).parents[2]
BASE = {
    "machine",
    "errors",
    "settings",
    "config",
    "log",
    "progress",
    "hub",
    "places",
    "json_files",
    "modalities",
    "tasks",
}
ALLOWED = {
    "data": BASE,
    "surgery": BASE,
    "backbones": BASE | {"surgery"},
    "evaluate": BASE | {"surgery"},  # whose facts a report holds
    "adapt": BASE | {"evaluate"},
    "spread": BASE | {"storage"},
    "train": BASE | {"data", "surgery", "backbones", "spread"},
    "select": BASE | {"data", "surgery", "backbones"},
    "labelling": BASE,
    "recipes": BASE
    | {"data", "surgery", "backbones", "train", "evaluate", "select", "test_score", "results"}
    | {"labelling", "adapt"},
    "database": {"errors", "settings", "places"},
    "access": {"errors", "settings", "database"},
    "artifacts": BASE | {"storage"},
    "registry": BASE | {"storage", "database", "access", "artifacts"},
    "web": BASE
    | {
        "database",
        "access",
        "registry",
        "evaluate",
        "results",
        "services",
        "data",
        "predict",
        "jobs",
    }
    | {"storage", "helper"},
    "test_score": {"evaluate"},
    "results": {"errors", "evaluate", "json_files"},
    "export": BASE | {"surgery", "backbones", "data", "evaluate", "predict", "results", "watch"},
    "watch": BASE | {"evaluate"},
    "predict": BASE | {"surgery", "backbones", "data", "storage", "watch", "spread"},
    "storage": BASE,
    "services": BASE
    | {"data", "surgery", "backbones", "registry", "storage", "database", "access"}
    | {"labelling", "select", "artifacts", "watch"},
    "helper": BASE
    | {
        "data",
        "surgery",
        "backbones",
        "train",
        "predict",
        "services",
        "registry",
        "storage",
        "database",
    },
    "jobs": (
        BASE
        | {
            "artifacts",
            "registry",
            "access",
            "database",
            "storage",
            "data",
            "surgery",
            "backbones",
            "train",
            "recipes",
            "predict",
            "services",
            "evaluate",
            "test_score",
            "results",
            "export",
            "watch",
        }
    ),
    "cli": (
        BASE
        | {
            "artifacts",
            "data",
            "surgery",
            "backbones",
            "registry",
            "database",
            "access",
            "storage",
            "services",
            "jobs",
            "predict",
            "recipes",
            "train",
            "select",
            "labelling",
            "evaluate",
            "test_score",
            "results",
            "export",
            "watch",
        }
    ),
    "config": {"errors", "places"},
    "errors": set(),
    "settings": {"errors", "executor_settings", "store_settings"},
    "executor_settings": set(),
    "store_settings": {"executor_settings"},
    "log": set(),
    "places": set(),
    "json_files": {"errors"},
    "progress": set(),
    "hub": set(),
    "machine": {"modalities"},
    "modalities": {"errors"},
    "tasks": {"errors", "json_files"},
    "__main__": {"cli"},
}
ONLY_WORKER = {"recipes"}


def modules():
    return sorted((ROOT / "tl_core").rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = (
            [node.module]
            if isinstance(node, ast.ImportFrom) and node.module
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
        yield from names


def layer_of(path):
    first = path.relative_to(ROOT / "tl_core").parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_layers(path):
    layer = layer_of(path)
    if layer == "__init__":
        return
    for name in imported(path):
        assert not name.startswith(("streamlit", "pages")), name
        if name.startswith("tl_core."):
            other = name.split(".")[1]
            assert other == layer or other in ALLOWED[layer], f"{layer} imports {other}"
            if layer == "jobs" and other in ONLY_WORKER:
                assert (
                    path.parent.name == "handlers" or path.name == "worker.py"
                )  # which imports them ahead of time


def test_no_print_below_the_command_line():
    for path in modules():
        if layer_of(path) != "cli":
            calls = [
                node
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            ]
            assert not calls, path


def test_the_app_never_imports_torch():
    """Every page is run in one process; afterwards none of the heavy libraries may be there."""
    code = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run()
for page in sys.argv[1:]:
    app.switch_page(page).run()
    assert not app.exception, (page, app.exception)
import pages.shell.launch
heavy = {"torch", "transformers", "peft", "evaluate", "sklearn", "timm", "datasets"}
heavy &= set(sys.modules)
assert not heavy, heavy
"""
    pages = [
        str(p.relative_to(ROOT))
        for p in (ROOT / "pages").glob("*/*.py")
        if p.parent.name not in ("shell", "widgets", "sections")
    ]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *pages],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr[-2000:]


def test_no_page_lies_directly_in_pages():
    assert [p.name for p in (ROOT / "pages").glob("*.py")] == ["__init__.py"]


def test_functions_stay_small():
    for folder in ("tl_core", "pages", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or 0) - node.lineno + 1
                    assert length <= 60, f"{path}: {node.name} has {length} lines"


def test_packages_stay_small():
    for folder in {path.parent for path in modules()}:
        files = [path for path in folder.iterdir() if path.suffix == ".py"]
        assert len(files) <= 15, folder


# Layers that hold one part of the same subject each: its settings and its recipe, its store, its
# service, its job and its commands. There a file bears the subject's name.
PARALLEL = {
    "access",
    "config",
    "recipes",
    "registry",
    "services",
    "jobs/handlers",
    "cli/commands",
} | {
    "cli/commands/items",
    "data",
}


def test_a_file_name_has_one_meaning():
    # base.py: what each of a package's kinds is.
    places: dict[str, set[str]] = {}
    for path in modules():
        if path.name not in (
            "__init__.py",
            "base.py",
        ):
            folder = path.parent.relative_to(ROOT / "tl_core").as_posix()
            places.setdefault(path.name, set()).add(folder)
    several = {name: found for name, found in places.items() if len(found) > 1}
    assert not {name: found for name, found in several.items() if not found <= PARALLEL}


def test_files_and_recipes_stay_small():
    for path in [
        *modules(),
        *(ROOT / "pages").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        ROOT / "app.py",
    ]:
        assert path.read_text().count("\n") <= 400, path
    for name in RECIPES:
        assert (ROOT / f"tl_core/recipes/{name}.py").read_text().count("\n") <= 220


def test_every_range_is_met_by_its_pin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if "==" in line and not line.startswith((" ", "#")):
                found = Requirement(line)
                if found.marker is None or found.marker.evaluate():
                    pins[found.name.lower().replace("_", "-")] = next(iter(found.specifier)).version
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    for text in wanted:
        asked = Requirement(text)
        if asked.name != "graft-studio":
            assert asked.specifier.contains(pins[asked.name.lower().replace("_", "-")]), text
    assert (pins["torch"], pins["torchvision"]) == ("2.12.1", "0.27.1")
    runtime = (ROOT / "requirements.txt").read_text()
    assert "nvidia-cudnn" in runtime
    assert "sys_platform == 'linux'" in runtime


def tracked():
    found = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files"], cwd=ROOT, capture_output=True, text=True
    )
    if found.returncode:
        pytest.fail("this test reads the list of files from git")
    return [ROOT / name for name in found.stdout.splitlines()]


def test_no_registry_address_and_no_machine_path_in_any_file():
    here = re.escape(str(ROOT.parent)) + r"/\w" if len(ROOT.parents) > 2 else r"/home/\w+/"
    pattern = re.compile(
        r"--(extra-)?index-url|--find"
        + rf"-links|https?://\S+/(simple|packages)/|/home/\w+/|{here}"
    )
    for path in tracked():
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ".json", ".sh", ""}
            and path.is_file()
            and path.name != Path(__file__).name
        ):
            found = pattern.search(path.read_text(errors="replace"))
            assert not found, f"{path}: {found.group()}"


def test_no_process_has_to_compile_its_libraries_first():
    docker, make = (ROOT / "Dockerfile").read_text(), (ROOT / "Makefile").read_text()
    assert "UV_COMPILE_BYTECODE=1" in docker.partition("RUN uv venv")[0]
    assert docker.index("compileall") < docker.index("USER 10001")
    installs = re.findall(r"\$\(UV\) install.*", make)
    assert installs and all("--compile-bytecode" in line for line in installs)
