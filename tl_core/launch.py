"""`make app`: start the dispatcher and the page server, and say in one line where they are."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tl_core.jobs.dispatch import ensure_dispatcher
from tl_core.settings import read_settings


def main() -> None:
    """Replace this process by the page server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    port = parser.parse_args().port
    settings = read_settings()
    settings.home_path.mkdir(parents=True, exist_ok=True)
    ensure_dispatcher(settings)
    print(f"Graft Studio is at http://{settings.address}:{port} (stop with Ctrl-C; runs go on)", flush=True)
    root = Path(__file__).resolve().parents[1]
    os.chdir(root)
    os.execv(sys.executable, [  # noqa: S606
        sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address",
        settings.address, "--server.maxUploadSize", str(settings.number("upload_mb")), "--logger.level", "warning"])


if __name__ == "__main__":
    main()
