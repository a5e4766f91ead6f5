"""Opening pages with AppTest from the entry point, and reading all their words."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from tl_core.config import RUN_KINDS
from tl_core.jobs.worker import carry_out
from tl_core.registry.database import open_database
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[2]


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
