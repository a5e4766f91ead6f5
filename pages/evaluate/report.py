"""How good is it, honestly? The sentence, the yardsticks, then class by class and mistake by mistake."""

import json

import pandas as pd
import streamlit as st

from pages.components import charts, evidence, gallery, mistakes, problems, services, state, stress, training_view
from pages.components.words import duration, plain, sure
from tl_core.evaluate.compare import compare
from tl_core.evaluate.html import render

SCORES = {
    "accuracy": ("Right in 100 (accuracy)", "Share of unseen items that it names correctly.", 100),
    "balanced_accuracy": ("Balanced accuracy", "The same, with every class counting equally.", 100),
    "macro_f1": ("Macro F1", "Finds the items of a class and does not cry wolf; averaged over classes.", 100),
    "mcc": ("Matthews correlation", "1 is perfect, 0 is guessing; fair also when classes differ in size.", 1),
    "log_loss": ("Log loss", "Punishes confident mistakes; 0 is perfect.", 1),
    "ece": ("Calibration error (ECE)", "How far its stated confidence is from how often it is right.", 1),
}
SHOWN = 12

st.title("How good is it, honestly?")
with problems.caught():
    finished = [r for r in services.runs().list(kind="train") if r.status == "done"]
run_id = state.current("run")
if not any(r.id == run_id for r in finished):
    if not finished:
        st.info("There is no finished run yet.", icon=":material/info:")
        st.page_link("pages/start/home.py", label="Try a sample", icon=":material/home:")
        st.stop()
    if run_id:
        st.caption("The run in hand has no report yet; this is the newest one that has.")
    run_id = finished[0].id
run = next(r for r in finished if r.id == run_id)


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def read(folder: str, finished_at: float) -> tuple[dict, pd.DataFrame]:
    """Report and predictions; a finished run never changes, a resumed one has another end."""
    del finished_at
    with open(f"{folder}/report.json", encoding="utf-8") as handle:
        report = json.load(handle)
    table = pd.read_csv(f"{folder}/predictions.csv", dtype={"true": str, "label": str, "row": str},
                        keep_default_na=False)
    return report, table


with problems.caught():
    report, predictions = read(str(run.folder), run.finished or 0.0)
    dataset = services.datasets().get(run.dataset)
test = report["test"]
state.choose("run", run.id)

st.markdown(f"### {plain(report['headline'])}")
st.caption(f"{plain(run.dataset)} · {plain(run.backbone or run.recipe)} · {test['n']:,} test items, opened once · "
           f"{duration(report['timing']['total'])} to train")
evidence.looks(report)
if report["classes_without_training_rows"]:
    st.warning("Not learnt, for want of training items: "
               + ", ".join(map(plain, report["classes_without_training_rows"])) + ". Their items count as wrong.")

if report.get("ladder"):
    training_view.ladder(report["ladder"])
bars = [("this run", test["accuracy"], True)]
bars += [({"majority": "always the commonest class", "tfidf": "word counts, no transfer",
           "pixels": "colours and edges, no transfer"}[name], part["test"]["accuracy"], False)
         for name, part in report["baselines"].items()]
others = [r for r in finished if r.dataset == run.dataset and r.id != run.id and r.summary]
if others:
    best = max(others, key=lambda r: r.summary["accuracy"]["value"])
    bars.insert(1, (f"best other run ({best.backbone or best.recipe})", best.summary["accuracy"], False))
charts.score_bars(bars, "bars")
if report.get("against_baseline"):
    st.markdown(plain(report["against_baseline"]["sentence"]))
rival = None
if others and best.folder.exists():
    with problems.caught():
        _, theirs = read(str(best.folder), best.finished or 0.0)
    rival = theirs if list(theirs["index"]) == list(predictions["index"]) else None
if rival is not None:
    paired = compare((predictions["true"] == predictions["label"]).to_numpy(),
                     (rival["true"] == rival["label"]).to_numpy(), "test items",
                     ("This run", "the best other run"))
    st.markdown(plain(paired["sentence"]))
st.caption("The whisker is the range that is plausible with 95 % confidence, given how few items were tested.")
with st.container(horizontal=True):
    if st.button("Use it on new items", type="primary", icon=":material/bolt:"):
        st.switch_page("pages/ship/predict.py", query_params={"run": run.id})
    if others and st.button("Compare runs", icon=":material/balance:"):
        st.switch_page("pages/evaluate/compare.py", query_params={"run": run.id, "with": best.id})

for row in (list(SCORES)[:3], list(SCORES)[3:]):
    for column, name in zip(st.columns(3), row, strict=True):
        title, text, scale = SCORES[name]
        part = test[name]
        digits = 0 if scale == 100 else 2
        expected = (f" A perfectly calibrated model of this size would show {part['expected_if_calibrated']:.2f}."
                    if name == "ece" else "")
        column.metric(title, f"{scale * part['value']:.{digits}f}", help=f"{text}{expected} Interval: "
                      f"{part['method']}.", border=True, delta_arrow="off", delta_color="off",
                      delta=f"{scale * part['low']:.{digits}f} to {scale * part['high']:.{digits}f}")

st.subheader("Class by class")
st.dataframe(pd.DataFrame([
    {"class": part["label"], "test items": part["support"], "found": 100 * part["recall"]["value"],
     "found, plausible": f"{100 * part['recall']['low']:.0f} to {100 * part['recall']['high']:.0f}",
     "right when named": 100 * part["precision"]["value"], "F1": 100 * part["f1"]["value"]}
    for part in test["per_class"]]), hide_index=True, column_config={
        "found": st.column_config.NumberColumn(format="%.0f", help="Of 100 items of this class, how many it finds "
                                               "(recall)."),
        "right when named": st.column_config.NumberColumn(format="%.0f", help="Of 100 times that it names this class, "
                                                          "how often it is right (precision)."),
        "F1": st.column_config.NumberColumn(format="%.0f", help="Both in one number.")})


def show_items(table: pd.DataFrame, key: str) -> None:
    """Items with what they are and what was said."""
    table = table.head(SHOWN)
    with problems.caught():
        content = gallery.items(str(dataset.folder), tuple(int(i) for i in table["index"]))
    if report["modality"] == "text":
        gallery.texts([{"text": text, "is": true, "was called": called, "how sure": sure(confidence)}
                       for text, true, called, confidence in zip(content, table["true"], table["label"],
                                                                 table["confidence"], strict=True)], key)
        return
    for start in range(0, len(table), 4):
        for column, place in zip(st.columns(4), range(start, min(start + 4, len(table))), strict=False):
            line = table.iloc[place]
            with column.container(border=True):
                st.image(content[place], width="stretch")
                st.caption(f"is **{plain(line['true'])}**  \ncalled {plain(line['label'])}, {sure(line['confidence'])}")


st.subheader("What it confuses")
labels = test["confusion"]["labels"]
matrix = pd.DataFrame(test["confusion"]["counts"], index=labels, columns=labels)
st.caption("Rows: what it is. Columns: what it was called. Pick a cell to see its items.")
shaded = matrix.style.apply(charts.shade, axis=None)
event = st.dataframe(shaded, on_select="rerun", selection_mode="single-cell", key="confusion")
cells = list(event.selection.cells) if event else []
first, second = st.columns(2)
true_default = labels[cells[0][0]] if cells else None
called_default = cells[0][1] if cells else None
true = first.selectbox("Is", labels, placeholder="any class",
                       index=labels.index(true_default) if true_default else None)
called = second.selectbox("Was called", labels, placeholder="any class",
                          index=labels.index(called_default) if called_default in labels else None)
if true or called:
    chosen = predictions[((predictions["true"] == true) if true else True)
                         & ((predictions["label"] == called) if called else True)]
    st.caption(f"{len(chosen):,} items" + (f", the first {SHOWN}" if len(chosen) > SHOWN else ""))
    if len(chosen):
        show_items(chosen, "cell")

evidence.most_confused(test)

mistakes.show(predictions, rival, lambda table: show_items(table, "mistakes"))
st.page_link("pages/evaluate/labels.py", label="Wrong labels? Look for them", icon=":material/rule:",
             query_params={"dataset": run.dataset})

evidence.weak_slices(test, {"image": "photo", "text": "text"}[report["modality"]])
evidence.confidence(report)
evidence.abstain(report, run.folder)
evidence.ranking(test)
stress.show(run, lambda rows: show_items(predictions[predictions["index"].isin(rows)], "flipped"))

if report.get("training"):
    training_view.training(report)
with st.expander("Settings, timing and environment"):
    st.json({"settings": report["settings"], "timing in seconds": report["timing"], "model": report["model"],
             "checked after saving": report.get("parity"), "environment": report["environment"]}, expanded=1)
st.subheader("Take it along")
with st.container(horizontal=True):
    st.download_button("Report as a page (HTML)", lambda: render(report), f"report-{run.id}.html", "text/html",
                       on_click="ignore", help="One file that opens without a network and prints on A4; it holds none "
                       "of your items.")
    st.download_button("Report as JSON", lambda: json.dumps(report, ensure_ascii=False, indent=1),
                       f"report-{run.id}.json", on_click="ignore")
    st.download_button("Predictions as CSV", (run.folder / "predictions.csv").read_bytes, f"predictions-{run.id}.csv",
                       "text/csv", on_click="ignore", help="What it said of each test item.")
