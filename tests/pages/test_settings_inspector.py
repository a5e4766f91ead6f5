"""Settings of a training: found by words, marked when changed, put back, kept and shared."""

from __future__ import annotations

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened, press, runs

from pages.sections.train.presets import card_of
from pages.shell import services
from pages.widgets.settings_form import described, matches
from tl_core.config import STRATEGIES, RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.presets import PresetStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


def design(record, card="lpft"):
    app = opened("pages/train/design.py", dataset=record.reference)
    app.session_state["backbone"] = "local:mine"
    app.button(key="way_own").click().run()
    return app.button(key=f"card_text_{card}").click().run()


def started(app):
    next(button for button in app.button if button.label == "Start training").click().run()
    assert not app.exception and not app.error
    return RunConfig.read(runs().list()[0].folder)


def keys(app):
    kinds = (app.number_input, app.selectbox, app.checkbox, app.text_input)
    return {str(one.key) for kind in kinds for one in kind if str(one.key).startswith("lpft_")}


def test_a_search_shows_the_settings_whose_name_or_help_has_the_words(record):
    app = design(record)
    before = keys(app)
    app.text_input(key="find_lpft").set_value("layer decay").run()
    assert not app.exception
    assert "lpft_layer_decay" in keys(app) and len(keys(app)) < len(before)
    app.text_input(key="find_lpft").set_value("no such words at all").run()
    assert not keys(app) and "No setting has these words" in everything(app)
    app.text_input(key="find_lpft").set_value("").run()
    assert keys(app) == before


def test_a_changed_setting_is_marked_survives_a_search_and_goes_back(record):
    app = design(record)
    app.number_input(key="lpft_epochs").set_value(3.0).run()
    assert "1 changed" in everything(app)
    app.text_input(key="find_lpft").set_value("seed").run()
    app.text_input(key="find_lpft").set_value("").run()
    assert app.number_input(key="lpft_epochs").value == 3.0
    app.number_input(key="lpft_seed").set_value(7).run()
    assert "2 changed" in everything(app)
    app.button(key="reset_lpft_epochs").click().run()
    assert app.number_input(key="lpft_epochs").value == 0.0
    assert "1 changed" in everything(app) and "2 changed" not in everything(app)
    app.button(key="reset_lpft").click().run()
    assert " changed" not in everything(app)
    assert set(started(app).options) == {"strategy", "seed"}  # the first of its seeds


def test_what_is_hidden_by_a_search_is_still_trained_with(record):
    app = design(record)
    app.number_input(key="lpft_epochs").set_value(3.0).run()
    app.text_input(key="find_lpft").set_value("seed").run()
    assert "lpft_epochs" not in keys(app)
    assert started(app).options["epochs"] == 3.0


def test_settings_stay_while_somebody_looks_at_another_page(record):
    app = design(record)
    app.number_input(key="lpft_epochs").set_value(3.0).run()
    app.switch_page("pages/train/backbone.py").run()
    app.switch_page("pages/train/design.py").run()
    assert app.session_state["card_text"] == "lpft"
    assert app.number_input(key="lpft_epochs").value == 3.0


def test_settings_of_one_project_do_not_slip_into_another(record, tmp_path):
    settings = read_settings()
    store = DatasetStore(open_database(settings), "local", settings.home_path)
    source = str(write_texts(tmp_path / "other.csv", 40))
    other, _, _ = add_dataset(store, settings, source, "other", ImportOptions())
    app = design(record)
    app.number_input(key="lpft_epochs").set_value(3.0).run()
    app.query_params["dataset"] = other.reference
    app.run()
    assert not app.exception and app.number_input(key="lpft_epochs").value == 0.0
    assert " changed" not in everything(app)


def test_settings_are_kept_under_a_name_loaded_again_and_deleted_after_a_question(record):
    app = design(record, "lora")
    app.number_input(key="lora_epochs").set_value(4.0).run()
    next(box for box in app.text_input if box.label == "Keep the settings in hand as").set_value(
        "careful $5 *x* :red[y]"
    )
    press(app, "Keep")
    (kept,) = services.presets().list()
    assert (kept.recipe, kept.options["strategy"], kept.options["epochs"]) == (
        "finetune",
        "lora",
        4.0,
    )
    assert not kept.shared
    app = design(record, "probe")
    app.button(key="preset_load").click().run()
    assert not app.exception and app.session_state["card_text"] == "lora"
    assert app.number_input(key="lora_epochs").value == 4.0
    config = started(app)
    assert config.options["strategy"] == "lora" and config.options["epochs"] == 4.0
    app = design(record, "probe")
    app.button(key="preset_delete").click().run()
    assert services.presets().list() and ":red[y]" not in everything(app)
    app.button(key="preset_delete_sure").click().run()
    assert not services.presets().list()


def test_shared_settings_of_others_can_be_loaded_but_not_deleted(record):
    others = PresetStore(open_database(read_settings()), "eve")
    others.keep("hers", "probe", {"max_length": 32}, shared=True)
    others.keep("secret", "probe", {"max_length": 64})
    others.keep("of photos", "baseline", {}, shared=True)
    app = design(record)
    assert "shared by eve" in app.selectbox(key="preset").options[0]
    assert len(app.selectbox(key="preset").options) == 2
    assert "preset_delete" not in {button.key for button in app.button}
    app.button(key="preset_load").click().run()
    assert not app.exception and app.session_state["card_text"] == "probe"
    assert app.number_input(key="probe_max_length").value == 32


def test_a_preset_without_a_name_is_refused_in_words(record):
    app = design(record)
    press(app, "Keep")
    assert "needs a name" in app.error[0].value and not services.presets().list()


def test_an_automatic_search_is_kept_and_loaded_too(record):
    services.presets().keep("short", "auto", {"budget_minutes": 2.0})
    app = design(record)
    app.button(key="preset_load").click().run()
    assert not app.exception and app.session_state["train_way"] == "auto"
    assert app.number_input(key="auto20.0_budget_minutes").value == 2.0


@pytest.mark.parametrize("card", STRATEGIES)
def test_settings_belong_to_the_card_that_made_them(card):
    strategy = STRATEGIES[card]
    options = {"strategy": card} if strategy.recipe == "finetune" else dict(strategy.values)
    assert card_of(strategy.recipe, {**options, "seed": 3}) == card


def test_words_are_looked_for_in_the_explanation_too():
    settings = described("finetune", "text", {})
    found = [one["name"] for one in settings if matches(one, "ULMFiT")] or [
        one["name"] for one in settings if matches(one, "EMA")
    ]
    assert found and len(found) < len(settings)
    assert [one["name"] for one in settings if matches(one, "")] == [
        one["name"] for one in settings
    ]
