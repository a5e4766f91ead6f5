"""`make app`: start the dispatcher and the page server, and say in one line where they are."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import threading
import time
from importlib import import_module
from itertools import count

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.shell import stale_timers, streamlit_log, streamlit_sessions, uploads
from pages.shell.server import ROOT, build
from tl_core.database.away import NO_ANSWER, AwayError
from tl_core.database.engine import open_database
from tl_core.errors import UserError
from tl_core.jobs.dispatch import ensure_dispatcher
from tl_core.log import setup_logging
from tl_core.registry.queue import is_busy
from tl_core.registry.quotas import default_quotas
from tl_core.settings import Settings, read_settings

_FIRST_PAINT_SECONDS = 4.0
# A page asks database and disk some hundred times, and after each answer it waits for its turn
# among the threads of all pages: by default 5 ms, which makes half a second of a page's 50 ms.
_TURN_SECONDS = 0.0005
_LOOK_SECONDS = 5.0  # between two looks whether the queue has its dispatcher
_LOOKS_A_COLLECTION = 6  # of garbage, which stops all pages for some 50 ms
log = logging.getLogger(__name__)
_SOON = (
    "pandas",
    "pyarrow.parquet",
    "plotly.graph_objects",
    "pages.widgets.charts",
    "pages.sections.home.projects",
    "pages.sections.data.viewer",
    "pages.sections.train.ways_to_train",
    "pages.sections.evaluate.report_tabs",
    "pages.sections.use.model_card",
    "pages.shell.services",
    "tl_core.backbones.describe",
    "tl_core.jobs.monitor",
    "PIL.Image",
)


def main() -> None:
    """Run the page server until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    port = parser.parse_args().port
    try:
        settings = read_settings()
        if settings.json_log:
            setup_logging("WARNING", as_json=True)
            streamlit_log.write_json()
        default_quotas(settings)  # the dispatcher would end, and every run wait
        app = build(settings)
    except UserError as error:
        sys.exit(f"Graft Studio cannot start. {error}")
    print(
        f"Graft Studio is at {settings.origin or f'http://{settings.address}:{port}'}"
        " (stop with Ctrl-C; runs go on)",
        flush=True,
    )
    serve(app, settings, port)


def serve(app: st.App, settings: Settings, port: int) -> None:
    """The server in this process, with what pages need imported in the background for a quick first
    paint.

    Streamlit believes that a folder named `pages` holds old-style pages until the first session has
    run; saying so beforehand spares the first visitor of a deep link a "page not found".
    """
    PagesManager.uses_pages_directory = False
    stale_timers.install()
    streamlit_sessions.install()
    uploads.offer_resumable()
    sys.setswitchinterval(_TURN_SECONDS)
    threading.Thread(target=_prepare, args=(settings,), daemon=True).start()
    os.chdir(ROOT)
    sys.argv = [str(ROOT / "app.py")]  # beside which Streamlit looks for its own settings
    app.run(config=_options(settings, port))


def _options(settings: Settings, port: int) -> dict[str, object]:
    """What Streamlit is told besides its own file of settings."""
    return {
        "server.port": port,
        "server.address": settings.address,
        "server.maxUploadSize": min(settings.number("upload_mb"), uploads.IN_MEMORY_MB),
        "logger.level": "warning",
        "logger.hideWelcomeMessage": True,
        # a pagination always has a default, and filters lead back to the first page
        "global.disableWidgetStateDuplicationWarning": True,
        "runner.postScriptGC": False,  # see `_tend`
    }


def _prepare(settings: Settings) -> None:
    """What can wait until the first page has been painted: imports for the other pages, then the
    dispatcher.
    """
    time.sleep(_FIRST_PAINT_SECONDS)
    for name in _SOON:
        import_module(name)
    # What the modules hold never is garbage, and looking through it stops every page.
    gc.freeze()
    _tend(settings)


def _tend(settings: Settings) -> None:
    """For as long as the server lives: collect garbage, and see that somebody turns the queue.

    Streamlit would collect after every run of a page or of a part that draws itself anew, during
    which no other page can run: fifty people, a quarter of all processor time. Once in a while is
    enough, since most is freed without.

    The pages start a dispatcher when they queue a run, but nobody would notice the end of one that
    was killed.
    """
    ours, first, told = settings.dispatcher != "external", True, ""
    for look in count():
        if look % _LOOKS_A_COLLECTION == 0:
            gc.collect()
        try:
            if ours and (first or is_busy(open_database(settings))):
                ensure_dispatcher(settings)
            first = False
        except (*NO_ANSWER, AwayError, OSError):
            log.warning("whether the queue needs a dispatcher cannot be seen", exc_info=True)
        except UserError as error:  # a setting forbids it, as pages say where a run is started
            if str(error) != told:
                told = str(error)
                log.error("runs wait, for there is no dispatcher: %s", told)
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()
