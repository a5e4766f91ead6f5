"""The head of a report: how good it is, how much of that is transfer, what it was made of, and what
to do with it.
"""

from __future__ import annotations

import streamlit as st

from pages.sections.evaluate import sharing, test_score
from pages.sections.evaluate.subject import Subject
from pages.shell import state
from pages.shell.words import duration, interval, plain
from pages.widgets import charts, seeds, trained
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.measures import Range
from tl_core.evaluate.report import rivals

_BASELINES = {
    "majority": "majority class",
    "tfidf": "word counts (TF-IDF), no transfer",
    "pixels": "colours and edges, no transfer",
    "mfcc": "cepstral coefficients (MFCC), no transfer",
}


def show(subject: Subject, *, whole: bool) -> None:
    """The card on top of the report: all of it beside the overview, a line beside the other
    tabs.
    """
    with st.container(border=True, key="report-hero"):
        if whole:
            _whole(subject)
        else:
            _line(subject)


def _whole(subject: Subject) -> None:
    """Scores and actions on the left, bars against the baselines on the right."""
    left, right = halves()
    with left:
        st.markdown(f"#### {plain(subject.report['headline'])}")
        _scores(subject)
        _made_of(subject)
        if not state.only_reads():
            _actions(subject)
    with right:
        _bars(subject)
        test_score.show(subject.run, subject.report)


def _line(subject: Subject) -> None:
    """The result in a sentence, what it was made of, and the actions."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(subject.report['headline'])}**")
            st.caption(_made_of_words(subject))
        if not state.only_reads():
            _actions(subject)


def _scores(subject: Subject) -> None:
    """The score, the same without transfer, and what transfer has brought."""
    baselines = rivals(subject.report)
    learnt = {name: score for name, score in baselines.items() if name != "majority"} or baselines
    if subject.run.recipe == "baseline":  # it is that baseline itself
        learnt = {name: score for name, score in baselines.items() if name == "majority"}
    compared = subject.report.get("against_baseline")
    name, score = subject.score
    tiles = st.columns(3 if compared else 2 if learnt else 1)
    title = name[0].upper() + name[1:]
    _tile(tiles[0], title, score, help_of(name, f"Measured on the {subject.kind}."))
    if learnt:
        name = max(learnt, key=lambda name: learnt[name]["value"])
        what = help_of("no transfer", f"The best on the same items: {_BASELINES[name]}.")
        title = "Majority class" if name == "majority" else "Without transfer"
        _tile(tiles[1], title, learnt[name], what)
    if compared:
        by = "F1 of an item" if subject.several else "Accuracy"
        gain = compared.get("item_f1", compared)["difference"]
        tiles[2].metric(
            "Gain from transfer",
            f"{100 * gain['value']:+.0f} points",
            delta=f"{100 * gain['low']:+.0f} to {100 * gain['high']:+.0f} is plausible",
            delta_color="off",
            delta_arrow="off",
            help=f"{by} of this run less that of the run without transfer, in points of"
            f" per cent on the same items. Interval: {gain['method']}.",
        )
    if subject.several:
        _label_scores(subject)


def _label_scores(subject: Subject) -> None:
    """How good the single labels are, where an item may have several."""
    judged = subject.judged
    scores = (
        ("Macro F1", judged["macro_f1"]),
        ("Labels right (precision)", judged.get("micro_precision")),
        ("Exact match", judged["accuracy"]),
    )
    for column, (title, score) in zip(st.columns(3), scores, strict=True):
        if score:
            _tile(column, title, score, help_of(title.partition(" (")[0].lower()))


def _tile(column: st.delta_generator.DeltaGenerator, name: str, score: Range, text: str) -> None:
    column.metric(
        name,
        f"{100 * score['value']:.0f} %",
        delta=f"{interval(score)} is plausible",
        delta_color="off",
        delta_arrow="off",
        help=f"{text} The range is the 95 % confidence interval.",
    )


def _made_of_words(subject: Subject) -> str:
    run, judged = subject.run, subject.judged
    folds = " (cross-validated)" if judged["kind"] == "cv" else ""
    return (
        f"{plain(run.dataset)} · {plain(trained.way(run))} · {judged['n']:,} {subject.kind}{folds}"
        f" · {duration(subject.report['timing']['total'])} to train"
    )


def _made_of(subject: Subject) -> None:
    """Data, backbone, strategy, items and time, and other seeds of the same training."""
    run = subject.run
    st.caption(_made_of_words(subject))
    runs = [run, *subject.alike()]
    seeds.show(
        runs, {one.id: score["value"] for one in runs if (score := trained.score(one))}, run.id
    )
    if subject.report["classes_without_training_rows"]:
        st.warning(
            "Not learnt, because they have no training items: "
            + ", ".join(map(plain, subject.report["classes_without_training_rows"]))
            + ". Their items count as wrong."
        )


def _bars(subject: Subject) -> None:
    """The score of this run, of the best other one on the same items, and of the baselines."""
    bars: list[tuple[str, Range, bool]] = [("this run", subject.score[1], True)]
    best = subject.rival()
    reached = trained.score(best) if best else None
    if best and reached:
        bars.append((f"best other run ({best.backbone or best.recipe})", reached, False))
    bars += [(_BASELINES[name], score, False) for name, score in rivals(subject.report).items()]
    if len(bars) < 2:
        return
    charts.score_bars(bars, "bars", 34, subject.score[0])
    if subject.closed and subject.judged["kind"] == "cv":
        st.caption(
            f"This run's {subject.score[0]} is over all {subject.judged['n']:,} cross-validated"
            " items, that of the baselines over the validation items alone."
        )


def _actions(subject: Subject) -> None:
    """What comes next."""
    run = subject.run
    with st.container(horizontal=True, width="content", gap="small"):
        if (run.folder / "model" / "config.json").is_file() and st.button(
            "Use it on new items",
            type="primary",
            icon=":material/bolt:",
            help="Predict one item, or a whole file.",
        ):
            st.switch_page("pages/use/playground.py", query_params={"run": run.id})
        if subject.others and st.button(
            "Compare runs",
            icon=":material/balance:",
            help="Beside the other runs on these data: score, price, and whether the difference is"
            " chance.",
        ):
            beside = subject.rival() or subject.others[0]
            st.switch_page(
                "pages/evaluate/compare.py", query_params={"run": run.id, "with": beside.id}
            )
        sharing.show(subject)
