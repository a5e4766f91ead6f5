"""Opening pages with AppTest from the entry point, and reading all their words."""

from __future__ import annotations

import signal
from functools import cache
from pathlib import Path

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, app_test

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[2]
# What is installed and what the scripts of pages say stays as it is while tests run. Each AppTest
# looks through the former, and each of its runs compiles the latter: longer than a page takes.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
app_test.ScriptCache = cache(app_test.ScriptCache)


def opened(page="", **parameters):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    return app.switch_page(page).run() if page else app


def everything(app):
    kinds = ("markdown", "title", "subheader", "caption", "info", "error", "warning", "success")
    said = [
        str(element.value) for kind in kinds for element in app.get(kind)
    ]  # an error is not looked at by this
    return " ".join([*said, *(bar.proto.text for bar in app.get("progress"))])


def runs():
    settings = read_settings()
    return RunStore(open_database(settings), "local", settings.home_path)


def carried_out(config):
    """The run of `config`, done in this process."""
    run = runs().create(config)
    RunWriter(open_database(read_settings())).claim_next(RUN_KINDS[config.kind].lane)
    carry_out(run.folder, read_settings())
    return runs().get(run.id)


def press(app, start):
    next(button for button in app.button if button.label.startswith(start)).click().run()
    assert not app.exception
    return everything(app)


class Studio:
    """Stores of a home, and runs carried out in this process."""

    def __init__(self, backbone):
        self.settings, self.backbone = read_settings(), backbone
        self.engine = open_database(self.settings)
        self.datasets = DatasetStore(self.engine, "local", self.settings.home_path)
        self.runs = RunStore(self.engine, "local", self.settings.home_path)

    def do(self, record, kind="train", recipe="probe", sealed=False, **options):
        run = self.runs.create(
            RunConfig(
                kind,
                "local",
                record.reference,
                str(record.folder),
                "" if recipe == "baseline" else self.backbone,
                recipe,
                options,
                sealed,
            )
        )
        return self.finish(run, "train" if kind == "train" else "light")

    def finish(self, run, lane):
        RunWriter(self.engine).claim_next(lane)
        handler = signal.getsignal(signal.SIGTERM)
        assert carry_out(run.folder, self.settings) == 0, self.runs.get(run.id).reason
        signal.signal(signal.SIGTERM, handler)
        return run


def stand_in(monkeypatch, double):
    """Let `double` answer what pages ask of the helper process."""
    from pages.shell import services

    def compute():
        return double

    compute.clear = lambda: None
    monkeypatch.setattr(services, "compute", compute)
    return double
