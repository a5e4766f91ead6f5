"""Which column is the class: by its name, its cells, and what stands beside it."""

from __future__ import annotations

import pytest
from tests_support.column_tables import asked, each, frame, guess, other, sure, text

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.roles.columns import guess_file_columns

FLAG, NOT_FLAG = each(1, 0, 0), each(0, 1, 1)
HALF = other("yes", "no", every=4)
NAMED_BESIDE_FLAGS = [
    "airline_sentiment",
    "department_name",
    "resolved_outcome",
    "Finding Labels",
    "result",
    "Genre",
]


@pytest.mark.parametrize("name", NAMED_BESIDE_FLAGS)
def test_a_column_named_like_a_class_wins_over_two_flags_that_add_up(name):
    found = guess({"text": text, name: HALF, "is_reply": FLAG, "is_original": NOT_FLAG})
    assert (found.label, found.one_hot) == (name, ())
    assert sure(found)


@pytest.mark.parametrize(
    "flags", [("male", "female"), ("vip", "regular"), ("has_image", "no_image")]
)
def test_two_flags_beside_another_column_that_repeats_are_asked_about(flags):
    table = {"report": text, flags[0]: FLAG, flags[1]: NOT_FLAG, "kind": HALF}
    assert asked(table) == ("label_column", ["kind", ", ".join(flags)])
    together = guess(table, label_column=", ".join(flags))
    assert (together.one_hot, together.label, together.text) == (flags, "", "report")
    assert guess(table, label_column="kind").label == "kind"


def test_three_flags_that_add_up_are_asked_about_beside_a_named_class_unless_they_are_one_feature():
    hot = {"joy": each(1, 0, 0), "anger": each(0, 1, 0), "fear": each(0, 0, 1)}
    assert asked({"text": text, "topic": HALF, **hot})[1] == ["topic", "joy, anger, fear"]
    found = guess(
        {"text": text, "topic": HALF, **{f"land_{name}": cell for name, cell in hot.items()}}
    )
    assert found.label == "topic"
    found = guess({"text": text, "country": HALF, **hot})  # what people note about an item
    assert found.one_hot == ("joy", "anger", "fear")
    assert not sure(found)


@pytest.mark.parametrize(
    "columns",
    [
        {"ham": FLAG, "spam": NOT_FLAG},
        {"Lob": each(1, 0, 0), "Kritik": each(0, 1, 0), "Frage": each(0, 0, 1)},
        {"user_id": each("u1", "u2", "u3", "u4", "u5"), "ham": FLAG, "spam": NOT_FLAG},
        {"good": each("True", "False"), "bad": each("False", "True")},
    ],
)
def test_flags_that_alone_can_be_the_class_are_it(columns):
    found = guess({"text": text, **columns})
    assert found.one_hot == tuple(name for name in columns if name != "user_id")
    assert sure(found)


@pytest.mark.parametrize(
    ("one", "zero"), [("confidence", "retweet_count"), ("weight", "likes"), ("verified", "deleted")]
)
def test_a_column_of_ones_beside_one_of_zeros_is_no_class(one, zero):
    found = guess({"text": text, "product_category": HALF, one: each("1.0"), zero: each(0)})
    assert (found.label, found.one_hot) == ("product_category", ())
    found = guess({"text": text, "kind": HALF, one: each(1), zero: each(0)}, rows=1200)
    assert (found.label, found.one_hot) == ("kind", ())


def test_a_class_that_the_first_rows_lack_stays_among_the_others():
    found = guess({"text": text, "cat": FLAG, "cow": each(0), "dog": NOT_FLAG})
    assert found.one_hot == ("cat", "cow", "dog")
    found = guess({"text": text, "cat": each(1), "cow": each(0), "dog": each(0)}, rows=1200)
    assert found.one_hot == ("cat", "cow", "dog")
    assert not sure(found)


ONE_OF_TWO = [
    ("lang", "airline_sentiment"),
    ("type", "issue_category"),
    ("priority", "assigned_team"),
    ("level", "decision(accept/reject)"),
    ("severity", "squad"),
    ("stars", "review_topic"),
    ("quality", "Klasse des Fehlers"),
    ("note", "ville"),
]


@pytest.mark.parametrize(("weak", "better"), ONE_OF_TWO)
def test_a_weak_name_beside_another_column_that_could_be_the_class_is_asked_about(weak, better):
    assert asked({"description": text, weak: each("x", "y", "z"), better: HALF}) == (
        "label_column",
        [weak, better],
    )


@pytest.mark.parametrize("weak", ["language", "Type", "priority", "section"])
def test_a_weak_name_is_sure_only_where_nothing_else_sorts_the_rows(weak):
    alone = guess({"id": str, "text": text, weak: each("x", "y", "z")})
    assert alone.label == weak
    assert sure(alone)
    beside = guess({"text": text, weak: each("x", "y", "z"), "place": lambda row: f"p{row // 2}"})
    assert beside.label == weak
    assert not sure(beside)


@pytest.mark.parametrize(
    "name",
    [
        "category",
        "Sentiment",
        "ticket_topic",
        "Finding Labels",
        "polaridad",
        "Stimmung",
        "sentimento",
        "polarité",
        "情感",
        "情感倾向",
        "感情",
        "감정",
        "Catégorie",
    ],
)
def test_a_strong_name_is_sure_beside_columns_of_facts(name):
    found = guess(
        {
            "id": str,
            "body": text,
            name: HALF,
            "país": each("Perú", "Chile", "Cuba"),
            "helpful": each(0, 1, 2),
        }
    )
    assert (found.text, found.label) == ("body", name)
    assert sure(found)


@pytest.mark.parametrize(
    "name", ["airline_sentiment_confidence", "category:confidence", "toxicity_score", "label prob"]
)
@pytest.mark.parametrize("cells", [("1.0", "0.66", "0.34"), ("0.5", "1", "0.75")])
def test_numbers_that_say_how_sure_somebody_was_are_no_class(name, cells):
    found = guess({"text": text, "kind": HALF, name: each(*cells)})
    assert found.label == "kind"


def test_a_rating_in_half_steps_is_still_a_class():
    found = guess({"review": text, "rating": each("4.5", "3.5", "0.5", "5")})
    assert found.label == "rating"
    assert not sure(found)


@pytest.mark.parametrize("name", ["title", "newsgroup_name", "meaning"])
def test_readable_names_of_numbered_classes_are_the_class_and_no_title(name):
    found = guess(
        {
            "": str,
            "text": text,
            "target": each(0, 1, 2),
            name: each("rec.autos", "sci.med", "comp.graphics"),
        }
    )
    assert found.label == name
    assert sure(found)
    assert any("'target' says the same" in note for note in found.notes)


def test_a_title_that_says_the_class_is_not_offered():
    found = guess(
        {"text": text, "label": each("a", "b", "c"), "title": each("about a", "about b", "about c")}
    )
    assert (found.label, found.doubts) == ("label", ())


def test_a_column_with_gaps_never_replaces_its_full_twin():
    found = guess(
        {"source": each("gj04"), "judgement": each(0, 1), "mark": each("*", ""), "phrase": text}
    )
    assert (found.label, found.text) == ("judgement", "phrase")
    found = guess({"text": text, "label": each(0, 1), "label_text": each("", "spam")})
    assert found.label == "label"


@pytest.mark.parametrize(
    "names", [("label", "label (2)"), ("category", "category (2)"), ("class", "class.1")]
)
def test_two_columns_of_one_name_that_sort_differently_are_asked_about(names):
    assert asked({"text": text, names[0]: each("a", "b"), names[1]: other("x", "y", "z")})[
        1
    ] == list(names)
    assert (
        guess({"text": text, names[0]: each("a", "b"), names[1]: each("a", "b")}).label == names[0]
    )


@pytest.mark.parametrize(
    "rest",
    [
        lambda row: "Other (please specify)" if not row else "",
        lambda row: {5: "by post", 9: "by phone"}.get(row, ""),
        lambda row: "",
    ],
)
def test_a_column_of_a_few_single_remarks_is_no_candidate(rest):
    found = guess(
        {
            "What did you think?": text,
            "Would you recommend us?": each("Yes", "No"),
            "column 6": rest,
        }
    )
    assert found.label == "Would you recommend us?"


def test_a_table_beside_class_folders_asks_nothing():
    table = frame(
        {
            "file": lambda row: f"{row}.png",
            "lang": each("en", "de"),
            "site": other("x", "y"),
            "kind": each(*"abc"),
        }
    )
    assert guess_file_columns(table, ImportOptions(), "file", needed=False).label == ""
