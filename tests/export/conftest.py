"""Bundles are made once for all tests."""

from __future__ import annotations

import pytest
from tests_support.exported import Exported


@pytest.fixture(scope="session")
def exported(tmp_path_factory, tiny):
    return Exported(tmp_path_factory.mktemp("exported"), tiny)
