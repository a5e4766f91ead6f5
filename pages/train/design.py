"""How should it be trained? Strategies in the order of their cost, what each freezes and moves,
and what it will take.
"""

from dataclasses import replace

import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.sections.train import again, backbones, estimate, ways_to_train, wordings
from pages.shell import frame, problems, services, state
from pages.shell.words import plain
from pages.widgets import layers, settings_form
from tl_core.config import STRATEGIES, RunConfig
from tl_core.train.class_weights import class_weights

_MOST_SEEDS = 5

frame.title("Design", "How should it be trained?")
name = state.current("dataset")
frame.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
own = pages_of(record.modality)
backbone = st.session_state["backbone"] or backbones.suggested(record)

way = ways_to_train.choose()
card = {"first": "probe", "auto": "auto"}.get(way) or ways_to_train.strategy(record.modality)
strategy = STRATEGIES.get(card)
recipe = strategy.recipe if strategy else card
given = dict(strategy.values) if strategy else {}
if recipe == "probe" and st.session_state["depth"]:
    given["depth"] = st.session_state["depth"]
if recipe == "auto":
    given["budget_minutes"] = ways_to_train.budget()
    backbone = "" if ways_to_train.everything_at_hand(backbone) else backbone
st.caption(
    "without any backbone"
    if recipe == "baseline"
    else f"on **{plain(backbone)}**"
    if backbone
    else "on the available backbones"
)

left, right = st.columns([3, 2], gap="large")
with left, problems.caught():
    chosen = settings_form.show(
        recipe, record.modality, given, f"{card}{given.get('budget_minutes', '')}"
    )
    if recipe == "zero_shot" or chosen.get("start") == "words":
        chosen["prompts"] = wordings.edit(info.labels, record.modality, chosen.get("template", ""))
    options = {"strategy": card, **chosen} if recipe == "finetune" else {**given, **chosen}
    config = RunConfig(
        "train",
        services.user(),
        record.reference,
        str(record.folder),
        "" if recipe == "baseline" else backbone,
        recipe,
        options,
    )


def show_weights() -> None:
    """The numbers behind the choice of class weights."""
    counts = {
        label: row.get("train", 0)
        for label, row in info.class_splits.items()
        if row.get("train", 0)
    }
    kind = chosen.get("class_weights", "none")
    if kind != "none":
        with problems.caught():
            weights = class_weights(list(counts.values()), kind, chosen.get("custom_weights", ()))
        st.caption(
            "Class weights in the loss: "
            + ", ".join(
                f"{plain(label)} {weight:.2g}×"
                for label, weight in list(zip(counts, weights, strict=True))[:12]
            )
        )


with left:
    if recipe == "finetune":
        show_weights()
    own.preview(config)
with right:
    if recipe in ("probe", "finetune"):
        layers.show(config, record.classes)
        estimate.show(config)
    elif recipe == "ladder":
        st.caption(
            "Each strategy trains on the same items and is compared on the same validation"
            " items; the recommended one alone is then evaluated on the test items. It takes as"
            " long as all of"
            " them together."
        )
    elif recipe == "auto":
        st.caption(
            "First a probe of each backbone, which you get in any case; then fine-tunings that"
            " differ in trained layers, learning rate and augmentation: many of them stopped"
            " early, the most promising ones trained to the end (successive halving). It chooses"
            " on the validation items, can be"
            " stopped and resumed, and its best model is an ordinary run."
        )
    elif recipe == "zero_shot":
        st.markdown(
            ":gray-badge[:material/ac_unit: frozen] everything: words become the classifier"
        )
    elif recipe == "contrastive":
        st.markdown(
            ":green-badge[:material/spa: trainable] the whole encoder, from pairs of texts; then a"
            " linear classifier"
        )
    elif recipe == "static_embeddings":
        st.markdown(
            ":green-badge[:material/spa: trainable] a small network that reads word vectors"
            + (
                ""
                if chosen.get("vectors", given.get("vectors")) == "tuned"
                else "   :gray-badge[:material/ac_unit: frozen] the vectors"
            )
        )
    else:
        st.markdown(
            ":green-badge[:material/spa: trainable] a linear classifier on " + own.baseline_features
        )

count = 1
with st.container(horizontal=True, vertical_alignment="bottom"):
    sealed = st.toggle(
        "Keep the test score closed until I ask for it",
        value=True,
        key="sealed",
        help=(
            "Choose between runs by the validation items; each look at the test score is "
            "counted, because the best of many looks seems better than it is."
        ),
    )
    if recipe not in (
        "ladder",
        "auto",
    ):  # the one has seeds of its own, the other tries many things
        count = st.number_input(
            "Seeds",
            1,
            _MOST_SEEDS,
            1,
            width=110,
            key="seeds",
            help=(
                "The same training several "
                "times, each a run of its own, to see how much of the score is chance."
            ),
        )


def start(config: RunConfig, seeds: int = 1) -> None:
    """Queue the training, with as many seeds as were asked for, and watch the first."""
    with problems.caught():
        config = replace(
            config, backbone=backbones.allowed(config.backbone) if config.backbone else ""
        )
        first = config.settings.seed
        run, *_ = [
            services.submit(
                replace(config, options={**config.options, "seed": first + number}),
                f"{state.new_draft()}-{number}",
            )
            for number in range(seeds)
        ]
    state.draft_used()
    st.session_state["run"] = run.id
    st.switch_page("pages/train/live.py", query_params={"run": run.id})


if st.button("Start training", type="primary", icon=":material/play_arrow:"):
    start(replace(config, sealed=sealed), int(count))
again.show(record, start)
st.page_link(
    "pages/train/backbone.py",
    label="Choose another backbone",
    icon=":material/arrow_back:",
    query_params={"dataset": name},
)
