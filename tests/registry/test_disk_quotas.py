"""How much of the disk a person takes, and the largest file that they may bring."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from tl_core.database.tables import models, uploads
from tl_core.errors import QuotaError
from tl_core.registry.datasets import DatasetStore


def test_disk_counts_datasets_runs_models_and_uploads_and_the_trash(office, home):
    store = DatasetStore(office.engine, "ann", home)
    folder = store.new_folder()
    facts = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
    (folder / "items.arrow").write_bytes(b"x" * 1000)
    store.add("mail", folder, {**facts, "fingerprint": "a"})
    run = office.store("ann").get(office.queue("ann"))
    (run.folder / "model").mkdir()
    (run.folder / "model" / "weights").write_bytes(b"x" * 200)
    config = (run.folder / "config.json").stat().st_size
    for name, size, path in (("up", 30, "uploads/up/f.csv"), ("m", 4, "models/m/w")):
        (home / path).parent.mkdir(parents=True)
        (home / path).write_bytes(b"x" * size)
        values = {"id": name, "owner": "ann", "name": name, "created": 0}
        with office.engine.begin() as connection:
            if name == "up":
                connection.execute(insert(uploads).values(**values, size=size, touched=0))
            else:
                place = {"project": "ann/m", "folder": f"models/{name}"}
                connection.execute(insert(models).values(**values, **place))
    assert office.quotas().disk("ann") == 1234 + config and office.quotas().disk("bob") == 0
    office.store("ann").cancel(run.id)
    office.store("ann").delete([run.id])
    assert office.quotas().disk("ann") == 1234 + config


def test_a_full_disk_quota_refuses_new_work(office, home, allow):
    allow("disk_mb=1")
    run = office.store("ann").get(office.queue("ann"))
    with (run.folder / "weights").open("wb") as sink:
        sink.truncate(1 << 20)
    with pytest.raises(QuotaError) as caught:
        office.queue("ann")
    assert "The limit is 1 MB" in caught.value.why and "trash" in caught.value.try_this
    office.queue("bob")
    office.quotas().require_disk("bob", 900_000)
    with pytest.raises(QuotaError, match="this needs 2 MB"):
        office.quotas().require_disk("bob", 2 << 20)


def test_the_largest_upload(office, allow):
    allow("upload_mb=3,disk_mb=4")
    office.quotas().require_upload("ann", 3 << 20)
    with pytest.raises(QuotaError) as caught:
        office.quotas().require_upload("ann", (3 << 20) + 1)
    assert "limited to 3 MB" in caught.value.why
    office.desk().set_quota("ann", "upload_mb", 10)
    with pytest.raises(QuotaError, match="disk space"):
        office.quotas().require_upload("ann", 5 << 20)
