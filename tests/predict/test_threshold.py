"""The kept threshold: in range, beside the model, and obeyed by predictions of files."""

from __future__ import annotations

import csv

import pytest

from tl_core.errors import ConfigError
from tl_core.predict.threshold import read_threshold, save_threshold


def test_it_is_kept_and_nonsense_refused(tmp_path):
    assert read_threshold(tmp_path) == 0.0
    save_threshold(tmp_path, 0.8)
    assert read_threshold(tmp_path) == 0.8
    for wrong in (-0.1, 1.0, 3):
        with pytest.raises(ConfigError, match="is not possible"):
            save_threshold(tmp_path, wrong)
    assert read_threshold(tmp_path) == 0.8


def test_unsure_answers_of_a_file_are_marked(tmp_path, tiny):
    from tl_core.backbones.backbone import save_classifier
    from tl_core.backbones.load import load_backbone
    from tl_core.predict.batch import predict_source
    from tl_core.settings import read_settings

    save_classifier(
        load_backbone(f"local:{tiny('bert')}", ["a", "b"], read_settings()), tmp_path / "model"
    )
    (tmp_path / "new.csv").write_text("text\n" + "\n".join(f"words {i}" for i in range(12)) + "\n")

    def marks():
        predict_source(
            tmp_path / "model", tmp_path / "new.csv", tmp_path / "out.csv", read_settings()
        )
        with (tmp_path / "out.csv").open() as handle:
            return [(float(line["confidence"]), line["abstain"]) for line in csv.DictReader(handle)]

    sure = sorted(value for value, mark in marks() if mark == "false")
    assert len(sure) == 12
    middle = (sure[5] + sure[6]) / 2
    save_threshold(tmp_path / "model", middle)
    assert [mark for _, mark in sorted(marks())] == ["true"] * 6 + ["false"] * 6
