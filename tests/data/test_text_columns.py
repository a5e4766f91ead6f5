"""Which column is the text: not the remark, markup, title or name of a file beside it."""

from __future__ import annotations

import pytest
from tests_support.column_tables import each, guess, longer, sure, text
from tests_support.everyday import ab, sentence

from tl_core.errors import DataError

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
    what = "paths of recordings" if ending in ("wav", "mp3") else "names of files"
    with pytest.raises(DataError, match=f"'document' holds {what}, which are no texts"):
        guess({"document": lambda row: f"letters/2024/from customer {row}.{ending}", "label": ab})
    assert (
        guess({"document": lambda row: f"{row}.{ending}", "wording": text, "label": ab}).text
        == "wording"
    )
