"""Opening pages with AppTest from the entry point, and reading all their words."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def opened(page="", **parameters):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    return app.switch_page(page).run() if page else app


def everything(app):
    said = [str(element.value) for kind in (app.markdown, app.title, app.subheader, app.caption, app.info, app.error,
                                            app.warning, app.success) for element in kind]
    return " ".join([*said, *(bar.proto.text for bar in app.get("progress"))])
