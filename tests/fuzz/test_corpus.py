"""Every input that the fuzzer once found worth keeping, replayed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("fuzz_targets", HERE / "targets.py")
targets = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(targets)
CORPUS = sorted(path for path in (HERE / "corpus").glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}-{path.name[:12]}")
def test_kept_inputs_are_handled(path):
    targets.TARGETS[path.parent.name](path.read_bytes())


def test_the_corpus_is_kept():
    assert {path.parent.name for path in CORPUS} == set(targets.TARGETS)
