"""Which run is best? Runs on the same test items: scores, price, paired tests, settings that
differ.
"""

import json

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.evaluate import test_score
from pages.shell import frame, problems, state
from pages.shell.words import duration, interval, plain, size
from pages.widgets import charts, curves, seeds, trained
from tl_core.evaluate.compare import agreement, compare
from tl_core.evaluate.scores.intervals import proportion
from tl_core.evaluate.scores.metrics import macro_f1
from tl_core.jobs.events import RunView
from tl_core.modalities import items_of
from tl_core.registry.runs import Run

_MOST = 8

frame.title("Compare", "Which run is best?")
finished = [run for run in trained.finished() if run.summary]
hand = st.query_params.get("run") or st.session_state["run"]
subject = next((run.dataset for run in finished if run.id == hand), state.current("dataset"))
frame.need_dataset(subject)
alike = {
    run.id: run for run in finished if run.dataset.partition("@")[0] == subject.partition("@")[0]
}
if len(alike) < 2:
    st.info(
        (
            "There is only one finished run on this dataset so far."
            if alike
            else "No run on this dataset has finished."
        ),
        icon=":material/info:",
    )
    st.page_link("pages/train/design.py", label="Train another", icon=":material/tune:")
    st.stop()
names = {key: trained.full_name(run) for key, run in alike.items()}
first = [key for key in (hand, st.query_params.get("with")) if key in alike]
picked = st.multiselect(
    "Runs",
    list(alike),
    [*first, *(key for key in alike if key not in first)][: max(4, len(first))],
    format_func=names.get,
    max_selections=_MOST,
    key="compared",
)
if len(picked) < 2:
    st.caption("Pick at least two.")
    st.stop()


def by_item(run: Run, file: str) -> pd.Series:
    """What a run called each item, by its name, its class, and how often both have come before."""
    table = test_score.answers_of(run, file)
    again = table.groupby(["row", "true"]).cumcount().rename("again")
    return table.set_index(["row", "true", again])["label"]


def weight_on_disk(key: str) -> int:
    """Bytes of the model folder."""
    return sum(
        path.stat().st_size for path in (alike[key].folder / "model").glob("*") if path.is_file()
    )


def of_classes(key: str) -> float:
    """Macro F1 on the items that all runs have judged."""
    counts = pd.crosstab(truth, said[key].to_numpy(), dropna=False)
    names = sorted({*counts.index, *counts.columns})
    return float(macro_f1(counts.reindex(index=names, columns=names, fill_value=0).to_numpy()))


with problems.caught():
    reports = {key: test_score.report_of(alike[key]) for key in picked}
closed = [key for key in picked if reports[key]["test"] is None]
section, file = ("validation", "validation.csv") if closed else ("test", "predictions.csv")
if closed:
    st.info(
        "Compared on the validation items, since the test score of "
        + (
            "all of them"
            if len(closed) == len(picked)
            else " and ".join(plain(names[key]) for key in closed)
        )
        + " is closed. That is what these items are for.",
        icon=":material/lock:",
    )
with problems.caught():
    answers = {
        key: by_item(alike[key], file) for key in picked if (alike[key].folder / file).is_file()
    }
start = next(iter(answers.values()), pd.Series())
same = [
    key
    for key, own in answers.items()
    if (start.index.isin(own.index).any() if closed else set(start.index) == set(own.index))
]
for key in picked:
    if key not in same:
        st.warning(
            f"Left out: {plain(names[key])} was tested on other items than the first one; only the"
            " same items can be compared fairly.",
            icon=":material/warning:",
        )
if len(same) < 2:
    st.stop()
said = pd.concat([answers[key].rename(key) for key in same], axis=1, join="inner")
truth = said.index.get_level_values("true")
reports = {key: reports[key] for key in same}
right = {key: (said[key] == truth).to_numpy() for key in same}
score = {key: proportion(int(right[key].sum()), len(truth)) for key in same}
best = max(same, key=lambda key: score[key]["value"])
short = {key: f"{alike[key].recipe} {key[:4]}" for key in same}
charts.cost_and_score(
    [
        {
            "name": key,
            "title": short[key],
            "minutes": reports[key]["timing"]["total"] / 60,
            "accuracy": score[key],
        }
        for key in same
    ],
    best,
    "costs",
)
st.caption(f"On {len(truth):,} {section} items that all of them have judged.")
st.dataframe(
    pd.DataFrame(
        [
            {
                "run": short[key] + (" ✓" if key == best else ""),
                "backbone": alike[key].backbone or "none",
                "accuracy": 100 * score[key]["value"],
                "95 % interval": interval(score[key]),
                "macro F1": 100 * of_classes(key),
                "calibration error": reports[key][section]["ece"]["value"],
                "time": duration(reports[key]["timing"]["total"]).removeprefix("about "),
                "trainable weights": reports[key]["model"].get("trainable_parameters", 0),
                "on disk": size(weight_on_disk(key)),
            }
            for key in same
        ]
    ),
    hide_index=True,
    column_config={
        "accuracy": st.column_config.NumberColumn(
            format="%.1f %%", help="Share of the items that are predicted correctly."
        ),
        "macro F1": st.column_config.NumberColumn(
            format="%.1f %%", help="Precision and recall in one number, averaged over the classes."
        ),
        "calibration error": st.column_config.NumberColumn(
            format="%.3f", help="ECE: the mean gap between confidence and accuracy; 0 is perfect."
        ),
        "trainable weights": st.column_config.NumberColumn(format="localized"),
    },
)
seeds.show([alike[key] for key in same], {key: score[key]["value"] for key in same})

st.subheader("Is the difference more than chance?")
noun = items_of(reports[best]["modality"])
others = [key for key in same if key != best]
for key in others:
    paired = compare(right[best], right[key], noun, (short[best].capitalize(), short[key]))
    st.markdown(f"- {plain(paired['sentence'])}")
if len(others) > 1:
    st.caption(
        f"The best of {len(same)} was picked by these very items, so its lead is slightly"
        " overestimated."
    )

st.subheader("Gain from transfer")
base = {key: "without transfer" for key in same if alike[key].recipe == "baseline"}
base |= {
    key: "from scratch" for key in same if reports[key]["settings"].get("strategy") == "scratch"
}
if base and best not in base:
    for key, words in base.items():
        gain = compare(right[best], right[key], noun, ("", ""))["difference"]
        more = (
            f"{100 * gain['value']:.1f} times in 100 more often than"
            if gain["value"]
            else "as often as"
        )
        st.markdown(
            f"- {short[best].capitalize()} is right {more} {short[key]} ({words});"
            f" {100 * gain['low']:+.0f} to {100 * gain['high']:+.0f} is plausible."
        )
else:
    st.caption("Add a run without transfer or from scratch to see it.")

st.subheader("What differs")
settings = {
    short[key]: {
        "backbone": alike[key].backbone,
        "recipe": alike[key].recipe,
        "dataset": alike[key].dataset,
        **reports[key]["settings"],
    }
    for key in same
}
rows = sorted({name for one in settings.values() for name in one})
different = [
    name
    for name in rows
    if len({json.dumps(one.get(name), default=str) for one in settings.values()}) > 1
]
st.dataframe(
    pd.DataFrame(
        [
            {
                "setting": name.replace("_", " "),
                **{run: str(one.get(name, "")) for run, one in settings.items()},
            }
            for name in different
        ]
    ),
    hide_index=True,
)
with st.expander("Agreement: how often two of them give the same answer (%)"):
    matrix = agreement([said[key].to_numpy() for key in same])
    st.dataframe(
        pd.DataFrame(
            np.round(100 * matrix), index=list(short.values()), columns=list(short.values())
        )
    )
tuned = [key for key in same if alike[key].recipe == "finetune"]
if tuned:
    views = {key: RunView().follow(alike[key].folder) for key in tuned}
    st.subheader("Training curves")
    curves.show(views[tuned[0]], {short[key]: views[key] for key in tuned[1:]})
