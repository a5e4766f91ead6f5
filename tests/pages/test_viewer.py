"""The Items page: filters in the address, paging, the drawer of an item, and closed test scores."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import write_pictures, write_texts
from tests_support.pages import everything, opened, press

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import Decision, decide, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.services.datasets import add_dataset, relabel_dataset

AWKWARD = "*good* :red[x]"


def page_of(record, **parameters):
    app = opened("pages/data/items.py", dataset=record.reference, **parameters)
    assert not app.exception
    return app


def tiles(app):
    """The rows whose tiles are drawn, in order."""
    return [int(one.key[5:]) for one in app.button if (one.key or "").startswith("item_")]


def test_one_line_says_what_it_is_and_how_healthy(mail):
    said = everything(page_of(mail))
    assert "240 texts in 2 classes, ready to train" in said.replace("**", "")
    assert "of 100" in said and "train" in said


def test_before_a_domain_is_left_out_as_a_finding_it_is_said_so(studio, tmp_path):
    lines = ["text,label,shop"]
    lines += [f"a film of {n} parts and {n * 7} scenes,{'ab'[n % 2]},north" for n in range(60)]
    lines += [f"{'pq'[n % 2]}{'abcdefghijkl'[n // 2]},{'ab'[n % 2]},sou*th*" for n in range(24)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    source = str(tmp_path / "t.csv")
    record = add_dataset(studio.datasets, studio.settings, source, "shops", ImportOptions())[0]
    app = page_of(record)
    box = next(one for one in app.expander if "one or two characters" in one.label)
    assert "most of shop sou\\*th\\*" in box.label


def test_filters_stand_in_the_address_and_only_one_page_is_read(mail):
    app = page_of(mail, show="Gallery", **{"class": "bad"})
    version = DatasetVersion(mail.folder)
    bad = np.flatnonzero(version.labels == version.info.labels.index("bad")).tolist()
    assert tiles(app) == bad[:24]
    assert f"**{len(bad)}** of 240 texts" in everything(app)
    app.get("pagination")[0].set_value(2).run()
    assert tiles(app) == bad[24:48]
    app.text_input(key="q").set_value("bad film").run()
    films = [row for row in bad if "bad film" in version.texts(np.array([row]))[0]]
    assert tiles(app) == films[:24]
    found = page_of(mail, show="Gallery", q="bad film", split="test")
    held = [row for row, text in enumerate(version.texts(np.arange(240))) if "bad film" in text]
    assert tiles(found) == [row for row in held if version.splits[row] == "test"][:24]
    next(one for one in app.button if one.label == "Clear filters").click().run()
    assert tiles(app) == list(range(24)) and not app.text_input(key="q").value


def test_what_nothing_is_like_is_said_in_words(mail):
    app = page_of(mail, q="no such words")
    assert "No texts are like that" in everything(app)
    assert not app.get("pagination")


def test_an_order_and_a_length_hold_in_gallery_and_table(mail):
    app = page_of(mail, order="Longest or largest first", **{"from": "5"})
    table = next(one.value for one in app.dataframe if "text" in one.value or "item" in one.value)
    assert (table["words"] >= 5).all() and table["words"].is_monotonic_decreasing
    assert AWKWARD in set(table["class"]) or "bad" in set(table["class"])


def test_a_page_beyond_the_last_is_the_last(mail):
    app = page_of(mail, show="Gallery")
    app.multiselect(key="class").set_value(["bad"]).run()
    app.session_state["page"] = 99
    app.run()
    assert not app.exception and len(tiles(app)) > 0


def test_the_drawer_shows_an_item_and_turns_to_its_companions(mail):
    app = page_of(mail, show="Gallery")
    app.button(key="item_3").click().run()
    assert not app.exception and str(app.query_params["row"]).strip("[']") == "3"
    assert DatasetVersion(mail.folder).texts(np.array([3]))[0] in [one.value for one in app.text]
    assert "4 of 240" in everything(app)
    press(app, "Next")
    assert str(app.query_params["row"]).strip("[']") == "4" and "5 of 240" in everything(app)
    for element in (*app.markdown, *app.caption, *app.button):
        assert ":red[x]" not in str(getattr(element, "label", "") or element.value)


@pytest.mark.parametrize("row", ["240", "-1", "x", "99999999999"])
def test_a_row_that_is_not_there_opens_nothing(mail, row):
    app = page_of(mail, row=row)
    assert "The label is right" not in [one.label for one in app.button]


def test_a_label_is_changed_in_the_drawer_and_becomes_a_version(studio, mail):
    version = DatasetVersion(mail.folder)
    given = version.info.labels[version.labels[7]]
    other = next(name for name in version.info.labels if name != given)
    app = page_of(mail, row="7")
    box = next(one for one in app.selectbox if (one.key or "").startswith("class_of_"))
    assert box.value == given
    box.set_value(other).run()
    assert not app.exception and decisions(mail.folder) == {7: Decision("relabel", other)}
    press(app, "Undo")
    assert decisions(mail.folder) == {}
    press(app, "Leave it out")
    assert decisions(mail.folder) == {7: Decision("drop")}
    assert "1 left out so far" in everything(app)
    press(app, "Undo")
    press(app, "The label is right")
    assert decisions(mail.folder) == {7: Decision("keep")}
    decide(version, 9, "drop")
    app = page_of(mail, show="Gallery")
    assert any("left out" in one.label for one in app.button if one.key == "item_9")
    press(app, "Make a new version of it")
    [run] = [run for run in studio.runs.list() if run.kind == "fix"]
    studio.finish(run, "light")
    made = studio.datasets.get("mail")
    after = page_of(made, show="Gallery", row="9")  # it is no part of this version any more
    assert "The label is right" not in [one.label for one in after.button]


def test_the_history_tells_what_became_of_an_item(studio, mail):
    version = DatasetVersion(mail.folder)
    given = version.info.labels[version.labels[7]]
    other = next(name for name in version.info.labels if name != given)
    decide(version, 7, "relabel", other)
    made, _, _ = relabel_dataset(studio.datasets, mail.reference)
    said = everything(page_of(made, row="7")).replace("\\", "")
    assert f"mail@2: {given} → {other}" in said and f"mail@1: {given}" in said


def test_predictions_are_shown_as_far_as_the_test_score_is_open(studio, mail):
    version = DatasetVersion(mail.folder)
    test = version.rows_of("test").tolist()
    closed = studio.do(mail, pooling="mean", sealed=True)
    app = page_of(mail, show="Gallery", outcome="judged", run=closed.id)
    assert tiles(app) and not set(tiles(app)) & set(test)
    drawer = page_of(mail, row=str(test[0]))
    assert "test score is still closed" in everything(drawer)
    assert not any("confidence" in one.value and "model" in one.value for one in drawer.dataframe)
    seen = studio.do(mail, pooling="mean")
    app = page_of(mail, show="Gallery", outcome="judged", split="test", run=seen.id)
    assert tiles(app) == test[:24]
    both = page_of(mail, row=str(test[0]), run=seen.id)
    models = next(one.value for one in both.dataframe if "model" in one.value)
    assert len(models) == 1 and seen.id in models["model"][0]
    assert "1 model predicted it, too" in everything(both)
    wrong = page_of(mail, show="Gallery", outcome="wrong", run=seen.id)
    assert all("said" in one.label for one in wrong.button if (one.key or "").startswith("item_"))


def test_photos_are_looked_through_as_pictures_and_as_a_table(studio, tmp_path):
    source = write_pictures(tmp_path / "discs", 12)
    made, _, _ = add_dataset(studio.datasets, studio.settings, str(source), "d", ImportOptions())
    app = page_of(made)
    shown = [one.proto.body for one in app.get("html") if "<img" in one.proto.body]
    assert len(tiles(app)) == 24 and len(shown) == 24
    assert not app.get("image"), "no photo of the set has an address that others could ask for"
    assert all('src="data:image/jpeg;base64,' in one and 'alt="A photo"' in one for one in shown)
    table = page_of(made, show="Table", q="red/")
    lines = next(one.value for one in table.dataframe if "item" in one.value)
    assert len(lines) == 12 and lines["item"].str.startswith("data:image/jpeg").all()
    drawer = page_of(made, row="0")
    facts = next(one.value for one in drawer.dataframe if "fact" in one.value)
    told = dict(zip(facts["fact"], facts["value"], strict=True))
    assert told["Size"] == "48 × 40 pixels" and told["Source"] == "discs"


def test_five_hundred_classes_do_not_make_five_hundred_widgets(studio, tmp_path):
    lines = [f"text of class {n % 500} again {n},class {n % 500}" for n in range(1500)]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    made, _, _ = add_dataset(
        studio.datasets, studio.settings, str(tmp_path / "t.csv"), "many", ImportOptions()
    )
    app = page_of(made, show="Gallery", **{"class": "class 499"})
    assert len(tiles(app)) == 3 and len(app.button) < 60
    assert "492 lie between" in everything(app)


def test_an_old_version_without_facts_opens_all_the_same(studio, tmp_path):
    made, _, _ = add_dataset(
        studio.datasets,
        studio.settings,
        str(write_texts(tmp_path / "o.csv", 60)),
        "old",
        ImportOptions(),
    )
    (made.folder / "facts.parquet").unlink()
    app = page_of(made, show="Gallery", row="1")
    assert len(tiles(app)) == 24 and "History" in [one.label for one in app.expander]


def test_filters_of_one_project_do_no_harm_in_another(mail, record):
    app = page_of(mail, show="Gallery", split="test", **{"class": AWKWARD})
    app.query_params["dataset"] = record.reference
    app.session_state["page"] = 2
    app.run()
    assert not app.exception and len(tiles(app)) > 0
