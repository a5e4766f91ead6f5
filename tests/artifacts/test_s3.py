"""The store over HTTP: an S3 server on the loopback device behind a proxy that fails."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.buckets import FAULTS, FaultyProxy, s3_server, set_keys

from tl_core.artifacts import bucket as buckets
from tl_core.artifacts.bucket import StoreError, open_bucket
from tl_core.artifacts.folder_store import FolderStore
from tl_core.errors import ConfigError, NotFoundError
from tl_core.settings import Settings

pytest.importorskip("s3fs", reason="needs the extra s3")


@pytest.fixture(scope="module")
def proxy():
    with s3_server() as port:
        proxy = FaultyProxy(port, stall=0.6)
        yield proxy
        proxy.close()


@pytest.fixture(scope="module")
def bucket(proxy):
    with pytest.MonkeyPatch.context() as patch:
        set_keys(patch)
        settings = Settings(store="s3://bucket/prefix", store_endpoint=proxy.url)
        bucket = open_bucket(settings, seconds=0.4)
        bucket.size("anything")  # the client reads its credentials now
        yield bucket


@pytest.fixture
def homes(bucket, monkeypatch, tmp_path):
    """Two homes with the bucket between them."""
    monkeypatch.setattr(buckets, "_FIRST_PAUSE", 0.01)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    return FolderStore(bucket, tmp_path / "one"), FolderStore(bucket, tmp_path / "other")


def fill(store, folder, seed):
    draw = np.random.default_rng(seed)
    (store.home / folder).mkdir(parents=True)
    for number in range(6):
        (store.home / folder / f"{number}.bin").write_bytes(draw.bytes(number * 700))


def content(store, folder):
    return {path.name: path.read_bytes() for path in (store.home / folder).iterdir()}


def test_a_bucket_does_what_is_asked(bucket):
    bucket.put("folders/a.json", b"x" * 100)
    bucket.put("folders/b.json", b"")
    assert bucket.get("folders/a.json") == b"x" * 100 and bucket.get("folders/b.json") == b""
    assert bucket.size("folders/a.json") == 100 and bucket.size("folders/no") == -1
    found = bucket.find("folders/")
    assert {name: entry.bytes for name, entry in found.items()} == {
        "folders/a.json": 100,
        "folders/b.json": 0,
    }
    assert bucket.find("pieces/") == {}
    bucket.remove(["folders/a.json", "folders/no"])
    assert set(bucket.find("folders/")) == {"folders/b.json"}
    with pytest.raises(NotFoundError):
        bucket.get("folders/a.json")


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_or_changes_anything(proxy, homes, fault):
    """Each request fails with probability 0.3, up and down; the whole table is in the guide."""
    one, other, folder = *homes, f"runs/{fault.replace(' ', '-')}"
    fill(one, folder, len(fault))
    proxy.fault, before = fault, proxy.faults
    try:
        one.push(folder)
        other.pull(folder)
    except StoreError as error:  # said, and nothing half-done is shown
        assert fault == "changed request" and "damaged" in str(error)
        assert not (other.home / folder).exists()
        proxy.fault = ""
        one.push(folder, again=True)
        other.pull(folder)
    finally:
        proxy.fault = ""
    assert content(other, folder) == content(one, folder)
    assert proxy.faults > before


def test_what_cannot_be_a_store_is_said(proxy, monkeypatch, tmp_path):
    for address in ("bucket/x", "s3://", "file:///tmp", "s3://a//b"):
        with pytest.raises(ConfigError, match="must name a bucket"):
            open_bucket(Settings(store=address))
    set_keys(monkeypatch)
    bucket = open_bucket(Settings(store="s3://nobody/x", store_endpoint=proxy.url))
    for step in (lambda: bucket.put("a", b"x"), lambda: bucket.get("a")):
        with pytest.raises(StoreError, match="There is no bucket nobody"):
            step()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY"):
        open_bucket(Settings(store="s3://bucket/x", store_endpoint=proxy.url)).get("a")
