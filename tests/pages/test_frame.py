"""The bar: places and addresses, project and model in hand, steps of the work, running work."""

from __future__ import annotations

import re
import tomllib

from sqlalchemy import insert, select
from tests_support.datasets import write_texts
from tests_support.pages import ROOT, opened
from tests_support.team import ANA, BEN

from pages.shell.navigation import PLACES, STUDIO, place_of
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.tables import runs
from tl_core.services.datasets import add_dataset

ADDRESSES_OF_OLD = {
    "home", "add-data", "data", "versions", "backbone", "design", "live", "report", "compare",
    "labels", "explore", "predict", "export", "runs", "system",
}  # fmt: skip


STEPS = ("Data", "Train", "Evaluate", "Use")


def page_links(app):
    return list(app.main.get("page_link"))


def icon(link):
    return link.proto.icon.removeprefix(":material/").removesuffix(":")


def steps(app):
    """The icons of the four steps, in their order."""
    assert not app.exception
    return [icon(link) for link in page_links(app) if link.proto.label in STEPS]


def test_every_old_address_still_leads_to_a_page():
    addresses = [tab.address for place in (*PLACES, STUDIO) for tab in place.tabs]
    assert len(addresses) == len(set(addresses))
    assert set(addresses) >= ADDRESSES_OF_OLD


def test_scripts_lie_in_the_folder_of_their_place():
    for place in PLACES:
        folders = {tab.script.partition("/")[0] for tab in place.tabs}
        assert folders == {place.title.lower()}
        for tab in place.tabs:
            assert (ROOT / tab.path).is_file()


def test_the_first_page_is_home_though_its_address_is_empty():
    class Page:
        url_path = ""

    place, tab = place_of(Page())
    assert (place.title, tab.title) == ("Home", "Home")


def test_colours_of_the_stylesheet_are_those_of_the_theme():
    theme = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["theme"]
    style = (ROOT / "pages/shell/style.css").read_text()
    pairs = dict(re.findall(r"--(\w+): light-dark\((#\w+, #\w+)\)", style))
    for name, key in (
        ("ground", "backgroundColor"),
        ("raised", "secondaryBackgroundColor"),
        ("line", "borderColor"),
        ("ink", "textColor"),
        ("graft", "linkColor"),
    ):
        assert pairs[name] == f"{theme['light'][key]}, {theme['dark'][key]}"


def brightness(colour):
    """Relative luminance of #RRGGBB, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted(brightness(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_code_and_the_tab_that_is_open_can_be_read_in_both_themes():
    """What Streamlit colours them with is too pale: 2.2 to 4.4, where AA asks for 4.5."""
    style = (ROOT / "pages/shell/style.css").read_text()
    pairs = dict(re.findall(r"--(\w+): light-dark\((#\w+, #\w+)\)", style))
    rules = dict(re.findall(r'\[data-testid="(stCode"\] .+|stTab".+) \{ color: (.+); \}', style))
    kinds = "comment punctuation operator function keyword builtin class-name number boolean"
    kinds += " string parameter variable property"
    assert [kind for kind in kinds.split() if not re.search(rf"\.{kind}\b", " ".join(rules))] == []
    assert any(selector.startswith("stTab") for selector in rules)
    for colour in rules.values():
        name = re.fullmatch(r"var\(--(\w+)\)", colour)
        pair = pairs[name[1]] if name else colour[len("light-dark(") : -1]
        for ground in (pairs["ground"], pairs["raised"]):
            for ink, below in zip(pair.split(", "), ground.split(", "), strict=True):
                assert contrast(ink, below) >= 4.5, (colour, ink, below)


def test_a_long_name_of_a_model_is_seen_to_be_cut(record, studio):
    studio.do(record, max_length=16, class_weights="balanced")
    labels = [link.proto.label for link in page_links(opened())]
    assert any("Probe" in label and "… · " in label for label in labels), labels


def test_the_bar_names_the_project_worked_on_last_and_the_next_step(record, studio):
    app = opened()
    assert app.session_state["dataset"] == record.reference
    assert steps(app) == ["check_circle", "model_training", "fact_check", "bolt"]
    studio.do(record)
    assert steps(opened()) == ["check_circle", "check_circle", "check_circle", "bolt"]


def test_a_closed_test_score_leaves_evaluate_open(record, studio):
    studio.do(record, sealed=True)
    assert steps(opened()) == ["check_circle", "check_circle", "fact_check", "bolt"]


def test_another_project_brings_its_own_model(record, studio, mail):
    mine, theirs = studio.do(record), studio.do(mail)
    app = opened("pages/evaluate/report.py", run=mine.id)
    app.session_state["projects"] = True
    app.run()
    app.button(key=f"project_{mail.id}").click().run()
    assert not app.exception
    assert app.session_state["dataset"] == mail.reference
    assert app.session_state["run"] == theirs.id
    assert not app.session_state["projects"]
    app = app.switch_page("pages/evaluate/report.py").run()
    assert app.session_state["run"] == theirs.id


def test_running_work_is_in_the_bar_with_its_share(record, studio):
    studio.runs.create(
        RunConfig("train", "local", record.reference, str(record.folder), studio.backbone, "probe")
    )
    labels = [link.proto.label for link in page_links(opened())]
    assert any(label.endswith("0%") and "notes" in label for label in labels), labels


def test_ones_own_work_is_in_the_bar_however_much_others_have(record, studio, team):
    team.sharing().share("project", "notes", BEN, "editor")
    about = (record.reference, str(record.folder), "starter:text", "probe")
    mine = studio.runs.create(RunConfig("train", ANA, *about)).id
    theirs = team.runs(BEN).create(RunConfig("train", BEN, f"ana/{about[0]}", *about[1:])).id
    with studio.engine.begin() as connection:
        row = connection.execute(select(runs).where(runs.c.id == theirs)).one()._asdict()
        copies = [{**row, "id": f"copy-{at}", "draft": None} for at in range(250)]
        connection.execute(insert(runs), copies)
    app = opened()
    assert app.session_state["watched"] == mine
    assert any(link.proto.label.endswith("0%") for link in page_links(app))


def test_a_run_that_cannot_be_seen_any_more_does_not_keep_the_bar_from_the_others(record, studio):
    about = ("train", "local", record.reference, str(record.folder), studio.backbone, "probe")
    gone, ended, active = (studio.runs.create(RunConfig(*about)).id for _ in range(3))
    app = opened()
    assert app.session_state["watched"].split() == [active, ended, gone]
    for run in (gone, ended):
        studio.runs.cancel(run)
    studio.runs.delete([gone])
    app.run()
    assert not app.exception
    assert ["is cancelled" in one.value for one in app.toast] == [True]
    assert app.session_state["watched"] == active
    assert any(link.proto.label.endswith("0%") for link in page_links(app))


def test_a_dataset_that_is_not_there_is_no_project(record):
    app = opened("pages/data/items.py", dataset="nonsense@9")
    assert "no dataset 'nonsense@9'" in app.error[0].value
    labels = [box.proto.popover.label for box in popovers(app.main)]
    assert record.reference in labels and "nonsense@9" not in labels
    app.query_params.clear()
    app = app.switch_page("pages/data/versions.py").run()
    assert not app.error and app.session_state["dataset"] == record.reference


def test_a_sample_is_no_project_before_it_is_a_dataset(record, studio):
    run = studio.runs.create(
        RunConfig("train", "local", "sample:digits", "", "starter:image", "probe", {})
    )
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception
    assert app.session_state["dataset"] == record.reference
    assert not app.switch_page("pages/data/items.py").run().error


def test_a_long_project_name_is_cut_and_told_in_full(studio, tmp_path):
    source, name = tmp_path / "t.csv", "nameforwhichnobarhasanyroom2026q3"
    write_texts(source, 60)
    add_dataset(studio.datasets, studio.settings, str(source), name, ImportOptions())
    labels = [box.proto.popover.label for box in popovers(opened().main)]
    assert any(label.startswith(name[:23]) and label.endswith("…") for label in labels), labels


def popovers(block):
    """The popovers in a block, at any depth."""
    for child in getattr(block, "children", {}).values():
        if child.type == "popover":
            yield child
        yield from popovers(child)
