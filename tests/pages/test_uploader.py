"""The field for files: what the browser says has arrived is asked of the registry; small files go
through Streamlit's own field.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from streamlit import config
from tests_support.datasets import write_texts
from tests_support.pages import opened, runs, stand_in

from pages.shell import uploads
from pages.widgets import uploader
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.errors import NotFoundError, StateError
from tl_core.registry.uploads import UploadStore
from tl_core.settings import read_settings

ADD = "pages/data/add.py"


@pytest.fixture
def resumable(monkeypatch):
    """As in the process that serves; gives what the browser is told, and takes what it says."""
    served, said = threading.Event(), SimpleNamespace(finished=None, told=[])
    served.set()

    def field(**options):
        said.told.append(options)
        first = options["key"].endswith("_0")  # the one after it is a new field
        return SimpleNamespace(finished=said.finished if first else None)

    monkeypatch.setattr(uploads, "_resumable", served)
    monkeypatch.setattr(uploader, "_resumable", field)
    return said


def bring(content: bytes, name: str, who: str = "local", missing: int = 0) -> str:
    """An upload as the routes leave it; gives its id."""
    settings = read_settings()
    store = UploadStore(open_database(settings), who, settings)
    upload = store.create(name, len(content) + missing)
    upload.path.write_bytes(content)
    if not missing:
        store.finish(upload, "0" * 64)
    return upload.id


def source_of(app) -> str:
    return app.session_state["upload"]


def test_a_finished_upload_is_the_source_and_the_field_is_a_new_one(resumable, tmp_path):
    app = opened(ADD)
    assert not source_of(app) and not app.exception
    told = resumable.told[-1]
    assert told["data"]["place"] == "dataset" and told["data"]["who"] == "local"
    assert "1,024 MB" in told["data"]["hint"]
    resumable.finished = [bring(write_texts(tmp_path / "t.csv").read_bytes(), "t.csv")]
    app.run()
    assert source_of(app).endswith(f"uploads/{resumable.finished[0]}/t.csv")
    assert app.session_state["upload_key"] == 1


def test_the_component_itself_is_drawn_and_has_no_foreign_script(monkeypatch):
    served = threading.Event()
    served.set()
    monkeypatch.setattr(uploads, "_resumable", served)
    # Streamlit's own state of a component cannot be pickled, which is no affair of ours
    config.set_option("runner.enforceSerializableSessionState", False)
    app = opened(ADD)
    assert not app.exception
    drawn = app.get("bidi_component")
    assert len(drawn) == 1
    script = drawn[0].proto.js_content
    assert "export default" in script and "http://" not in script and "https://" not in script


@pytest.mark.parametrize("missing", [0, 5])
@pytest.mark.parametrize("who", ["local", "ben"])
def test_what_is_somebody_elses_or_unfinished_is_no_source(resumable, missing, who):
    app = opened(ADD)
    resumable.finished = [bring(b"text,label\na,b\n", "t.csv", who, missing)]
    app.run()
    fine = who == "local" and not missing
    assert bool(source_of(app)) == fine
    if not fine:
        words = "no such upload" if who == "ben" else "not arrived"
        assert any(words in box.value for box in app.error)
        assert app.session_state["upload_key"] == 1


@pytest.mark.parametrize("ids", ["../../etc", ["../x"], [5], [None], {"a": 1}, [["x"]], True])
def test_what_is_no_id_leads_nowhere(resumable, ids):
    app = opened(ADD)
    resumable.finished = ids
    app.run()
    assert not source_of(app) and any("no such upload" in box.value for box in app.error)


def test_several_files_lie_in_one_folder_under_names_of_their_own(home):
    names = ["x.csv", "x-2.csv", "x.csv", "x.csv"]
    ids = [bring(f"{place}\n".encode(), name) for place, name in enumerate(names)]
    folder = uploads.arrived(ids)
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert found == {"x.csv": "0\n", "x-2.csv": "1\n", "x-3.csv": "2\n", "x-4.csv": "3\n"}
    assert folder.parent.parent == home / "uploads"
    with pytest.raises(NotFoundError, match="used already"):
        uploads.arrived(ids[:1])
    with pytest.raises(StateError, match="not arrived"):
        uploads.arrived([bring(b"a", "a.csv"), bring(b"b", "b.csv", missing=1)])


def test_a_small_file_goes_through_streamlits_own_field(tmp_path):
    content = write_texts(tmp_path / "t.csv").read_bytes()
    app = opened(ADD)
    app.file_uploader[0].set_value(("../m y/t 1.csv", content, "text/csv")).run()
    assert source_of(app).endswith("/t 1.csv")


def test_a_small_file_that_is_another_than_it_says_is_refused():
    app = opened(ADD)
    app.file_uploader[0].set_value(("t.zip", b"\x7fELF" + bytes(99), "application/zip")).run()
    assert not source_of(app) and any("is a program" in box.value for box in app.error)
    app.run()
    assert app.file_uploader[0].value is None


def test_a_file_to_be_predicted_comes_the_same_way(resumable, studio, mail, tmp_path):
    run = studio.do(mail, baseline=False)
    app = opened("pages/use/batch.py", run=run.id)
    assert resumable.told[-1]["data"]["place"] == f"predict {run.id}" and not app.exception
    resumable.finished = [bring(write_texts(tmp_path / "t.csv").read_bytes(), "t.csv")]
    app.run()
    [job] = runs().list(kind="predict")
    source = RunConfig.read(job.folder).options["source"]
    assert source.endswith(f"{resumable.finished[0]}/t.csv")


def test_a_model_comes_the_same_way(resumable, studio, mail, monkeypatch):
    asked = []
    double = SimpleNamespace(
        call=lambda name, by, /, **options: asked.append((name, options)) or len(asked),
        poll=lambda ticket, by: (False, None),
    )
    stand_in(monkeypatch, double)
    app = opened("pages/train/backbone.py", dataset=mail.reference, part="My own models")
    assert resumable.told[-1]["data"]["place"] == "model" and not app.exception
    resumable.finished = [bring(b"PK\x03\x04" + bytes(99), "net.zip")]
    app.run()
    options = dict(asked)["bring_model"]
    assert options["path"].endswith(f"{resumable.finished[0]}/net.zip")
    assert options["owner"] == "local"
