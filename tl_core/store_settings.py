"""Settings of the store of artifacts, a part of all settings."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.executor_settings import setting


@dataclass(frozen=True)
class StoreSettings:
    """Where artifacts have a copy, and how much of them stays at home."""

    store: str = setting(
        "TL_STORE",
        "",
        "Bucket with a copy of datasets, runs, models and features, as s3://bucket/prefix, from "
        "which several machines work; see docs/guide/storage.md. Empty: all is in TL_HOME alone.",
    )
    store_endpoint: str = setting(
        "TL_STORE_ENDPOINT",
        "",
        "Address of an S3-compatible server, such as http://minio:9000; empty: Amazon's.",
    )
    store_cache_mb: str = setting(
        "TL_STORE_CACHE_MB",
        "",
        "Most that TL_HOME keeps of what is in the store, in MB: large files that nobody has used "
        "for longest make room and are fetched again. Empty or 0: no limit.",
    )
