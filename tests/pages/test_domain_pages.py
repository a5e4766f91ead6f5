"""Domains with AppTest: compared, chosen on Design, told in the report."""

from __future__ import annotations

import shutil

import pytest
from tests_support.pages import everything, opened, press
from tests_support.shifted import write_shops

from pages.sections.train import which_way
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.results import DOMAINS, HELD_OUT
from tl_core.services.datasets import add_dataset


def added(studio, source, name):
    return add_dataset(studio.datasets, studio.settings, str(source), name, ImportOptions())[0]


@pytest.fixture(autouse=True)
def models(studio, tmp_path, monkeypatch):
    """The tiny backbone where pages may read it, under the name local:mine."""
    shutil.copytree(studio.backbone.removeprefix("local:"), tmp_path / "models" / "mine")
    monkeypatch.setenv("TL_MODELS_DIR", str(tmp_path / "models"))


@pytest.fixture
def shops(studio, tmp_path):
    source = write_shops(tmp_path / "shops.csv", each=60, unlabelled=12)
    return added(studio, source, "shops")


def test_domains_are_compared_and_shown(studio, shops):
    app = opened("pages/data/domains.py", dataset=shops.reference)
    app.session_state["backbone"] = "local:mine"
    assert "shop" in app.selectbox(key=f"compared_column_{shops.reference}").options[0]
    press(app, "Compare the domains")
    run = studio.runs.list(kind="domains")[0]
    assert RunConfig.read(run.folder).options == {"column": "shop", "rule": "within"}
    other = studio.runs.create(
        RunConfig(
            "hold_out",
            "local",
            shops.reference,
            str(shops.folder),
            studio.backbone,
            options={"column": "shop", "methods": ["erm"]},
        )
    )
    app = opened("pages/data/domains.py", dataset=shops.reference)
    press(app, "Stop")
    assert [studio.runs.get(one.id).status for one in (run, other)] == ["cancelled", "queued"]
    assert "Compare the domains" in [one.label for one in app.button]
    studio.runs.cancel(other.id)
    studio.runs.delete([other.id])
    run = studio.runs.create(
        RunConfig(
            "domains",
            "local",
            shops.reference,
            str(shops.folder),
            studio.backbone,
            options={"column": "shop", "max_length": 24},
        )
    )
    studio.finish(run, "light")
    app = opened("pages/data/domains.py", dataset=shops.reference)
    assert not app.exception and not app.error
    words = everything(app)
    assert "north and south, told apart" in words
    assert "Nothing of a held-out domain was read before" in words
    worst = DOMAINS.load(run.folder)["unseen"]["methods"][0]["worst_domain"]
    press(app, "Train for one of them")
    assert app.selectbox(key=f"target_domain_{shops.reference}_shop").value == worst
    assert "From where to where" in everything(app)


def test_domains_are_held_out_by_networks_price_first(studio, shops):
    app = opened("pages/data/domains.py", dataset=shops.reference)
    app.session_state["backbone"] = "local:mine"
    app.number_input(key=f"held_epochs_{shops.reference}").set_value(2).run()
    methods = app.multiselect(key=f"held_methods_{shops.reference}_shop")
    assert len(methods.options) == 2  # with two domains nothing is left to compare, texts no style
    press(app, "Estimate time and memory")
    measured = studio.runs.list(kind="preflight")[0]
    options = RunConfig.read(measured.folder).options
    assert options["epochs"] == 2.0 and "2 domains, 2 methods" in everything(app)
    studio.finish(measured, "light")
    app.run()
    assert "All of them take" in everything(app)
    press(app, "Hold out each domain")
    run = studio.runs.list(kind="hold_out")[0]
    options = RunConfig.read(run.folder).options
    assert options["methods"] == ["erm", "swad"] and options["settings"] == {"epochs": 2.0}
    studio.runs.cancel(run.id)
    quick = {"epochs": 1.0, "batch_size": 32, "max_length": 16}
    run = studio.runs.create(
        RunConfig(
            "hold_out",
            "local",
            shops.reference,
            str(shops.folder),
            studio.backbone,
            options={"column": "shop", "methods": ["erm"], "settings": quick},
        )
    )
    studio.finish(run, "train")
    app = opened("pages/data/domains.py", dataset=shops.reference)
    assert not app.exception and not app.error
    words = everything(app)
    assert "On a domain that it has not seen, a network by ordinary fine" in words
    assert "known only afterwards" in words and "are copies" not in words
    for change in ({"left_out": 3}, {}):  # some were, and a result of an earlier version
        found = HELD_OUT.load(run.folder)
        for one in found["held_out"]:
            one.pop("left_out", None)
            one.update(change)
        HELD_OUT.write(run.folder, found)
        app = opened("pages/data/domains.py", dataset=shops.reference)
        assert not app.exception
        assert ("copies of what was asked" in everything(app)) == bool(change)


def test_a_dataset_without_domains_says_what_to_bring(mail):
    app = opened("pages/data/domains.py", dataset=mail.reference)
    assert not app.exception
    assert "no column with two or more places" in everything(app)


def design(studio, record, card="adapt"):
    app = opened("pages/train/design.py", dataset=record.reference)
    app.session_state["backbone"] = "local:mine"
    app.button(key="way_own").click().run()
    return app.button(key=f"card_text_{card}").click().run()


def test_a_training_for_a_domain_is_chosen_started_and_reported(studio, shops):
    app = design(studio, shops)
    assert not app.exception and not app.error
    app.selectbox(key=f"target_domain_{shops.reference}_shop").set_value("south").run()
    press(app, "Start training")
    run = studio.runs.list()[0]
    options = RunConfig.read(run.folder).options
    assert (options["domain_column"], options["target_domain"]) == ("shop", "south")
    studio.runs.cancel(run.id)
    done = studio.do(
        shops,
        "train",
        "adapt",
        domain_column="shop",
        target_domain="south",
        method="auto",
        pooling="mean",
        max_length=24,
    )
    app = opened("pages/evaluate/report.py", run=done.id)
    assert not app.exception and not app.error
    words = everything(app)
    assert "Another domain" in words and "may choose wrongly" in words
    assert "times in 100" in words


def test_items_without_a_class_are_offered_as_the_target(studio, shops):
    app = design(studio, shops)
    app.selectbox(key=f"domain_column_{shops.reference}").set_value("").run()
    assert not app.exception and not app.error
    press(app, "Start training")
    options = RunConfig.read(studio.runs.list()[0].folder).options
    assert (options["domain_column"], options["target_domain"]) == ("", "unlabelled")


def test_another_dataset_is_offered_as_the_target(studio, mail, shops):
    app = design(studio, mail)
    app.selectbox(key=f"domain_column_{mail.reference}").set_value("/another dataset").run()
    assert not app.exception and not app.error
    assert app.selectbox(key=f"target_dataset_{mail.reference}").options == ["shops@1"]
    press(app, "Start training")
    assert RunConfig.read(studio.runs.list()[0].folder).options["target_dataset"] == "shops@1"


def test_without_a_domain_there_is_nothing_to_start(studio, mail):
    app = design(studio, mail)
    assert not app.exception and not app.error
    assert "there is nothing to adapt to" in everything(app)
    start = next(button for button in app.button if button.label == "Start training")
    assert start.disabled


def test_the_guide_opens_on_design(studio, mail):
    app = opened("pages/train/design.py", dataset=mail.reference)
    app.button(key="way_own").click().run()
    words = press(app, "Which way for my data?")
    assert "what you have" in words and "](" not in words
    assert which_way._GUIDE.is_file()


def test_a_fine_tuning_can_be_meant_for_a_domain(studio, shops):
    """The switch, the target from what is there, the method among the settings."""
    app = design(studio, shops, "lpft")
    assert not app.exception and not app.error
    app.toggle(key=f"meant_{shops.reference}").set_value(True).run()
    column = app.selectbox(key=f"domain_column_{shops.reference}").value
    target = app.selectbox(key=f"target_domain_{shops.reference}_{column}").value
    app.selectbox(key=f"adaptation_{shops.reference}").set_value("mcc").run()
    assert not app.exception and not app.error
    press(app, "Start training")
    options = RunConfig.read(studio.runs.list(kind="train")[0].folder).options
    assert options["adaptation"] == "mcc" and options["domain_column"] == column
    assert options["target_domain"] == target


def test_a_fine_tuning_can_be_meant_for_another_dataset(studio, mail, shops):
    """And its report sets the plain probe of the source beside it."""
    app = design(studio, mail, "lpft")
    app.toggle(key=f"meant_{mail.reference}").set_value(True).run()
    app.selectbox(key=f"adaptation_{mail.reference}").set_value("mcc").run()
    assert not app.exception and not app.error
    press(app, "Start training")
    options = RunConfig.read(studio.runs.list(kind="train")[0].folder).options
    assert (options["adaptation"], options["target_dataset"]) == ("mcc", shops.reference)
    assert "target_domain" not in options


def test_the_report_of_an_adapted_network_names_both(studio, shops):
    done = studio.do(
        shops,
        "train",
        "finetune",
        domain_column="shop",
        target_domain="south",
        adaptation="mcc",
        epochs=1.0,
        pooling="mean",
        max_length=24,
    )
    app = opened("pages/evaluate/report.py", run=done.id)
    assert not app.exception and not app.error
    words = everything(app)
    assert "Another domain" in words and "(MCC)" in words
    assert "the plain probe of the source" in words
    ways = [list(frame.value["way"]) for frame in app.dataframe if "way" in frame.value]
    assert ways == [["Plain probe of the source", "Fine-tuned with minimum class confusion (MCC)"]]
