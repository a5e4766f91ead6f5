"""Choosing a backbone with AppTest: ranked, of an own run, of the Hub, filtered."""

from __future__ import annotations

import json
import time

import pytest
from tests_support.pages import everything, opened, press
from tests_support.team import BEN, CLEO

from tl_core.access.policy import EVERYBODY
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.errors import BackboneError, NotFoundError
from tl_core.registry.runs import RunStore


def test_backbones_are_ranked_on_the_users_data_and_the_best_is_taken(
    studio, mail, tiny, monkeypatch
):
    app = opened("pages/train/backbone.py", dataset=mail.reference, part="Rank on my data")
    assert not app.exception
    app.multiselect(key="candidates").set_value([studio.backbone, "starter:text"])
    monkeypatch.setenv("TL_MODELS_DIR", str(tiny("bert").parent))
    press(app, "Rank them")
    run = studio.runs.list(kind="rank")[0]
    assert "starter:text" in RunConfig.read(run.folder).options["backbones"]
    studio.finish(run, "light")
    app = opened("pages/train/backbone.py", dataset=mail.reference, part="Rank on my data")
    assert not app.exception
    said = everything(app)
    assert "Take " in said and "First choice of your ranking" in said
    best = json.loads((run.folder / "rank.json").read_text())["recommended"]
    next(button for button in app.button if button.key == "use_recommended").click().run()
    assert app.session_state["tickets"]["backbone"].about == best or app.session_state["backbone"]


def test_an_own_run_is_the_start_of_another(studio, mail, tmp_path):
    first = studio.do(
        mail,
        "train",
        "finetune",
        strategy="full",
        epochs=1.0,
        batch_size=8,
        max_length=16,
        baseline=False,
    )
    app = opened("pages/train/backbone.py", dataset=mail.reference, part="My own models")
    assert f"Your run {first.id}" in everything(app)
    next(button for button in app.button if button.key == f"use_run:{first.id}").click().run()
    assert app.session_state["backbone"] == f"run:{first.id}"
    second = studio.runs.create(
        RunConfig(
            "train",
            "local",
            mail.reference,
            str(mail.folder),
            f"run:{first.id}",
            "probe",
            {"baseline": False},
        )
    )
    studio.finish(second, "train")
    assert json.loads((second.folder / "report.json").read_text())["backbone"] == f"run:{first.id}"
    stranger = RunStore(studio.engine, "somebody", studio.settings.home_path)
    with pytest.raises(NotFoundError):
        stranger.create(
            RunConfig(
                "train",
                "somebody",
                mail.reference,
                str(mail.folder),
                f"run:{first.id}",
                "probe",
            )
        )
    with pytest.raises(NotFoundError):
        stranger.create(
            RunConfig(
                "rank",
                "somebody",
                mail.reference,
                str(mail.folder),
                options={"backbones": ["starter:text", f"run:{first.id}"]},
            )
        )
    gone = studio.runs.create(
        RunConfig("train", "local", mail.reference, str(mail.folder), "", "baseline")
    )
    with pytest.raises(BackboneError, match="has no model"):
        resolve_folder(parse_reference(f"run:{gone.id}"), studio.settings)


def test_a_search_without_the_hub_says_so(studio, mail):
    app = opened("pages/train/backbone.py", dataset=mail.reference)
    next(box for box in app.text_input if box.label == "Search the Hub").set_value("birds")
    press(app, "Search")
    for _ in range(200):
        if app.error:
            break
        time.sleep(0.1)
        app.run()
    assert "The Hub cannot be reached" in everything(app)


def test_the_catalogue_is_filtered(studio, mail):
    app = opened("pages/train/backbone.py", dataset=mail.reference)
    shown = [button.key for button in app.button if str(button.key).startswith("use_hub:")]
    assert 0 < len(shown) <= 7  # six of the catalogue, and the stronger one on top
    app.selectbox(key="cat_language").select("zh").run()
    assert not app.exception
    chinese = [button.key for button in app.button if str(button.key).startswith("use_hub:")]
    assert any("chinese" in key or "zh" in key for key in chinese)
    app.toggle(key="cat_offline").set_value(True).run()
    assert "No backbone matches all of these filters." in everything(app)


@pytest.mark.parametrize(("person", "offered"), [(BEN, True), (CLEO, False)])
def test_a_model_of_ones_own_is_asked_only_of_those_who_may_bring_one(team, mail, person, offered):
    team.sharing().share("project", "mail", EVERYBODY, "editor")
    team.be(person)
    app = opened("pages/train/backbone.py", dataset="ana/mail@1", part="My own models")
    assert not app.exception and "A model of my own" in everything(app)
    assert bool(app.get("file_uploader")) == offered
    assert any("Your role here is viewer" in box.value for box in app.info) != offered
