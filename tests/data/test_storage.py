"""What killed imports leave behind goes after a day; what is complete or young stays."""

from __future__ import annotations

import os
import time

from tl_core.settings import Settings
from tl_core.storage import remove_expired


def test_leftovers_of_killed_imports_are_removed_after_a_day(tmp_path):
    old = time.time() - 2 * 86_400
    for name in (
        "datasets/half",
        "datasets/whole",
        "datasets/young",
        "staging/half",
        "staging/young",
    ):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "items.arrow").write_bytes(b"x")
    (tmp_path / "datasets/whole/version.json").write_text("{}")
    for name in ("datasets/half", "datasets/whole", "staging/half"):
        os.utime(tmp_path / name, (old, old))
    assert remove_expired(Settings(home=str(tmp_path))) == 2
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("[ds]*/*"))
    assert left == ["datasets/whole", "datasets/young", "staging/young"]


def test_what_lies_in_staging_is_kept_as_long_as_the_setting_says(tmp_path):
    for name, days in (("old", 4), ("younger", 2)):
        (tmp_path / "staging" / name).mkdir(parents=True)
        then = time.time() - days * 86_400
        os.utime(tmp_path / "staging" / name, (then, then))
    assert remove_expired(Settings(home=str(tmp_path), staging_days="3")) == 1
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["younger"]
