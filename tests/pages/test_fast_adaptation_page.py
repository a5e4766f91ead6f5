"""Fast adaptation from the Design page to its report."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.services.datasets import add_dataset

WORDS = "fish bird stone river money order".split()


@pytest.fixture
def old(studio, tmp_path):
    """An earlier dataset of six classes."""
    lines = [
        f"the {word} is about {word} {number},{word}" for word in WORDS for number in range(12)
    ]
    (tmp_path / "old.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return add_dataset(
        studio.datasets, studio.settings, str(tmp_path / "old.csv"), "old", ImportOptions()
    )[0]


def design(record):
    app = opened("pages/train/design.py", dataset=record.reference)
    app.session_state["backbone"] = "local:mine"
    app.button(key="way_own").click().run()
    return app.button(key="card_text_fast").click().run()


def test_without_another_dataset_it_is_said(record):
    assert "no other dataset of texts" in everything(design(record))


def test_earlier_datasets_are_chosen_and_the_report_compares(studio, record, old):
    app = design(record)
    box = next(one for one in app.multiselect if one.label.startswith("Earlier datasets"))
    box.select(old.reference).run()
    next(one for one in app.button if one.label == "Start training").click().run()
    assert not app.exception and not app.error
    [waiting] = studio.runs.list()
    assert RunConfig.read(waiting.folder).settings.sources == ("old@1",)
    studio.runs.cancel(waiting.id)
    run = studio.do(
        record, recipe="fast_adaptation", steps=4, episodes=10, shots=3, hidden=4, baseline=False
    )
    app = opened("pages/evaluate/report.py", run=run.id)
    said = everything(app)
    assert "Fast adaptation over episodes" in said and "a probe on the same labels" in said
    table = next(one.value for one in app.dataframe if "method" in one.value)
    assert table["method"][0] == "probe" and len(table) == 5
    sealed = studio.do(
        record, recipe="fast_adaptation", steps=2, episodes=10, shots=3, maml=False,
        baseline=False, sealed=True,
    )  # fmt: skip
    said = everything(opened("pages/evaluate/report.py", run=sealed.id))
    assert "Accuracy on the validation texts" in said and "on the test texts" not in said
