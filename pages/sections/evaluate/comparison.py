"""Several runs on the same items: what they say of each item, and everything that can be laid side
by side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.evaluate import test_score
from pages.shell import problems
from pages.shell.words import duration, interval, plain, size
from pages.widgets import charts, curves, seeds, trained
from pages.widgets.glossary import help_of
from tl_core.evaluate.compare import agreement, compare
from tl_core.evaluate.measures import Score
from tl_core.evaluate.report import Report
from tl_core.evaluate.scores.intervals import proportion
from tl_core.evaluate.scores.metrics import macro_f1
from tl_core.jobs.events import RunView
from tl_core.modalities import items_of
from tl_core.registry.run import Run

_LONGEST = 34  # characters of a name in a chart or a column


@dataclass(frozen=True)
class SameItems:
    """Runs that have judged the same items.

    Args:
        runs: by id.
        reports: their reports.
        section: test or validation: which items.
        said: what each run called each item, a column for each.
        truth: the class of each item.
    """

    runs: dict[str, Run]
    reports: dict[str, Report]
    section: str
    said: pd.DataFrame
    truth: np.ndarray

    @property
    def right(self) -> dict[str, np.ndarray]:
        """Whether each run is right on each item."""
        return {key: (self.said[key] == self.truth).to_numpy() for key in self.runs}

    @property
    def scores(self) -> dict[str, Score]:
        """Accuracy on these items."""
        return {
            key: proportion(int(right.sum()), len(self.truth)) for key, right in self.right.items()
        }

    @property
    def best(self) -> str:
        """The run that is right most often."""
        scores = self.scores
        return max(scores, key=lambda key: scores[key]["value"])

    @property
    def noun(self) -> str:
        """What the items are called."""
        return items_of(next(iter(self.reports.values()))["modality"])


def short(run: Run) -> str:
    """A name for charts and columns that no other run has."""
    name = trained.name(run)
    return f"{name if len(name) <= _LONGEST else name[: _LONGEST - 1] + '…'} ({run.id[:4]})"


def gather(runs: dict[str, Run]) -> SameItems:
    """What the runs said of the items that all of them have judged; those of other items are left
    out and named. With fewer than two the page ends here.
    """
    with problems.caught():
        reports = {key: test_score.report_of(run) for key, run in runs.items()}
    closed = [key for key in runs if reports[key]["test"] is None]
    section, file = ("validation", "validation.csv") if closed else ("test", "predictions.csv")
    if closed:
        whose = (
            "all of them"
            if len(closed) == len(runs)
            else " and ".join(plain(short(runs[key])) for key in closed)
        )
        st.caption(
            f":material/lock: Compared on the validation items, since the test score of {whose} is"
            " closed. That is what these items are for."
        )
    with problems.caught():
        answers = {
            key: _by_item(run, file) for key, run in runs.items() if (run.folder / file).is_file()
        }
    start = next(iter(answers.values()), pd.Series())
    same = [
        key
        for key, own in answers.items()
        if (start.index.isin(own.index).any() if closed else set(start.index) == set(own.index))
    ]
    for key in runs:
        if key not in same:
            st.warning(
                f"Left out: {plain(trained.full_name(runs[key]))} was tested on other items than"
                " the first one; only the same items can be compared fairly.",
                icon=":material/warning:",
            )
    if len(same) < 2:
        st.caption("Choose runs that were judged on the same items: of the same dataset version.")
        st.stop()
    said = pd.concat([answers[key].rename(key) for key in same], axis=1, join="inner")
    return SameItems(
        {key: runs[key] for key in same},
        {key: reports[key] for key in same},
        section,
        said,
        said.index.get_level_values("true").to_numpy(),
    )


def _by_item(run: Run, file: str) -> pd.Series:
    """What a run called each item, by its name, its class, and how often both have come before."""
    table = test_score.answers_of(run, file)
    again = table.groupby(["row", "true"]).cumcount().rename("again")
    return table.set_index(["row", "true", again])["label"]


def chart(same: SameItems) -> None:
    """Score against time, and seeds of one training."""
    scores = same.scores
    charts.cost_and_score(
        [
            {
                "name": key,
                "title": short(run),
                "minutes": same.reports[key]["timing"]["total"] / 60,
                "accuracy": scores[key],
            }
            for key, run in same.runs.items()
        ],
        same.best,
        "costs",
    )
    st.caption(f"On {len(same.truth):,} {same.section} items that all of them have judged.")
    seeds.show(list(same.runs.values()), {key: score["value"] for key, score in scores.items()})


def tests(same: SameItems) -> None:
    """The paired sentences: the best against each other run, and what transfer has brought."""
    st.subheader("Is the difference more than chance?", help=help_of("chance"))
    right, best = same.right, same.best
    others = [key for key in same.runs if key != best]
    sentences = [
        compare(
            right[best],
            right[key],
            same.noun,
            (f"run {short(same.runs[best])}", f"run {short(same.runs[key])}"),
        )["sentence"]
        for key in others
    ]
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences))
    if len(others) > 1:
        st.caption(
            f"The best of {len(same.runs)} was picked by these very items, so its lead is slightly"
            " overestimated."
        )
    st.subheader("Gain from transfer")
    base = {key: "without transfer" for key, run in same.runs.items() if run.recipe == "baseline"}
    base |= {
        key: "from scratch"
        for key in same.runs
        if same.reports[key]["settings"].get("strategy") == "scratch"
    }
    if not base or best in base:
        st.caption("Add a run without transfer or from scratch to see it.")
        return
    for key, words in base.items():
        gain = compare(right[best], right[key], same.noun, ("", ""))["difference"]
        more = (
            f"{100 * gain['value']:.1f} times in 100 more often than"
            if gain["value"]
            else "as often as"
        )
        st.markdown(
            f"- Run {plain(short(same.runs[best]))} is right {more} run"
            f" {plain(short(same.runs[key]))} ({words});"
            f" {100 * gain['low']:+.0f} to {100 * gain['high']:+.0f} is plausible."
        )


def table(same: SameItems) -> None:
    """A line for each run: scores and prices."""
    scores, best = same.scores, same.best
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "run": short(run) + (" ✓" if key == best else ""),
                    "backbone": run.backbone or "none",
                    "accuracy": 100 * scores[key]["value"],
                    "95 % interval": interval(scores[key]),
                    "macro F1": 100 * _of_classes(same, key),
                    "calibration error": same.reports[key][same.section]["ece"]["value"],
                    "time": duration(same.reports[key]["timing"]["total"]).removeprefix("about "),
                    "trainable weights": same.reports[key]["model"].get("trainable_parameters", 0),
                    "on disk": size(_weight_on_disk(run)),
                }
                for key, run in same.runs.items()
            ]
        ),
        hide_index=True,
        alt="Scores and prices of the compared runs",
        column_config={
            "run": st.column_config.TextColumn(pinned=True),
            "accuracy": st.column_config.ProgressColumn(
                format="%.1f %%",
                min_value=0,
                max_value=100,
                help=help_of("accuracy"),
            ),
            "macro F1": st.column_config.NumberColumn(
                format="%.1f %%",
                help=help_of("macro F1"),
            ),
            "calibration error": st.column_config.NumberColumn(
                format="%.3f",
                help=help_of("calibration error"),
            ),
            "trainable weights": st.column_config.NumberColumn(format="localized"),
        },
    )


def _of_classes(same: SameItems, key: str) -> float:
    """Macro F1 on the items that all runs have judged."""
    counts = pd.crosstab(same.truth, same.said[key].to_numpy(), dropna=False)
    names = sorted({*counts.index, *counts.columns})
    return float(macro_f1(counts.reindex(index=names, columns=names, fill_value=0).to_numpy()))


def _weight_on_disk(run: Run) -> int:
    """Bytes of the model folder."""
    return sum(path.stat().st_size for path in (run.folder / "model").glob("*") if path.is_file())


def differences(same: SameItems) -> None:
    """The settings in which they differ."""
    st.subheader("What differs")
    settings = {
        short(run): {
            "backbone": run.backbone,
            "recipe": run.recipe,
            "dataset": run.dataset,
            **same.reports[key]["settings"],
        }
        for key, run in same.runs.items()
    }
    rows = sorted({name for one in settings.values() for name in one})
    different = [
        name
        for name in rows
        if len({json.dumps(one.get(name), default=str) for one in settings.values()}) > 1
    ]
    # settings that all of them have come first; the others belong to one recipe alone
    different.sort(key=lambda name: sum(name not in one for one in settings.values()))
    if not different:
        st.caption("Nothing: the same settings were trained again.")
        return
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
        alt="Settings in which the runs differ",
        column_config={"setting": st.column_config.TextColumn(pinned=True)},
    )


def agreements(same: SameItems) -> None:
    """How often each two of them give the same answer."""
    st.subheader("Same answers")
    st.caption("How often two of them give the same answer (%), right or wrong.")
    matrix = agreement([same.said[key].to_numpy() for key in same.runs])
    names = [short(run) for run in same.runs.values()]
    st.dataframe(
        pd.DataFrame(np.round(100 * matrix), index=names, columns=names),
        alt="Agreement of each two runs",
    )


def training_curves(same: SameItems) -> None:
    """The curves of the fine-tunings among them, laid over each other."""
    tuned = [key for key, run in same.runs.items() if run.recipe == "finetune"]
    if not tuned:
        return
    st.subheader("Training curves")
    views = {key: RunView().follow(same.runs[key].folder) for key in tuned}
    curves.show(
        views[tuned[0]],
        {short(same.runs[key]): views[key] for key in tuned[1:]},
        short(same.runs[tuned[0]]),
    )
