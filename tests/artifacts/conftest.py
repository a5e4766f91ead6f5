"""Two homes and a bucket between them, with small pieces."""

from __future__ import annotations

import pytest
from tests_support.buckets import in_memory

from tl_core.artifacts import manifests
from tl_core.artifacts.folder_store import FolderStore

PIECE = 1000


@pytest.fixture
def pieces(monkeypatch):
    monkeypatch.setattr(manifests, "PIECE_BYTES", PIECE)
    return PIECE


@pytest.fixture
def bucket(pieces):
    return in_memory()


@pytest.fixture
def one(bucket, tmp_path):
    (tmp_path / "one").mkdir()
    return FolderStore(bucket[0], tmp_path / "one")


@pytest.fixture
def other(bucket, tmp_path):
    (tmp_path / "other").mkdir()
    return FolderStore(bucket[0], tmp_path / "other")
