"""What the model says about new items: one with its probabilities and reasons, several as a table
or as files with the answers below them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.items import explanation, new_item
from pages.sections.items.item_pages import Content
from pages.sections.items.new_item import TOPICS
from pages.sections.use.model_card import Model
from pages.shell import ask, problems
from pages.shell.words import counted, plain, sure
from pages.widgets import charts
from tl_core.data.label_sets import as_cell, called
from tl_core.errors import UserError
from tl_core.tasks.kept_thresholds import decision_of_model

Given = tuple[Content, str]  # an item, and what tells it from others
Pairs = list[tuple[str, float]]  # classes and probabilities, the most likely first
_WAITING = "Predicting… the first prediction of a model takes some seconds."
_WIDTH = 220
_CELL = 200  # pixels that a picture among several has at least


def send(model: Model, given: Sequence[Given]) -> None:
    """Ask the helper process about what was given just now; the same several are asked about
    once.
    """
    if len(given) == 1:
        new_item.forget()
        ask.send("answer", "predict_one", given[0][1], folder=str(model.folder), value=given[0][0])
        st.session_state["item"] = given[0][0]
    elif given:
        about = _digest(model, given)
        if not ask.is_about(TOPICS[0], about):
            new_item.forget()
            _send_several(model, given, about)


def _send_several(model: Model, given: Sequence[Given], about: str) -> None:
    """Texts go together; each file by itself, so that a damaged one spoils no other."""
    folder, texts = str(model.folder), [value for value, _ in given if isinstance(value, str)]
    if texts:
        ask.send(TOPICS[0], "predict_texts", about, folder=folder, texts=texts)
    else:
        for topic, (value, _) in zip(TOPICS, given, strict=False):
            ask.send(topic, "predict_one", about, folder=folder, value=value)
    st.session_state["given"] = texts or [name.partition("/")[2] for _, name in given]


def is_any() -> bool:
    """Whether anything was asked about."""
    return bool({"answer", TOPICS[0]} & set(st.session_state["tickets"]))


def show_one(model: Model) -> Pairs | None:
    """What it says, how sure it is, and the runners-up; gives these once they are there."""
    pairs: Pairs | None = ask.answer("answer", _WAITING)
    if pairs is None:
        return None
    [said] = _said(model, [pairs])
    st.markdown(f"#### {plain(said.label)} :small[{sure(said.confidence)}]")
    if said.confidence < model.least:
        st.warning(
            f"A person should decide: it is less than {model.least:.0%} sure.",
            icon=":material/person:",
        )
    charts.probabilities(pairs, "answer", said.named)
    return pairs


class _Said(NamedTuple):
    """What the model says of an item: its probabilities, the answer in words, how sure it is, the
    likeliest class that it does not name, and those that it names.
    """

    pairs: Pairs
    label: str
    confidence: float
    second: str
    named: list[str]


def _said(model: Model, answers: Sequence[Pairs]) -> list[_Said]:
    """The answers that the model's thresholds, read once, make of its probabilities."""
    if not answers:
        return []
    classes = sorted(name for name, _ in answers[0])
    scores = np.array([[chances[name] for name in classes] for chances in map(dict, answers)])
    decision = decision_of_model(model.folder, classes)
    labels, sureness = decision.labels(scores), decision.confidence(scores)
    several = labels.ndim == 2
    said = []
    for pairs, one, confidence in zip(answers, labels, sureness.tolist(), strict=True):
        own = {classes[place] for place in (np.flatnonzero(one) if several else [one])}
        named = [name for name, _ in pairs if name in own]
        others = (f"{name}, {100 * value:.0f} %" for name, value in pairs if name not in own)
        label = called(as_cell(named)) if several else named[0]
        said.append(_Said(pairs, label, confidence, next(others, ""), named))
    return said


def explain_one(model: Model, pairs: Pairs | None) -> None:
    """Why it said so, in the full width."""
    if pairs is not None:
        _explain(model, st.session_state["item"], pairs, "one")


def show_several(model: Model, given: Sequence[Given]) -> None:
    """The answers about several items, and one of them looked at closely."""
    if not ask.subject(TOPICS[0]):
        return
    names: list[str] = st.session_state["given"]
    answers = _collected(len(names))
    if not answers:
        return
    files = [value for value, _ in given if isinstance(value, bytes)]
    if not files and isinstance(answers[0], UserError):  # one question for all of the texts
        problems.show(answers[0])
        return
    good = iter(_said(model, [one for one in answers if not isinstance(one, UserError)]))
    said = [one if isinstance(one, UserError) else next(good) for one in answers]
    _say(model, said)
    if files:
        _as_files(model, files, names, said)
    else:
        _as_table(model, names, said)
    _closer(model, files or names, names, said)


def _collected(count: int) -> list[Pairs | UserError]:
    """The answers that are there, in order; below them what is still computed."""
    answers: list[Pairs | UserError] = []
    for place, topic in enumerate(TOPICS[:count]):
        failures: list[UserError] = []
        waiting = f"Predicting… {place} of {count}" if place else _WAITING
        said = ask.answer(topic, waiting, quiet=True, failed=failures.append)
        if isinstance(said, dict):  # a list of texts, answered at once
            return [
                sorted(zip(said["labels"], line, strict=True), key=lambda pair: -pair[1])
                for line in said["probabilities"]
            ]
        if said is None and not failures:
            break
        answers.append(failures[0] if failures else said)
    return answers


def _say(model: Model, answers: Sequence[_Said | UserError]) -> None:
    """How many of each class there are, and how many are left to a person."""
    good = [one for one in answers if not isinstance(one, UserError)]
    counts = pd.Series([one.label for one in good], dtype=str).value_counts()
    shown = ", ".join(f"{count:,} {plain(str(name))}" for name, count in counts.head(6).items())
    unsure = sum(one.confidence < model.least for one in good)
    failed = len(answers) - len(good)
    st.markdown(
        f"**{counted(len(answers), 'item')}**: {shown}{' and others' if len(counts) > 6 else ''}."
        + (f" {unsure:,} for a person to decide." if unsure else "")
        + (f" {failed:,} could not be read." if failed else "")
    )


def _as_table(model: Model, names: Sequence[str], answers: Sequence[_Said | UserError]) -> None:
    """Texts with their answers; the table's own menu saves them as CSV."""
    st.dataframe(
        pd.DataFrame([_line(model, name, one) for name, one in zip(names, answers, strict=False)]),
        hide_index=True,
        key="several",
        column_config={
            "text": st.column_config.TextColumn(width="large"),
            "sure": st.column_config.ProgressColumn(
                format="%.0f %%",
                min_value=0,
                max_value=100,
                help="The probability that the model gives to its answer",
            ),
            "for a person": st.column_config.CheckboxColumn(
                help="Less sure than the model's threshold"
            ),
        },
        alt="Texts with the answers of the model",
    )


def _line(model: Model, name: str, answer: _Said | UserError) -> dict[str, object]:
    if isinstance(answer, UserError):
        return {"text": name, "class": answer.what, "sure": None}
    return {
        "text": name,
        "class": answer.label,
        "sure": 100 * answer.confidence,
        "runner-up": answer.second,
        "for a person": answer.confidence < model.least,
    }


def _as_files(
    model: Model,
    files: Sequence[bytes],
    names: Sequence[str],
    answers: Sequence[_Said | UserError],
) -> None:
    """Each file with its answer below it."""
    with st.grid("auto", min_column_width=_CELL):
        for value, name, answer in zip(files, names, answers, strict=False):
            with st.container(border=True, height="stretch", gap="xsmall"):
                if isinstance(answer, UserError):
                    st.caption(plain(name[:40]))
                    st.markdown(f":material/error: {plain(answer.what)} {plain(answer.why)}")
                    continue
                model.own.draw(value, _CELL - 32)
                person = " · :material/person: a person" if answer.confidence < model.least else ""
                st.markdown(f"**{plain(answer.label)}**, {sure(answer.confidence)}{person}")
                st.caption(plain(name[:40]))


def _closer(
    model: Model,
    values: Sequence[Content],
    names: Sequence[str],
    answers: Sequence[_Said | UserError],
) -> None:
    """One of the several: its probabilities, and why."""
    good = {
        place: f"{place + 1}: {names[place][:80]}"
        for place, one in enumerate(answers)
        if not isinstance(one, UserError) and place < len(values)
    }
    place = st.selectbox(
        "Look closer at",
        list(good),
        index=None,
        format_func=good.get,
        placeholder="an item, to see its probabilities and the reasons",
        key="closer",
        help="Shows the runners-up, and which parts speak for the answer.",
    )
    if place is None:
        return
    answer = answers[place]
    if isinstance(answer, UserError):
        return
    left, right = st.columns(2, gap="medium")
    with left:
        model.own.draw(values[place], 2 * _WIDTH)
    with right:
        charts.probabilities(answer.pairs, "closer_answer", answer.named)
    _explain(model, values[place], answer.pairs, f"{ask.subject(TOPICS[0])} {place}")


def _explain(model: Model, value: Content | None, pairs: Pairs, about: str) -> None:
    labels = [name for name, _ in pairs[:2]]
    explanation.show(model.own, str(model.folder), value, labels, f"predict {model.run.id} {about}")


def _digest(model: Model, given: Sequence[Given]) -> str:
    """What tells these items, asked of this model, from others."""
    parts = [value if isinstance(value, str) else name for value, name in given]
    return hashlib.sha256("\0".join([model.run.id, *parts]).encode()).hexdigest()
