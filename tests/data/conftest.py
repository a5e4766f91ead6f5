"""What tests of several formats share."""

from __future__ import annotations

from functools import partial

import pytest
from tests_support.labelling_exports import read_file


@pytest.fixture
def read_export(tmp_path):
    """Writes the content of an export to a file and reads it: rows, and what the reading learnt."""
    return partial(read_file, tmp_path)
