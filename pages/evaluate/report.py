"""How good is it on items that it has not seen? The headline and baselines, classes, mistakes."""

import json

import pandas as pd
import streamlit as st

from pages.sections.evaluate import abstain, evidence, mistakes, stress, test_score, training_view
from pages.sections.items import items
from pages.sections.items.item_pages import pages_of
from pages.sections.train import search_board
from pages.shell import frame, problems, services, state
from pages.shell.words import class_in_words, duration, interval, plain
from pages.widgets import charts, seeds, trained
from tl_core.evaluate.compare import compare
from tl_core.evaluate.html import render
from tl_core.evaluate.report import rivals
from tl_core.modalities import modality_of

SCORES = {
    "accuracy": ("Accuracy (%)", "Of 100 unseen items, how many it predicts correctly.", 100),
    "balanced_accuracy": (
        "Balanced accuracy",
        "The mean of the classes' recalls in per cent: every class counts equally.",
        100,
    ),
    "macro_f1": (
        "Macro F1",
        "Precision and recall in one number (F1, in per cent), averaged over the classes.",
        100,
    ),
    "mcc": (
        "Matthews correlation",
        "1 is perfect, 0 is chance; also meaningful when classes differ in size.",
        1,
    ),
    "log_loss": ("Log loss", "Grows with confident mistakes; 0 is perfect.", 1),
    "ece": (
        "Calibration error (ECE)",
        "The mean gap between its confidence and how often it is right; 0 is perfect.",
        1,
    ),
}

frame.title("Report", "How good is it on items that it has not seen?")
finished = trained.finished()
run_id = state.current("run")
if not any(r.id == run_id for r in finished):
    if not finished:
        st.info("There is no finished run yet.", icon=":material/info:")
        st.page_link("pages/home/home.py", label="Try a sample", icon=":material/home:")
        st.stop()
    if run_id:
        trained.explain_replacement(run_id, "no report")
    run_id = finished[0].id
run = next(r for r in finished if r.id == run_id)


with problems.caught():
    report = test_score.report_of(run)
    predictions = test_score.answers_of(run, report["predictions"])
    dataset = services.datasets().get(run.dataset)
closed = report["test"] is None
judged, kind = (
    (report["validation"], "validation items") if closed else (report["test"], "test items")
)
state.choose("run", run.id)

st.markdown(f"### {plain(report['headline'])}")
st.caption(
    f"{plain(run.dataset)} · {plain(trained.way(run))} · {judged['n']:,} {kind} · "
    f"{duration(report['timing']['total'])} to train"
)
test_score.show(run, report)
if report["classes_without_training_rows"]:
    st.warning(
        "Not learnt, because they have no training items: "
        + ", ".join(map(plain, report["classes_without_training_rows"]))
        + ". Their items count as wrong."
    )

if report.get("ladder"):
    training_view.ladder(report["ladder"])
if report.get("search"):
    search_board.report(report["search"])
bars = [("this run", judged["accuracy"], True)]
bars += [
    (
        {
            "majority": "majority class",
            "tfidf": "word counts (TF-IDF), no transfer",
            "pixels": "colours and edges, no transfer",
        }[name],
        accuracy,
        False,
    )
    for name, accuracy in rivals(report).items()
]
others = [r for r in finished if r.dataset == run.dataset and r.id != run.id and r.summary]
alike = [r for r in others if bool(r.summary.get("sealed")) == closed and r.folder.exists()]
best = max(alike, key=lambda r: r.summary["accuracy"]["value"], default=None)
rival = None
if best:
    with problems.caught():
        theirs = test_score.answers_of(best, test_score.report_of(best)["predictions"])
    rival = theirs if list(theirs["index"]) == list(predictions["index"]) else None
    if rival is not None:
        bars.insert(
            1, (f"best other run ({best.backbone or best.recipe})", best.summary["accuracy"], False)
        )
if len(bars) > 1:
    charts.score_bars(bars, "bars")
    others_on = (
        ""
        if not closed or judged["kind"] != "cv"
        else (
            f" This run's accuracy is over all {judged['n']:,} cross-validated items, that of the"
            " baselines over the validation items alone."
        )
    )
    st.caption(
        "The whisker is the 95 % confidence interval: what is plausible, given the number of items"
        " tested." + others_on
    )
seeds.show(
    [run, *alike],
    {r.id: r.summary["accuracy"]["value"] for r in (run, *alike) if r.summary},
    run.id,
)
if report.get("against_baseline"):
    st.markdown(plain(report["against_baseline"]["sentence"]))
if rival is not None:
    paired = compare(
        (predictions["true"] == predictions["label"]).to_numpy(),
        (rival["true"] == rival["label"]).to_numpy(),
        kind,
        ("This run", "the best other run"),
    )
    st.markdown(plain(paired["sentence"]))
evidence.repeated(report)
if not state.only_reads():
    with st.container(horizontal=True):
        if st.button("Use it on new items", type="primary", icon=":material/bolt:"):
            st.switch_page("pages/use/playground.py", query_params={"run": run.id})
        if others and st.button("Compare runs", icon=":material/balance:"):
            st.switch_page(
                "pages/evaluate/compare.py",
                query_params={"run": run.id, "with": (best or others[0]).id},
            )

for row in (list(SCORES)[:3], list(SCORES)[3:]):
    for column, name in zip(st.columns(3), row, strict=True):
        title, text, scale = SCORES[name]
        part = judged[name]
        digits = 0 if scale == 100 else 2
        expected = (
            " A perfectly calibrated model of this size would show"
            f" {part['expected_if_calibrated']:.2f}."
            if name == "ece"
            else ""
        )
        column.metric(
            title,
            f"{scale * part['value']:.{digits}f}",
            help=f"{text}{expected} Interval: {part['method']}.",
            border=True,
            delta_arrow="off",
            delta_color="off",
            delta=f"{scale * part['low']:.{digits}f} to {scale * part['high']:.{digits}f}",
        )

st.subheader("Class by class")
st.dataframe(
    pd.DataFrame(
        [
            {
                "class": part["label"],
                "support": part["support"],
                "recall": 100 * part["recall"]["value"],
                "95 % interval": interval(part["recall"]),
                "precision": 100 * part["precision"]["value"],
                "F1": 100 * part["f1"]["value"],
                "in words": class_in_words(part),
            }
            for part in judged["per_class"]
        ]
    ),
    hide_index=True,
    column_config={
        "support": st.column_config.NumberColumn(
            help="How many of the evaluated items are of this class."
        ),
        "recall": st.column_config.NumberColumn(
            format="%.0f %%", help="Of 100 items of this class, how many it finds."
        ),
        "95 % interval": st.column_config.TextColumn(help="Of the recall."),
        "precision": st.column_config.NumberColumn(
            format="%.0f %%", help="Of 100 predictions of this class, how many are right."
        ),
        "F1": st.column_config.NumberColumn(
            format="%.0f %%", help="Precision and recall in one number (their harmonic mean)."
        ),
    },
)


def show_items(table: pd.DataFrame, key: str) -> None:
    """The first of some judged items."""
    items.show(str(dataset.folder), report["modality"], table, key)


st.subheader("Confusion matrix")
labels = judged["confusion"]["labels"]
matrix = pd.DataFrame(judged["confusion"]["counts"], index=labels, columns=labels)
st.caption("Rows: the true class. Columns: the predicted class. Pick a cell to see its items.")
shaded = matrix.style.apply(charts.shade, axis=None)
event = st.dataframe(shaded, on_select="rerun", selection_mode="single-cell", key="confusion")
cells = list(event.selection.cells) if event else []
first, second = st.columns(2)
true_default = labels[cells[0][0]] if cells else None
called_default = cells[0][1] if cells else None
true = first.selectbox(
    "True class",
    labels,
    placeholder="any class",
    index=labels.index(true_default) if true_default else None,
)
called = second.selectbox(
    "Predicted class",
    labels,
    placeholder="any class",
    index=labels.index(called_default) if called_default in labels else None,
)
if true or called:
    chosen = predictions[
        ((predictions["true"] == true) if true else True)
        & ((predictions["label"] == called) if called else True)
    ]
    st.caption(
        f"{len(chosen):,} items"
        + (f", the first {items.SHOWN}" if len(chosen) > items.SHOWN else "")
    )
    if len(chosen):
        show_items(chosen, "cell")

evidence.most_confused(judged)


def show_mistakes(table: pd.DataFrame) -> None:
    """The first of the items in the chosen order, and one of them closer."""
    show_items(table, "mistakes")
    if not state.only_reads():
        items.closer(run, str(dataset.folder), report, table)


mistakes.show(predictions, rival, show_mistakes)
if not state.only_reads():
    st.page_link(
        "pages/data/labels.py",
        label="Wrong labels? Look for them",
        icon=":material/rule:",
        query_params={"dataset": run.dataset},
    )

evidence.weak_slices(judged, modality_of(report["modality"]).items)
evidence.confidence(report, judged)
evidence.ranking(judged)
if state.only_reads():
    st.stop()
abstain.show(report, run)
if not closed:
    stress.show(
        run, lambda rows: show_items(predictions[predictions["index"].isin(rows)], "flipped")
    )

if (run.folder / "model").is_dir():
    pages_of(report["modality"]).show_behaviour_tests(
        run,
        [name for name in report["labels"] if name not in report["classes_without_training_rows"]],
    )
if report.get("training"):
    training_view.training(report)
with st.expander("Settings, timing and environment"):
    st.json(
        {
            "settings": report["settings"],
            "timing in seconds": report["timing"],
            "model": report["model"],
            "checked after saving": report.get("parity"),
            "environment": report["environment"],
        },
        expanded=1,
    )
st.subheader("Download and share")
if (run.folder / "model" / "config.json").is_file():
    st.page_link(
        "pages/use/bundle.py",
        label="The model as a verified bundle",
        icon=":material/inventory_2:",
        query_params={"run": run.id},
    )
with st.expander("A link for readers"):
    st.caption(
        "Shows this report, its items too, and offers nothing to change. It works for whoever can"
        " reach this server."
    )
    st.code(f"{str(st.context.url or '').partition('?')[0]}?run={run.id}&view=read", language=None)
with st.container(horizontal=True):
    st.download_button(
        "Report as a page (HTML)",
        lambda: render(report),
        f"report-{run.id}.html",
        "text/html",
        on_click="ignore",
        help="One file that opens without a network and prints on A4; it holds none of your items.",
    )
    st.download_button(
        "Report as JSON",
        lambda: json.dumps(report, ensure_ascii=False, indent=1),
        f"report-{run.id}.json",
        on_click="ignore",
    )
    st.download_button(
        "Predictions as CSV",
        (run.folder / report["predictions"]).read_bytes,
        f"predictions-{run.id}.csv",
        "text/csv",
        on_click="ignore",
        help=f"The prediction and the probabilities for each of the {kind}.",
    )
