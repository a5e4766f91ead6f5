"""How do I use the model elsewhere? A bundle that proves itself, how to use it, and what repeats
the training.
"""

import streamlit as st

from pages.sections.use import model_card, push
from pages.shell import frame, problems, rights, run_panel, services
from pages.shell.words import plain, size
from pages.widgets import run_file, snippets
from pages.widgets.glossary import help_of
from tl_core.config import RunConfig
from tl_core.export.reproduce import command, saved_settings, script
from tl_core.export.wishes import reason_against
from tl_core.registry.run import Run
from tl_core.results import EXPORT
from tl_core.surgery.model_json import read_json

frame.title("Bundle", "How do I use the model elsewhere?")
model, content = model_card.beside()
run, run_id = model.run, model.run.id
if st.session_state["export_of"] != run_id:
    last = run_panel.of_run(run_id, "export", "done")
    st.session_state.update(export_of=run_id, export_run=last.id if last else "", push_run="")


def offer() -> None:
    """What shall be in it, and the button."""
    why = rights.against(rights.WORK, run.dataset)
    if why or model.record is None:
        st.info(plain(why), icon=":material/visibility:")
        return
    against = reason_against(model.folder)
    with st.container(horizontal=True):
        with_onnx = st.toggle(
            "ONNX",
            disabled=bool(against),
            key="export_onnx",
            help=against or help_of("ONNX", "Also writes model.onnx."),
        )
        small = st.toggle(
            "8 bits",
            disabled=bool(against),
            key="export_int8",
            help=against
            or help_of(
                "8 bits",
                "Also writes a quantised ONNX file; what that costs in accuracy is measured on your"
                " test items.",
            ),
        )
        own = st.toggle(
            "Include my examples",
            key="export_examples",
            help=(
                "Golden examples from your own test items. "
                "Whoever gets the bundle can read them. Off, they come from the samples."
            ),
        )
    if st.button(
        "Make the bundle",
        type="primary",
        icon=":material/inventory_2:",
        help="Writes and verifies it, in a minute or two.",
    ):
        with problems.caught():
            name = "".join(
                sign if sign.isalnum() else "-" for sign in run.dataset.partition("@")[0]
            ).strip("-")
            config = RunConfig(
                "export",
                services.user(),
                run.dataset,
                str(model.record.folder),
                options={
                    "run": run_id,
                    "name": f"{name or 'model'}-{run_id}",
                    "wishes": {"onnx": with_onnx or small, "int8": small, "examples": own},
                },
            )
        st.session_state["export_run"] = run_panel.start(config, "export").id
        st.rerun()


def show(job: Run) -> None:
    """The checks, the download, and how to use it."""
    with problems.caught():
        made = EXPORT.load(job.folder)
    summary = job.summary or {}
    folder, archive = summary["folder"], job.folder / summary["file"]
    st.markdown(
        "#### :green-badge[:material/verified: verified] the bundle predicts the same as the model"
    )
    st.dataframe(
        [
            {"check": check["name"], "": "✓" if check["ok"] else "✗", "detail": check["detail"]}
            for check in made["checks"]
        ],
        hide_index=True,
    )
    if made["int8"]:
        agree = made["int8"]["agreement"]
        st.caption(
            f"8 bits: {100 * agree['value']:.1f} of 100 answers stay the same"
            f" ({100 * agree['low']:.0f} to {100 * agree['high']:.0f})."
            f" {made['int8']['accuracy']['sentence']}"
        )
    run_file.link(job, archive.name, "Download the zip", primary=True)
    with st.expander(f"What is in it: {len(made['files'])} files, {size(made['bytes'])}"):
        st.code("\n".join(made["files"]), language=None)
    snippets.show(folder, read_json(archive.with_suffix("") / "graft.json"))
    st.page_link(
        "pages/use/server.py",
        label="Let other programs ask it",
        icon=":material/dns:",
        query_params={"run": run_id},
    )
    push.show(run, job.id, folder)
    st.button(
        "Make another one",
        on_click=lambda: st.session_state.update(export_run="", push_run=""),
        help="With other choices",
    )


def repeat() -> None:
    """What trains the same model again: a command, a script, the settings."""
    st.subheader("Repeat the training")
    st.caption(
        "The same data version, splits, settings and seed give the same model on the same kind of"
        " machine."
    )
    with problems.caught():
        config = rights.anew(run)
    st.code(command(config), language="bash", wrap_lines=True)
    with st.container(horizontal=True):
        st.download_button(
            "Python script",
            script(config),
            f"repeat-{run_id}.py",
            "text/x-python",
            icon=":material/code:",
            help="Trains it again without the pages.",
        )
        st.download_button(
            "Settings (JSON)",
            saved_settings(config),
            f"settings-{run_id}.json",
            "application/json",
            icon=":material/data_object:",
            help="Design starts a training with them, on any dataset.",
        )
    st.caption(plain(f"Trained by {run.recipe} on {run.dataset}."))


with content:
    st.markdown(
        "A *bundle* is an ordinary Hugging Face folder with everything that it takes to use it"
        " elsewhere: labels, preprocessing, threshold, a model card, `predict.py` that needs"
        " nothing of this program, and golden examples with the answers that it must give. It is"
        " verified before you get it."
    )
    run_panel.show(
        run_panel.in_hand("export_run"), "Writing and verifying the bundle…", show, offer
    )
    repeat()
