"""How should it be trained? Three large choices with what each takes and gives; by hand, the
strategies as cards, the layers beside them, and every setting.
"""

from dataclasses import replace

import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.sections.train import (
    again,
    backbones,
    domain_choice,
    earlier_datasets,
    plan,
    presets,
    prices,
    teachers,
    ways_to_train,
    which_way,
    wordings,
)
from pages.shell import frame, problems, rights, services, state
from pages.shell.words import plain
from pages.widgets import layers, settings_form
from pages.widgets.glossary import help_of
from tl_core.config import STRATEGIES, RunConfig
from tl_core.results import SPEEDS

MOST_SEEDS = 5

frame.title("Design", "How should it be trained?")
name = state.current("dataset")
frame.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
    past = [
        run
        for run in services.runs().of_dataset(record.called)
        if run.kind == "train" and run.status == "done"
    ]
    speeds = SPEEDS.find(services.settings().home_path) or {}
frame.need_labels(record, info)
own = pages_of(record.modality)
backbone = st.session_state["backbone"] or backbones.suggested(record)

way = ways_to_train.choose(
    prices.of_ways(
        past,
        backbone,
        speeds.get(backbone, 0.0),
        sum(info.splits.values()),
        ways_to_train.minutes(),
    )
)
left, right = st.columns([5, 3], gap="medium")
with left:
    if way == "own":
        which_way.offer()
        card = ways_to_train.strategy(record.modality, past, backbone)
    else:
        card = {"first": "probe", "auto": "auto"}[way]
    strategy = STRATEGIES.get(card)
    recipe = strategy.recipe if strategy else card
    given = dict(strategy.values) if strategy else {}
    label = card
    if recipe == "probe" and st.session_state["depth"]:
        given["depth"] = st.session_state["depth"]
        label += str(given["depth"])
    if recipe == "auto":
        given["budget_minutes"] = ways_to_train.budget()
        label += str(given["budget_minutes"])
        backbone = "" if ways_to_train.everything_at_hand(backbone) else backbone


def options_of(chosen: dict[str, object]) -> dict[str, object]:
    """The options of a run with these settings; a fine-tuning's strategy brings its own values."""
    return {"strategy": card, **chosen} if recipe == "finetune" else {**given, **chosen}


def show_presets(chosen: dict[str, object]) -> None:
    """Kept settings, beside the search of the form."""
    presets.show(recipe, record.modality, options_of(chosen), record.called)


with left, problems.caught():
    meant: dict[str, str] = {}  # which domain it is for
    if recipe == "adapt":
        meant = domain_choice.choose(record, info.splits.get("unlabelled", 0))
    if recipe == "finetune":
        meant = domain_choice.offer(record, info.splits.get("unlabelled", 0))
    st.markdown("**Settings**")
    chosen = settings_form.show(
        recipe, record.modality, given, label, show_presets, about=record.called
    )
    if recipe == "zero_shot" or chosen.get("start") == "words":
        chosen["prompts"] = wordings.edit(info.labels, record.modality, chosen.get("template", ""))
    chosen |= meant
    if recipe == "distillation":
        chosen["teacher"] = teachers.choose(record)
    if recipe == "fast_adaptation":
        chosen["sources"] = earlier_datasets.choose(record)
    config = RunConfig(
        "train",
        services.user(),
        record.reference,
        str(record.folder),
        "" if recipe == "baseline" else backbone,
        recipe,
        options_of(chosen),
    )


def start(config: RunConfig, seeds: int = 1) -> None:
    """Queue the training, with as many seeds as were asked for, and watch the first."""
    with problems.caught():
        config = replace(
            config, backbone=backbones.allowed(config.backbone) if config.backbone else ""
        )
        if config.recipe == "distillation":
            teacher = backbones.allowed(config.settings.need_teacher())
            config = replace(config, options={**config.options, "teacher": teacher})
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


with left:
    plan.show_weights(config, info)
    own.preview(config)
    again.show(record, start)
why = rights.against(rights.WORK, record)
if recipe == "adapt" and not meant:
    why = why or "There is no domain to adapt to."
if not why and recipe == "distillation" and not config.options["teacher"]:
    why = "Choose a teacher first: the student learns from its answers."
why = why or layers.refused(config, record.classes)
with right.container(key="design-side"):
    with st.container(border=True):
        pressed = st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            disabled=bool(why),
            help=why or "Queues it; you can close the page, it goes on.",
        )
        if why:
            st.caption(plain(why))
        with st.container(horizontal=True, vertical_alignment="center"):
            on = "no backbone" if recipe == "baseline" else backbone or "available backbones"
            st.caption(f"on **{plain(on)}**", width="stretch")
            st.page_link(
                "pages/train/backbone.py",
                label="Choose another",
                icon=":material/account_tree:",
                query_params={"dataset": name},
            )
        sealed = st.toggle(
            "Keep the test score closed until I ask for it",
            value=True,
            key="sealed",
            help=(
                "Choose between runs by the validation items; each look at the test score is "
                "counted, because the best of many looks seems better than it is."
            ),
        )
        count = 1
        if recipe not in ("ladder", "auto"):  # one has its own seeds, the other tries many things
            count = st.number_input(
                "Seeds",
                1,
                MOST_SEEDS,
                1,
                width=160,
                key="seeds",
                help=help_of("seed", "The same training several times, each a run of its own."),
            )
    if pressed:
        start(replace(config, sealed=sealed), int(count))
    plan.show(config, record)
