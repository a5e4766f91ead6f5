"""Similar items on the Items page: by an item, by words, by a file, from a link, and by a run where
they are many.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import write_pictures
from tests_support.pages import everything, opened, press

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import DatasetVersion
from tl_core.helper import item_answers
from tl_core.progress import Progress
from tl_core.services.datasets import add_dataset
from tl_core.services.search_examples import keep_example
from tl_core.settings import read_settings
from tl_core.train.similar.item_search import open_search


@pytest.fixture(autouse=True)
def near(monkeypatch, home, tiny):
    """The helper's call in this process: pages see the same answers, without a start of ten
    seconds for each test.
    """
    from tests_support.pages import stand_in

    from tl_core.errors import UserError
    from tl_core.helper.server import CALLS

    monkeypatch.setenv("TL_MODELS_DIR", str(tiny("bert").parent))

    class Here:
        def __init__(self):
            self.answers = []

        def call(self, name, by="", /, **arguments):
            try:
                self.answers.append((CALLS[name](**arguments), None))
            except UserError as error:
                self.answers.append((None, error))
            return len(self.answers) - 1

        def poll(self, ticket, by=""):
            value, error = self.answers[ticket]
            if error:
                raise error
            return True, value

    item_answers._opened.clear()
    yield stand_in(monkeypatch, Here())
    item_answers._opened.clear()


def page_of(record, **parameters):
    return opened("pages/data/items.py", dataset=record.reference, **parameters)


def tiles(app):
    return [int(one.key[5:]) for one in app.button if (one.key or "").startswith("item_")]


def expected(record, backbone, ask):
    settings = read_settings()
    version = DatasetVersion(record.folder)
    search = open_search(backbone, version, settings.home_path / "features", settings)
    return ask(search)[0].tolist()


def test_an_item_of_the_drawer_finds_its_like_and_a_link_shows_the_same(studio, mail):
    app = page_of(mail, show="Gallery", by=studio.backbone, row="3")
    press(app, "Find similar items")
    assert str(app.query_params["like"]).strip("[']") == "row:3"
    order = expected(mail, studio.backbone, lambda one: one.like_row(3, Progress()))
    assert tiles(app) == order[:24] and order[0] == 3
    assert "The most alike first" in everything(app)
    linked = page_of(mail, show="Gallery", like="row:3", by=studio.backbone)
    assert tiles(linked) == order[:24]
    only = page_of(mail, show="Gallery", like="row:3", by=studio.backbone, **{"class": "bad"})
    version = DatasetVersion(mail.folder)
    bad = version.info.labels.index("bad")
    assert tiles(only) == [row for row in order if version.labels[row] == bad][:24]
    press(linked, "Clear search")
    assert tiles(linked) == list(range(24)) and "like" not in linked.query_params


def test_while_something_is_looked_for_likeness_is_the_order_and_then_the_one_before(studio, mail):
    own = "Longest or largest first"
    app = page_of(mail, show="Gallery", by=studio.backbone, row="3", order=own)
    before = tiles(app)
    press(app, "Find similar items")
    [shown] = [one for one in app.selectbox if one.label == "Order"]
    assert (shown.value, shown.disabled) == ("Most alike first", True)
    press(app, "Clear search")
    [shown] = [one for one in app.selectbox if one.label == "Order"]
    assert (shown.value, shown.disabled, tiles(app)) == (own, False, before)


def test_words_are_looked_for_and_the_table_says_how_alike(studio, mail):
    app = page_of(mail, by=studio.backbone)
    app.text_area(key="similar_words").set_value("my order is late")
    press(app, "Search")
    assert str(app.query_params["like"]).strip("[']") == "words:my order is late"
    table = next(one.value for one in app.dataframe if "cosine" in one.value)
    assert table["cosine"].is_monotonic_decreasing and len(table) == 50
    long = "an order " * 100
    app.text_area(key="similar_words").set_value(long)
    press(app, "Search")
    assert str(app.query_params["like"]).strip("[']").startswith("file:")
    assert any(long.strip() in str(one.value) for one in app.text)


def test_nothing_written_is_said(mail):
    app = page_of(mail)
    press(app, "Search")
    assert "Write something, or bring a file." in everything(app)


def test_a_file_of_a_link_that_was_forgotten_is_an_answer_in_words(studio, mail):
    app = page_of(mail, show="Gallery", like="file:" + "0" * 40, by=studio.backbone)
    assert any("no longer kept" in box.value for box in app.error)
    assert len(tiles(app)) == 24


def test_a_photo_finds_its_like_and_words_need_another_backbone(studio, tmp_path, tiny):
    source = write_pictures(tmp_path / "photos")
    record, *_ = add_dataset(
        studio.datasets, studio.settings, str(source), "discs", ImportOptions()
    )
    backbone = f"local:{tiny('resnet')}"
    version = DatasetVersion(record.folder)
    key = keep_example(studio.settings, version.file_bytes(5))
    app = page_of(record, like=f"file:{key}", by=backbone)
    order = expected(record, backbone, lambda one: one.like_row(5, Progress()))
    assert tiles(app)[0] == order[0] == 5
    asked = page_of(record, like="words:red", by=backbone)
    assert any("cannot compare photos with words" in box.value for box in asked.error)


def test_many_items_are_read_by_a_run_first(studio, mail, monkeypatch):
    monkeypatch.setattr(item_answers, "_AT_ONCE", 100)
    app = page_of(mail, show="Gallery", like="row:3", by=studio.backbone)
    assert "has to read 240 texts once" in everything(app)
    press(app, "Read the items")
    [run] = [one for one in studio.runs.list() if one.kind == "index"]
    assert run.backbone.startswith("local:bert")
    studio.finish(run, "light")
    assert studio.runs.get(run.id).headline == "240 items can be searched"
    app = page_of(mail, show="Gallery", like="row:3", by=studio.backbone)
    assert tiles(app)[0] == 3 and np.isfinite(tiles(app)).all()


def test_a_backbone_that_pages_may_not_open_is_refused(mail, tmp_path):
    app = page_of(mail, like="row:3", by=f"local:{tmp_path.parent}")
    assert app.error
