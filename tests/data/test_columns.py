"""Which column is the class, the text, the split: taken where it is sure, said where it is not,
asked where two fit.
"""

from __future__ import annotations

import pandas as pd
import pytest
from tests_support.datasets import build
from tests_support.everyday import ab, sentence

from tl_core.data.columns import guess_columns, guess_image_columns
from tl_core.data.schema import ImportOptions
from tl_core.errors import AmbiguousError, DataError


def each(*values):
    """A cell for each row, the values by turns."""
    return lambda row: values[row % len(values)]


def other(*values, every=2):
    """The same in blocks, so that rows are sorted differently from `each`."""
    return lambda row: values[row // every % len(values)]


def text(row):
    return sentence(row)


def longer(times, start=300):
    return lambda row: " ".join(sentence(start + row * 10 + part) for part in range(times))


def frame(columns, rows=48):
    return pd.DataFrame(
        {name: [str(cell(row)) for row in range(rows)] for name, cell in columns.items()}, dtype=str
    )


def guess(columns, rows=48, **options):
    return guess_columns(frame(columns, rows), ImportOptions(**options))


def sure(found):
    return all(one.certain for one in found.taken) and not found.doubts


def asked(columns, rows=48, **options):
    with pytest.raises(AmbiguousError) as caught:
        guess(columns, rows, **options)
    return caught.value.option, list(caught.value.choices)


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
    assert guess_image_columns(table, ImportOptions(), "file", needed=False).label == ""


SPLIT_NAMES = [
    "source",
    "dataset",
    "group",
    "purpose",
    "data_type",
    "split_set",
    "train_or_test",
    "Teilmenge",
    "Datensatz",
    "Stichprobe",
    "data set",
    "column 1",
    "mode",
    "where it belongs",
]
SPLIT_CELLS = [
    ("train", "test"),
    ("TRAIN", "TEST"),
    ("train.csv", "test.csv"),
    ("training", "testing"),
    ("Trainingsdaten", "Testdaten"),
    ("imdb_train", "imdb_test"),
    ("Training set", "Validation set"),
]


@pytest.mark.parametrize("cells", SPLIT_CELLS)
@pytest.mark.parametrize("name", SPLIT_NAMES)
def test_a_column_of_nothing_but_names_of_splits_is_the_split_whatever_it_is_called(name, cells):
    found = guess({name: lambda row: cells[row > 35], "text": text, "label": ab})
    assert (found.split, found.text, found.label) == (name, "text", "label")
    assert sure(found)


def test_words_that_only_look_like_splits_are_none():
    for cells in (("train", "bus"), ("train", "plane", "test drive"), ("train",), ("test", "dev")):
        assert guess({"text": text, "label": ab, "topic": each(*cells)}).split == ""
    assert guess({"text": text, "label": each("train", "test")}).label == "label"
    rare = guess(
        {"text": text, "label": ab, "remark": lambda row: {3: "train", 4: "test"}.get(row, "")}
    )
    assert rare.split == ""


def test_train_alone_in_the_first_rows_is_a_split_that_goes_on():
    for name in ("split", "purpose", "Datensatz"):
        assert guess({"text": text, "label": ab, name: each("train")}).split == name
    assert guess({"text": text, "label": ab, "source": each("train")}, rows=1200).split == "source"
    assert (
        guess(
            {"text": text, "transport": each("train"), "code": lambda row: f"c{row}"},
            rows=1200,
            label_column="transport",
        ).split
        == ""
    )


SURE_FLAGS = [
    ("is_train", 1),
    ("in_train", 1),
    ("train_flag", 1),
    ("used for training", 1),
    ("holdout", 0),
    ("ist_test", 0),
    ("isTest", 0),
    ("test_set", 0),
]


@pytest.mark.parametrize(
    "yes_no", [("1", "0"), ("TRUE", "FALSE"), ("WAHR", "FALSCH"), ("yes", "no"), ("x", "")]
)
@pytest.mark.parametrize(("name", "train"), SURE_FLAGS)
def test_flags_that_ask_for_a_split_are_it(name, train, yes_no, tmp_path):
    yes, no = yes_no
    columns = {
        "text": text,
        "label": ab,
        name: lambda row: yes if (row < 36) == bool(train) else no,
    }
    found = guess(columns)
    assert (found.split, sure(found)) == (name, True)
    if yes_no == ("WAHR", "FALSCH"):
        frame(columns).to_csv(tmp_path / "t.csv", index=False)
        assert build(tmp_path / "t.csv", tmp_path / "v").info.splits["test"] == 12


@pytest.mark.parametrize(
    ("name", "test"), [("test", 1), ("train", 0), ("training", 0), ("Test", 1), ("testing", 1)]
)
def test_a_bare_name_of_a_split_over_yes_and_no_is_asked_about(name, test):
    table = {
        "text": text,
        "label": each("good", "bad"),
        name: lambda row: test if row > 35 else 1 - test,
    }
    assert asked(table) == ("split_column", [name, "none"])
    assert guess(table, split_column=name).split == name
    for no in ({"split_column": "none"}, {"ignore_splits": True}):
        found = guess(table, **no)
        assert (found.split, found.label) == ("", "label")


def test_bare_names_among_other_facts_or_as_the_only_class_are_no_splits():
    found = guess(
        {
            "text": text,
            "label": ab,
            "train": each(1, 1, 0),
            "bus": each(0, 1, 1),
            "car": other(0, 1),
        }
    )
    assert found.split == ""
    assert any("--split-column" in note for note in found.notes)
    assert (
        guess({"text": text, "label": ab, "test": each(1, 1, 1, 0)}).split == ""
    )  # most rows are never the test
    assert guess({"text": text, "label": ab, "valid": each(1, 1, 1, 0)}).split == ""
    alone = guess({"text": text, "test": each(1, 0, 0)})
    assert (alone.label, alone.notes) == ("test", ())
    late = guess(
        {
            "text": text,
            "label": ab,
            "train": lambda row: int(row < 36),
            "test": lambda row: int(row >= 36),
        }
    )
    assert (late.split, late.one_hot, sure(late)) == ("train", (), True)


def test_columns_that_split_differently_are_asked_about_and_ones_that_agree_are_not():
    words = {
        "text": text,
        "label": ab,
        "split": lambda row: "train" if row < 30 else "dev" if row < 36 else "test",
    }
    assert guess({**words, "is_test": lambda row: int(row >= 36)}).split == "split"
    assert guess({"fold": each(*range(5)), **words}).named() == {
        "text": "text",
        "label": "label",
        "split": "split",
    }
    assert asked({**words, "origin": each("train", "test")}) == (
        "split_column",
        ["split", "origin", "none"],
    )


def test_a_column_named_like_a_split_counts_only_where_most_cells_are_names_of_splits():
    found = guess({"text": text, "label": ab, "mode": each("online", "online", "test")})
    assert (found.split, sure(found)) == ("", True)
    assert any("'mode'" in note for note in found.notes)
    odd = guess({"text": text, "label": ab, "split": each("A", "B")})
    assert (odd.split, sure(odd)) == ("", False)
    for name in ("split", "mode", "usage"):
        table = {"text": text, "label": ab, name: each("train", "train", "tset", "test")}
        with pytest.raises(DataError, match=r"'tset' \(12 rows\).*--ignore-splits"):
            guess(table)
        assert guess(table, ignore_splits=True).split == ""


REMARKS = {
    "ok": ({"customer_said": text, "comment": each("ok", "see ticket")}, "customer_said"),
    "one in six": (
        {"statement text": text, "comment": each("check", "", "", "", "", "")},
        "statement text",
    ),
    "a line before it": ({"description": text, "transcription": longer(6)}, "transcription"),
    "a German remark": ({"Kommentar": each("erledigt", "offen"), "Anliegen": text}, "Anliegen"),
    "answers of one word": (
        {"response": each("yes", "no", "maybe"), "what they wrote": text},
        "what they wrote",
    ),
}


@pytest.mark.parametrize("case", REMARKS)
def test_a_short_remark_is_not_the_text_for_its_name(case):
    columns, expected = REMARKS[case]
    found = guess({**columns, "label": ab})
    assert found.text == expected
    assert case == "one in six" or not sure(found)


@pytest.mark.parametrize("name", ["text", "sentence", "tweet", "utterance"])
def test_a_name_of_the_text_itself_stays_with_a_doubt_where_another_column_says_more(name):
    found = guess({name: text, "background": longer(5), "label": ab})
    assert (found.text, sure(found)) == (name, False)
    found = guess({name: lambda row: sentence(row) if row % 3 else "", "other": text, "label": ab})
    assert (found.text, sure(found)) == (name, False)


@pytest.mark.parametrize(
    "beside",
    [
        {"code": lambda row: f"{row:040x}"},
        {"url": lambda row: f"https://a.org/{row}" * 9},
        {"notes": each("", "", "", longer(5)(1))},
        {"page": lambda row: f"page {row}"},
    ],
)
def test_an_ordinary_text_is_sure_beside_columns_of_other_kinds(beside):
    found = guess({"text": text, "label": ab, **beside})
    assert (found.text, found.label, sure(found)) == ("text", "label", True)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("prompt", "response"),
        ("question", "answer"),
        ("premise", "hypothesis"),
        ("question1", "question2"),
        ("sentence1", "sentence2"),
        ("Frage", "Antwort"),
    ],
)
def test_the_second_text_of_a_pair_is_named_in_a_doubt(first, second):
    found = guess({first: text, second: lambda row: sentence(row + 500) + " indeed", "label": ab})
    unread = second if found.text == first else first
    assert found.doubts == (
        f"The column {unread!r} is not read; --title-column puts it before the text.",
    )
    assert (
        guess(
            {first: text, second: longer(1), "label": ab}, text_column=first, title_column=second
        ).doubts
        == ()
    )


@pytest.mark.parametrize(
    "version", [lambda row: sentence(row).upper(), lambda row: sentence(row)[:-3] + " !"]
)
def test_another_version_of_the_text_is_no_second_text(version):
    assert sure(guess({"text": text, "clean_text": version, "label": ab}))


MARKUP = [
    ("Resume_str", "Resume_html", longer(3)),
    ("body_text", "body", None),
    ("page_plain", "page source", None),
    ("article_clean", "article_raw", longer(2)),
]


@pytest.mark.parametrize(("plain", "marked", "cells"), MARKUP)
def test_markup_never_beats_the_plain_text_beside_it(plain, marked, cells):
    cells = cells or text
    found = guess(
        {
            plain: cells,
            marked: lambda row: f"<div class='a b c'><p>{cells(row)} {cells(row)}</p></div>",
            "Category": ab,
        }
    )
    assert (found.text, found.doubts) == (plain, ())


def test_markup_is_the_text_where_only_a_title_stands_beside_it():
    found = guess(
        {
            "Title": lambda row: f"Java {row}: repeat",
            "Body": lambda row: f"<p>{sentence(row)}</p>",
            "Y": ab,
        }
    )
    assert found.text == "Body"


@pytest.mark.parametrize(
    "ending", ["txt", "md", "pdf", "docx", "html", "xml", "wav", "mp3", "mp4", "JSON"]
)
def test_names_of_files_are_no_texts(ending):
    with pytest.raises(DataError, match="'document' holds names of files, which are no texts"):
        guess({"document": lambda row: f"letters/2024/from customer {row}.{ending}", "label": ab})
    assert (
        guess({"document": lambda row: f"{row}.{ending}", "wording": text, "label": ab}).text
        == "wording"
    )
