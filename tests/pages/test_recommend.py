"""Which backbone is recommended, and which are offered as faster and as stronger."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened

from pages.sections.train.recommend import picks, weights_of
from tl_core.backbones.describe import STARTERS
from tl_core.results import SPEEDS


def at_hand(modality, **problems):
    return [
        {
            "reference": reference,
            **starter,
            "problem": problems.get(reference, ""),
            "knows": ["a cat"] if modality == "image" else [],
        }
        for reference, starter in STARTERS.items()
        if starter["modality"] == modality
    ]


def roles(found):
    return {pick.role: pick.reference for pick in found}


def ranked_row(backbone, value, speed, depth=0):
    probe = {"value": value, "low": value - 0.05, "high": value + 0.05}
    return {
        "backbone": backbone,
        "depth": depth,
        "name": backbone,
        "probe": probe,
        "items_per_second": speed,
    }


def ranking(*rows, depth=0):
    return {
        "ranking": list(rows),
        "recommended": rows[0]["backbone"],
        "recommended_depth": depth,
        "recommended_name": rows[0]["name"],
    }


def test_english_texts_get_the_small_one_with_alternatives_that_read_english():
    found = picks("starter:text", at_hand("text"), {}, None, "text")
    assert [pick.role for pick in found] == ["recommended", "faster", "stronger"]
    assert roles(found)["recommended"] == "starter:text"
    assert roles(found)["faster"] == "static:starter:text"
    assert roles(found)["stronger"].startswith("hub:") and "multilingual" not in found[2].reference
    assert "English" in found[0].reason


def test_texts_in_other_languages_are_offered_nothing_that_reads_only_english():
    found = picks("starter:multilingual", at_hand("text"), {}, None, "text")
    assert roles(found) == {
        "recommended": "starter:multilingual",
        "stronger": "hub:FacebookAI/xlm-roberta-base",
    }


def test_photos_keep_the_classes_of_the_pretraining():
    found = picks("starter:image", at_hand("image"), {}, None, "image")
    assert roles(found)["faster"] == "starter:image-small" and found[0].knows == ["a cat"]


def test_what_cannot_be_used_is_no_alternative_but_says_why_where_it_is_recommended():
    cards = at_hand("image", **{"starter:image": "is missing", "starter:image-small": "is missing"})
    found = picks("starter:image", cards, {}, None, "image")
    assert "faster" not in roles(found) and found[0].problem == "is missing"


def test_measured_speed_decides_what_is_faster():
    speeds = {"starter:text": 100.0, "starter:multilingual": 900.0}
    found = picks("starter:text", at_hand("text"), speeds, None, "text")
    assert roles(found)["faster"] == "starter:multilingual" and "9.0 times" in found[1].reason


def test_a_ranking_on_the_data_decides_everything():
    rows = ranking(
        ranked_row("starter:text", 0.9, 100.0, depth=3),
        ranked_row("hub:a/strong", 0.92, 10.0),
        ranked_row("static:starter:text", 0.7, 900.0),
        depth=3,
    )
    found = picks("starter:multilingual", at_hand("text"), {}, rows, "text")
    assert roles(found) == {
        "recommended": "starter:text",
        "faster": "static:starter:text",
        "stronger": "hub:a/strong",
    }
    assert found[0].depth == 3 and "85 to 95" in found[0].reason


def test_one_that_is_best_in_all_ways_needs_no_alternative():
    found = picks("starter:text", at_hand("text"), {}, ranking(ranked_row("x", 0.9, 50.0)), "text")
    assert roles(found) == {"recommended": "x"}


@pytest.mark.parametrize(("size", "weights"), [("91 MB, 22.7 million weights", 22.7), ("3 MB", 0)])
def test_weights_are_read_from_the_card(size, weights):
    assert weights_of({"size": size}) == weights


def test_the_page_begins_with_the_recommended_one_and_its_reason(studio, mail):
    app = opened("pages/train/backbone.py", dataset=mail.reference)
    assert not app.exception
    first = next(button for button in app.button if str(button.key).startswith("use_"))
    assert first.key == "use_starter:text" and first.proto.type == "primary"
    said = everything(app)
    assert "Your texts read as English" in said and "stronger" in said
    keys = [str(button.key) for button in app.button]
    assert len(keys) == len(set(keys))


def test_the_page_knows_measured_speeds(studio, mail):
    SPEEDS.write(studio.settings.home_path, {"starter:text": 10.0, "static:starter:text": 80.0})
    app = opened("pages/train/backbone.py", dataset=mail.reference)
    assert "8\\.0 times as fast" in everything(app)
