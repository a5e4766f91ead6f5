"""Everyday tables of texts, those of labelling tools and programs among them."""

from __future__ import annotations

import json

from tests_support.everyday import Case, ab, rows, sentence, table
from tests_support.everyday_exports import EXPORTS, TWO

TABLES: dict[str, Case] = {
    "no header, class first": Case(
        {
            "sms.tsv": table(
                "", [("ham" if n % 3 else "spam", sentence(n)) for n in range(30)], "\t"
            )
        },
        {"ham": 20, "spam": 10},
        sure=False,
    ),
    "dates with the day first": Case(
        {
            "t.csv": table(
                "text,label,date", rows(40, ab, lambda n: f"{n % 28 + 1:02}/{n % 12 + 1:02}/2025")
            )
        },
        {"a": 20, "b": 20},
        options={"date_column": "date"},
    ),
    "dates that could be either": Case(
        {
            "t.csv": table(
                "text,label,date",
                rows(40, ab, lambda n: f"{n % 12 + 1:02}/{(n * 7) % 12 + 1:02}/2025"),
            )
        },
        asks="date_order",
        options={"date_column": "date"},
    ),
    "one-hot classes of texts": Case(
        {"t.csv": table("text,ham,spam", rows(20, lambda n: n % 2, lambda n: 1 - n % 2))},
        {"ham": 10, "spam": 10},
    ),
    "several labels in columns": Case(
        {
            "t.csv": table(
                "comment_text,toxic,insult,threat",
                rows(30, lambda n: n % 2, lambda n: n % 3 == 0 and 1 or 0, lambda n: 0),
            )
        },
        {"insult": 10, "toxic": 15},
        sure=False,
        told="any number of ones",
    ),
    "one of several labels chosen": Case(
        {
            "t.csv": table(
                "comment_text,toxic,insult,threat",
                rows(30, lambda n: n % 2, lambda n: n % 3 == 0 and 1 or 0, lambda n: 0),
            )
        },
        {"0": 15, "1": 15},
        options={"label_column": "toxic"},
    ),
    "is_test": Case(
        {"t.csv": table("text,label,is_test", rows(20, ab, lambda n: int(n >= 16)))},
        TWO,
        {"test": 4},
    ),
    "a split that is no word": Case(
        {
            "t.csv": table(
                "text,label,split",
                rows(20, ab, lambda n: "tset" if n in (3, 5) else "train" if n < 16 else "test"),
            )
        },
        refuses="'tset' \\(2 rows\\)",
    ),
    "blank splits": Case(
        {
            "t.csv": table(
                "text,label,split",
                rows(20, ab, lambda n: "" if n < 3 else "train" if n < 16 else "test"),
            )
        },
        TWO,
        {"test": 4},
        finding="blank_splits",
    ),
    "a fold column": Case(
        {"t.csv": table("text,label,fold", rows(20, ab, lambda n: n % 5))}, TWO, sure=False
    ),
    "a fold column, one chosen": Case(
        {"t.csv": table("text,label,fold", rows(20, ab, lambda n: n % 5))},
        TWO,
        {"test": 4},
        options={"test_fold": "3"},
    ),
    "a column that is not there": Case(
        {"t.csv": table("text,label", rows(20, ab))},
        refuses="no column 'lable'",
        options={"label_column": "lable"},
    ),
    "stars beside funny": Case(
        {
            "yelp.csv": table(
                "text,stars,funny,useful,type",
                rows(30, lambda n: n % 5 + 1, lambda n: n % 3, lambda n: n % 2, lambda n: "review"),
            )
        },
        {str(s): 6 for s in range(1, 6)},
        sure=False,
    ),
    "Score beside Summary": Case(
        {
            "reviews.csv": table(
                "Text,Id,ProductId,HelpfulnessNumerator,Score,Summary",
                rows(
                    30,
                    lambda n: n,
                    lambda n: f"B{n:05}",
                    lambda n: n % 2,
                    lambda n: n % 3 + 1,
                    lambda n: f"Good {n}",
                ),
            )
        },
        {"1": 10, "2": 10, "3": 10},
        sure=False,
        columns={"text": "Text", "label": "Score"},
    ),
    "two columns that could be the class": Case(
        {
            "t.csv": table(
                "text,topic,sentiment",
                rows(24, lambda n: "xyz"[n % 3], lambda n: ["good", "bad"][n // 3 % 2]),
            )
        },
        asks="label_column",
    ),
    "a number and its name": Case(
        {
            "t.csv": table(
                "text,label,label_text", rows(20, lambda n: n % 2, lambda n: ["ham", "spam"][n % 2])
            )
        },
        {"ham": 10, "spam": 10},
    ),
    "a class for each row": Case(
        {"t.csv": table("text,label", rows(60, lambda n: f"name {n}"))}, refuses="of their own"
    ),
    "lists of one": Case(
        {"t.csv": table("text,label", rows(20, lambda n: json.dumps([ab(n)])))}, TWO
    ),
    "names in brackets": Case(
        {"t.csv": table("text,label", rows(20, lambda n: ["[spam]", "[ham]"][n % 2]))},
        {"[spam]": 10, "[ham]": 10},
    ),
    "joined names": Case(
        {"t.csv": table("text,label", rows(30, lambda n: ["x|y", "y|z", "x"][n % 3]))},
        {"x": 20, "y": 20, "z": 10},
        told="several classes",
    ),
    "joined names that are one": Case(
        {"t.csv": table("text,label", rows(30, lambda n: ["x|y", "y|z", "x"][n % 3]))},
        {"x|y": 10, "y|z": 10, "x": 10},
        options={"task": "single_label"},
    ),
    "blanks of all kinds in names": Case(
        {
            "t.csv": table(
                "text,label",
                rows(20, lambda n: ["New York", "New\u00a0York", "Rome", "Rome\u3000"][n % 4]),
            )
        },
        {"New York": 10, "Rome": 10},
    ),
    "Persian joiners": Case(
        {"t.csv": table("text,label", rows(20, lambda n: ["می\u200cخواهم", "خوب"][n % 2]))},
        {"می\u200cخواهم": 10, "خوب": 10},
    ),
    "two spellings of a number": Case(
        {"t.csv": table("text,label", rows(20, lambda n: ["1", "2", "1.0", "2.0"][n % 4]))},
        {"1": 5, "1.0": 5, "2": 5, "2.0": 5},
        finding="similar_names",
    ),
    "files put behind each other": Case(
        {
            "t.csv": (
                table("text,label", rows(10, ab))
                + table("text,label", [(sentence(n), ab(n)) for n in range(10, 20)])
            )
        },
        TWO,
        aside="names of the columns",
    ),
    "quotation marks late in a file": Case(
        {
            "t.tsv": (
                "text\tlabel\n"
                + "".join(
                    (f'"So he said {n}' if n in (250, 431) else sentence(n)) + f"\t{ab(n)}\n"
                    for n in range(600)
                )
            )
        },
        {"a": 300, "b": 300},
    ),
    "one NUL byte": Case(
        {"t.csv": table("text,label", rows(200, ab)).replace("late", "la\0te", 1)},
        {"a": 100, "b": 100},
        told="NUL",
    ),
    "UTF-8 and cp1252 in one file": Case(
        {
            "t.csv": (
                b"text,label\n"
                + b"".join(
                    f"schöne Grüße aus Köln {n},{ab(n)}\n".encode("utf-8" if n % 2 else "cp1252")
                    for n in range(20)
                )
            )
        },
        TWO,
        sure=False,
        told="UTF-8",
    ),
    "decoded wrongly once": Case(
        {
            "t.csv": table(
                "text,label",
                [
                    (
                        (
                            f"schöne Grüße aus Köln {n}".encode().decode("cp1252")
                            if n < 6
                            else sentence(n)
                        ),
                        ab(n),
                    )
                    for n in range(20)
                ],
            )
        },
        TWO,
        finding="mojibake",
    ),
    "tables of shards": Case(
        {
            f"data/train-0000{k}-of-00002.csv": table(
                "text,label", [(sentence(n + 10 * k), ab(n)) for n in range(10)]
            )
            for k in (0, 1)
        },
        TWO,
    ),
    "a table for each class": Case(
        {
            f"{name}.csv": table(
                "title,body", [(f"News {n}", sentence(n + 50 * k)) for n in range(10)]
            )
            for k, name in enumerate(("Fake", "True"))
        },
        {"Fake": 10, "True": 10},
        sure=False,
    ),
    "AG News": Case(
        {
            "train.csv": table(
                "", [(n % 4 + 1, f"Title {n}", sentence(n) + " and more of it") for n in range(40)]
            ),
            "test.csv": table(
                "",
                [(n % 4 + 1, f"Title {n}", sentence(n) + " and more of it") for n in range(40, 48)],
            ),
            "classes.txt": "World\nSports\nBusiness\nTech\n",
            "readme.txt": "AG News\n",
        },
        {"World": 12, "Sports": 12, "Business": 12, "Tech": 12},
        {"test": 8},
        sure=False,
    ),
    "a survey with a second header row": Case(
        {
            "s.csv": (
                "Respondent ID,Start Date,What did you think?,Recommend us?\n"
                ",,Open-Ended Response,Response\n"
                + "".join(
                    f"{100 + n},01/02/2024,{sentence(n)},{['Yes', 'No'][n % 2]}\n"
                    for n in range(24)
                )
            )
        },
        {"Yes": 12, "No": 12},
        sure=False,
        told="header row",
    ),
    "a survey with question texts and identifiers": Case(
        {
            "q.csv": (
                "StartDate,Q1,Q2\nStart Date,Tell us more,Happy?\n"
                + '"{""ImportId"":""startDate""}","{""ImportId"":""QID1""}",'
                + '"{""ImportId"":""QID2""}"\n'
                + "".join(
                    f"2024-01-0{n % 9 + 1} 10:00:00,{sentence(n)},{['very', 'not'][n % 2]}\n"
                    for n in range(24)
                )
            )
        },
        {"very": 12, "not": 12},
        sure=False,
        told="header rows",
    ),
    **EXPORTS,
    # small and one-sided
    "two rows": Case(
        {"t.csv": "text,label\nhello you,a\ngood bye,b\n"}, {"a": 1, "b": 1}, finding="too_small"
    ),
    "a test of one class": Case(
        {
            "t.csv": table(
                "text,label,split", rows(20, ab, lambda n: "test" if n in (1, 3, 5) else "train")
            )
        },
        TWO,
        {"test": 3},
        finding="one_class_test",
    ),
}
