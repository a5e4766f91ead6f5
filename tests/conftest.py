"""Shared fixtures: a home of its own for each test, tiny backbones, and the real data where it lies
beside us.
"""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
if os.environ.get("PYTEST_XDIST_WORKER"):  # one of several processes, each with a core of its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tl_core.log import quiet_libraries

quiet_libraries()

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("TL_TEST_SHARED", ROOT.parent / "shared"))
# In CI a skip is a hole: only these reasons are accepted.
ACCEPTED_SKIPS = (
    "needs a GPU",
    "needs a Docker engine",
    "needs the shared data folder",
    "needs a kernel",
    "needs Ray",
    "needs sshd and rsync",
    "needs the extra few-bits",
)


def pytest_itemcollected(item):
    """What shares something that is long to make goes to one process; what a browser shows beside
    trainings may come late once, is tried again, and is named at the end.
    """
    if item.path.parent.name == "browser":
        item.add_marker(pytest.mark.flaky(reruns=1))
        item.add_marker(pytest.mark.timeout(1200))  # of both tries
    if group := _group(item):
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_modifyitems(items):
    """The longest groups begin."""
    items.sort(
        key=lambda item: _FIRST.index(_group(item)) if _group(item) in _FIRST else len(_FIRST)
    )


def pytest_collection_finish():
    """Each run of a page ends with a collection of garbage; what was imported is none."""
    gc.freeze()


_FIRST = ("browser one", "browser two", "exported")
_TRAINING = ("test_backbones", "test_finetune", "test_labels")  # half of the browser's time
_PATIENCE = 5  # niceness, as that of the studio's workers


def _group(item):
    """The group of a test: one of two browsers with a studio each, the exported runs, the database,
    or what its module makes once.
    """
    if item.path.parent.name == "browser":
        return "browser one" if item.path.stem in _TRAINING else "browser two"
    if "exported" in item.fixturenames:
        return "exported"
    if item.path.parent.name == "registry":
        return "registry"
    shared = (found.scope for one in item._fixtureinfo.name2fixturedefs.values() for found in one)
    return str(item.path) if "module" in shared else ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    """What one process shows in a browser goes before what the others compute."""
    if (
        os.environ.get("PYTEST_XDIST_WORKER")
        and not _group(item).startswith("browser")
        and not os.nice(0)
    ):
        os.nice(_PATIENCE)


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """Where starters are unpacked, once for all tests and all processes that run them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "starters"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def first_database(tmp_path_factory):
    """A database as the first start leaves it: to bring an empty one to the newest schema takes
    longer than most tests.
    """
    from tl_core.database.engine import open_database
    from tl_core.settings import Settings

    folder = tmp_path_factory.mktemp("first")
    open_database(Settings(home=str(folder))).dispose()
    return folder / "graft.db"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, unpacked, first_database):
    """State of this test alone, but for the starters."""
    for name in list(os.environ):
        if name.startswith("TL_") and not name.startswith("TL_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TL_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "starters").symlink_to(unpacked)
    shutil.copyfile(first_database, tmp_path / "home" / "graft.db")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shared():
    """The folder of real data and weights; tests that need it are skipped without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the shared data folder")
    return SHARED


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """`tiny(family)`: the folder of a small random backbone, made once for all tests."""
    from tests_support import tiny_backbones

    made = {}

    def make(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family)
            tiny_backbones.write(family, made[family])
        return made[family]

    return make


@pytest.fixture(scope="session")
def exported(tmp_path_factory, tiny):
    """Runs and bundles of every family, made once for all tests."""
    from tests_support.exported import Exported

    return Exported(tmp_path_factory.mktemp("exported"), tiny)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if os.environ.get("CI") != "true" or exitstatus or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    holes = [
        report
        for report in reporter.stats.get("skipped", [])
        if not any(reason in str(report.longrepr) for reason in ACCEPTED_SKIPS)
    ]
    if holes:
        for report in holes:
            reporter.write_line(f"skipped in CI: {report.nodeid} {report.longrepr}", red=True)
        session.exitstatus = 1
