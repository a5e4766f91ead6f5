"""Class names that are paths, such as `animal/dog`: scores at each level, and the choice of what
separates the levels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.evaluate.subject import Subject
from pages.shell import problems, rights
from pages.shell.words import interval, plain
from pages.widgets.glossary import help_of
from tl_core.data import class_levels
from tl_core.data.class_levels import AUTOMATIC, KNOWN, NONE, ClassLevels
from tl_core.evaluate.measures import LevelSection
from tl_core.evaluate.report import level_section

_KEY = "class_levels"


def show(subject: Subject) -> None:
    """The table of levels, or where the names are no paths the choice alone, folded away."""
    labels = subject.report["labels"]
    if subject.folder is None:
        section = subject.judged.get("levels")
    else:
        with problems.caught():
            levels = class_levels.levels_of(subject.folder, labels)
        section = _section(subject, levels) if levels else None
    if section:
        st.subheader("Level by level", help=help_of("class levels"))
        _tell(subject, section)
        _table(subject, section)
    if subject.folder is not None:
        with st.expander("Levels of the class names", icon=":material/account_tree:"):
            _choose(subject, subject.folder, labels)


def _section(subject: Subject, levels: ClassLevels) -> LevelSection:
    """What the report holds, computed anew where another separator was chosen meanwhile."""
    stored = subject.judged.get("levels")
    if stored and stored["separator"] == levels.separator:
        return stored
    answers, labels = subject.answers(), subject.report["labels"]
    places = {name: place for place, name in enumerate(labels)}
    columns = [f"p:{name}" for name in labels]
    whole = all(name in answers for name in columns)
    return level_section(
        np.array([places[name] for name in answers["true"]], dtype=np.int64),
        np.array([places[name] for name in answers["label"]], dtype=np.int64),
        answers[columns].to_numpy(dtype=np.float64) if whole else None,
        levels.separator,
        levels.paths,
    )


def _tell(subject: Subject, section: LevelSection) -> None:
    wrong, share = section["wrong"], section["one_up"]
    if not wrong:
        st.markdown(f"None of the {subject.kind} is called wrong, at any level.")
        return
    right = round(share["value"] * wrong)
    st.markdown(
        f"**Wrong, but right one level up: {right:,} of {wrong:,}** wrong answers"
        f" ({100 * share['value']:.0f} %; between {100 * share['low']:.0f} and"
        f" {100 * share['high']:.0f} % is plausible)."
    )


def _table(subject: Subject, section: LevelSection) -> None:
    """A line for each level, and one for the classes themselves."""
    lines: list[dict[str, object]] = []
    for part in section["levels"]:
        summed = part.get("summed_accuracy")
        lines.append(
            {
                "level": str(part["level"]),
                "names": ", ".join(part["confusion"]["labels"]),
                "accuracy": 100 * part["accuracy"]["value"],
                "95 % interval": interval(part["accuracy"]),
                "macro F1": 100 * part["macro_f1"]["value"],
                "by summed probability": 100 * summed["value"] if summed else None,
            }
        )
    judged = subject.judged
    lines.append(
        {
            "level": "classes",
            "names": f"all {len(subject.report['labels']):,}",
            "accuracy": 100 * judged["accuracy"]["value"],
            "95 % interval": interval(judged["accuracy"]),
            "macro F1": 100 * judged["macro_f1"]["value"],
            "by summed probability": None,
        }
    )
    percent = "%.0f %%"
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        height="content",
        alt="Accuracy and macro F1 at each level of the class names",
        column_config={
            "level": st.column_config.TextColumn(help="1 is the topmost level."),
            "names": st.column_config.TextColumn(width="medium"),
            "accuracy": st.column_config.ProgressColumn(
                format=percent,
                min_value=0,
                max_value=100,
                help=help_of("accuracy", "An answer is right when its ancestor at this level is."),
            ),
            "macro F1": st.column_config.NumberColumn(format=percent, help=help_of("macro F1")),
            "by summed probability": st.column_config.NumberColumn(
                format=percent,
                help="Accuracy where the ancestor with the largest sum of probabilities is the"
                " answer.",
            ),
        },
    )


def _choose(subject: Subject, folder: Path, labels: list[str]) -> None:
    """Which sign separates the levels; kept with the data, for this report and those to come."""
    found, chosen = class_levels.recognised(labels), class_levels.choice_of(folder)
    names = {
        AUTOMATIC: f"Recognise it: {plain(found)}" if found else "Recognise it: none found",
        NONE: "No levels",
        **{sign: plain(sign) for sign in KNOWN},
    }
    names.setdefault(chosen, plain(chosen))
    why = rights.against(rights.WORK, subject.run.dataset)
    st.selectbox(
        "Separator",
        list(names),
        index=list(names).index(chosen),
        format_func=names.get,
        key=_KEY,
        accept_new_options=True,
        disabled=bool(why),
        on_change=_keep,
        args=(subject.run.dataset, folder, labels),
        help=why
        or "The sign between two levels of a class name, as in animal/dog. Write another one if"
        " yours is not in the list. It changes no data and no model.",
    )


def _keep(dataset: str, folder: Path, labels: list[str]) -> None:
    with problems.in_callback():
        rights.require(rights.WORK, dataset)
        class_levels.choose(folder, str(st.session_state[_KEY]), labels)
