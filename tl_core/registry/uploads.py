"""Uploads in the registry: whose they are and how much of each has surely arrived. The bytes lie in
`uploads/` of TL_HOME, where every replica finds them.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, insert, select, update
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import Policy
from tl_core.access.principal import Principal, as_principal
from tl_core.database.tables import uploads
from tl_core.database.turns import alone
from tl_core.errors import DataError, NotFoundError, QuotaError, StateError
from tl_core.registry.quotas import Quotas
from tl_core.settings import Settings
from tl_core.storage import is_left, remove_tree

MOST_OPEN = 10  # unfinished uploads of one person
_RESERVE = 1 << 30  # bytes of the disk that stay free, at most
_RESERVED_SHARE = 20  # of a small disk, one part in so many
_LONGEST_NAME = 200  # bytes in UTF-8; file systems take 255
_ID = re.compile("[0-9a-f]{32}")


class DiskFullError(StateError):
    """There is no room for it on the server."""

    def __init__(self) -> None:
        super().__init__(
            "The server's disk has no room for this file.",
            "Some space must stay free for the work of others.",
            "Tell whoever runs this server, or bring a smaller file.",
        )


@dataclass(frozen=True)
class Upload:
    """One row, with sizes in bytes and times in seconds since 1970.

    Args:
        id: a secret that nobody guesses; the upload's owner alone can use it all the same.
        owner: whose it is.
        name: of the file, safe on any disk.
        size: as announced.
        received: how much is surely on the disk.
        sha256: as promised (empty where nothing was), and as computed once it is finished.
        created: when it began.
        touched: when its last bytes came.
        finished: when all had arrived; None before.
        path: of the file.
    """

    id: str
    owner: str
    name: str
    size: int
    received: int
    sha256: str
    created: float
    touched: float
    finished: float | None
    path: Path


def safe_name(name: str) -> str:
    """A name that leads to no other folder and fits on any disk, with its ending kept; `upload`
    where nothing of it is left.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign if _is_plain(sign) else "_" for sign in last).strip(" ").lstrip(".")
    while len(kept.encode()) > _LONGEST_NAME:
        kept = kept[1:].lstrip(".")
    return kept or "upload"


def _is_plain(sign: str) -> bool:
    return sign.isalnum() or sign in "_ .-()+" or unicodedata.category(sign).startswith("M")


class UploadStore:
    """All access to uploads for one acting principal: their own alone."""

    def __init__(self, engine: Engine, user: str | Principal, settings: Settings) -> None:
        principal = as_principal(user)
        self._engine, self._user, self._settings = engine, principal.id, settings
        self._policy, self._quotas = Policy(engine, principal), Quotas(engine, settings)

    def create(self, name: str, size: int, sha256: str = "") -> Upload:
        """Begin an upload: a row and an empty file.

        Args:
            name: of the file, as the browser says it.
            size: in bytes.
            sha256: what it will have, in hexadecimal; empty where that is not known before.

        Raises:
            AccessError: for people who may only look, and tokens without the scope.
            DataError: for an empty file.
            QuotaError: when it is larger than the server or this person's quota allows.
            StateError: when the person has too many unfinished ones.
            DiskFullError: when it does not fit.
        """
        self._policy.require_making("datasets:write")
        self._check_size(size)
        quota = self._quotas.limit(self._user, "disk_mb")
        taken = self._quotas.disk(self._user) if quota is not None else 0  # walks all folders
        now, upload_id = time.time(), secrets.token_hex(16)
        path = self._settings.home_path / "uploads" / upload_id / safe_name(name)
        row = Upload(upload_id, self._user, path.name, size, 0, sha256, now, now, None, path)
        with self._engine.begin() as connection:
            alone(connection, self._user)
            connection.execute(insert(uploads).values(**_values(row)))
            mine = self._check_count(connection)
            if quota is not None and taken + mine > quota << 20:
                raise QuotaError(
                    "The disk space is used up.",
                    f"The limit is {quota:,} MB, and unfinished uploads count whole.",
                    "Let them finish or cancel them, or delete what is no longer needed.",
                )
            _check_room(connection, self._settings, 0)
            path.parent.mkdir(parents=True)
            path.touch()
        return row

    def _check_size(self, size: int) -> None:
        if size < 1:
            raise DataError("The file is empty.", "", "Choose another one.")
        limit = self._settings.number("upload_mb")
        if size > limit << 20:
            raise QuotaError(
                f"The file has {size / 1e6:,.0f} MB.",
                f"The limit is {limit:,} MB.",
                "Bring it as a folder on this server, or split it.",
            )
        self._quotas.require_upload(self._user, size)

    def _check_count(self, connection: Connection) -> int:
        """Bytes that this person's unfinished uploads lack, the new one among them."""
        mine = _unfinished().where(uploads.c.owner == self._user)
        count, missing = connection.execute(mine).one()
        if count > MOST_OPEN:
            raise StateError(
                f"You have {count - 1} unfinished uploads already.",
                f"The limit is {MOST_OPEN}.",
                "Let one finish, or cancel one.",
            )
        return int(missing)

    def get(self, upload_id: str) -> Upload:
        """One's own upload.

        Raises:
            NotFoundError: when there is none of that id, or it is somebody else's.
            AccessError: for people who may only look, and tokens without the scope.
        """
        self._policy.require_making("datasets:write")
        about = select(uploads).where(uploads.c.id == upload_id, uploads.c.owner == self._user)
        row = None
        if _ID.fullmatch(upload_id):  # what else stands in an address goes to no database
            with self._engine.connect() as connection:
                row = connection.execute(about).first()
        if row is None:
            raise NotFoundError("There is no such upload.", "", "Choose the file again.")
        return self._upload(row)

    def path(self, upload_id: str) -> Path:
        """The file of a finished upload.

        Raises:
            NotFoundError: when there is none of that id, it is somebody else's, or it was used up.
            StateError: when it has not arrived as a whole.
        """
        upload = self.get(upload_id)
        if upload.finished is None:
            raise StateError("The file has not arrived completely.", "", "Go on with its upload.")
        if not upload.path.is_file():
            raise NotFoundError("This upload was used already.", "", "Choose the file again.")
        return upload.path

    def unfinished(self) -> Sequence[Upload]:
        """One's own that have not arrived as a whole, newest first."""
        about = (uploads.c.owner == self._user, uploads.c.finished.is_(None))
        query = select(uploads).where(*about).order_by(uploads.c.created.desc())
        with self._engine.connect() as connection:
            return [self._upload(row) for row in connection.execute(query).all()]

    def advance(self, upload: Upload, received: int) -> Upload:
        """Note how much is on the disk.

        Raises:
            NotFoundError: when it was cancelled meanwhile.
        """
        with self._engine.begin() as connection:
            return self._changed(connection, upload, received=received, touched=time.time())

    def finish(self, upload: Upload, sha256: str) -> Upload:
        """Note that all of it is there, with its SHA-256 in hexadecimal; raises as `advance`."""
        now, size = time.time(), upload.size
        values = {"received": size, "sha256": sha256, "touched": now, "finished": now}
        detail = {"name": upload.name, "bytes": size}
        with self._engine.begin() as connection:
            done = self._changed(connection, upload, **values)
            self._policy.note(connection, "upload", "upload", upload.id, detail)
        return done

    def _changed(self, connection: Connection, upload: Upload, **values: object) -> Upload:
        about = (uploads.c.id == upload.id, uploads.c.owner == self._user)
        if not connection.execute(update(uploads).where(*about).values(**values)).rowcount:
            raise NotFoundError("This upload was cancelled.", "", "Choose the file again.")
        return replace(upload, **values)  # type: ignore[arg-type]

    def delete(self, upload_id: str) -> None:
        """Cancel an upload, or throw a finished one away, with its file.

        Raises:
            NotFoundError: when there is none of that id, or it is somebody else's.
        """
        upload = self.get(upload_id)
        with self._engine.begin() as connection:
            connection.execute(sql_delete(uploads).where(uploads.c.id == upload.id))
        remove_tree(upload.path.parent)

    def _upload(self, row: Row[tuple[object, ...]]) -> Upload:
        folder = self._settings.home_path / "uploads" / str(row.id)
        return Upload(**row._mapping, path=folder / str(row.name))


def _values(upload: Upload) -> dict[str, object]:
    return {column.name: getattr(upload, column.name) for column in uploads.c}


def require_room(engine: Engine, settings: Settings, size: int) -> None:
    """Refuse `size` bytes that do not fit beside what others are bringing.

    Raises:
        DiskFullError: in that case.
    """
    with engine.connect() as connection:
        _check_room(connection, settings, size)


def _check_room(connection: Connection, settings: Settings, more: int) -> None:
    disk = shutil.disk_usage(settings.home_path)
    _, missing = connection.execute(_unfinished()).one()
    if int(missing) + more + min(_RESERVE, disk.total // _RESERVED_SHARE) > disk.free:
        raise DiskFullError


def _unfinished() -> Select[Any]:
    """How many uploads are unfinished, and how many bytes they lack."""
    missing = func.coalesce(func.sum(uploads.c.size - uploads.c.received), 0)
    return select(func.count(), missing).where(uploads.c.finished.is_(None))


def expires(upload: Upload, settings: Settings) -> float:
    """When an unfinished upload is removed unless more of it comes, in seconds since 1970."""
    return upload.touched + 86_400 * settings.number("staging_days")


def clear_uploads(engine: Engine, settings: Settings) -> int:
    """Remove unfinished uploads that nobody went on with for `TL_STAGING_DAYS` days, rows whose
    file was used, and folders without a row; gives how many.
    """
    root, now = settings.home_path / "uploads", time.time()
    with engine.begin() as connection:
        rows = connection.execute(select(uploads)).all()
        gone = {row.id for row in rows if _is_over(row, root, settings, now)}
        connection.execute(sql_delete(uploads).where(uploads.c.id.in_(gone)))
    known, folders = {row.id for row in rows}, list(root.glob("*"))
    left = {one for one in folders if _ID.fullmatch(one.name) and one.name not in known}
    orphans = [folder for folder in left if is_left(folder)]
    for folder in [*orphans, *(root / name for name in gone)]:
        remove_tree(folder)
    return len(gone) + len(orphans)


def _is_over(row: Row[tuple[object, ...]], root: Path, settings: Settings, now: float) -> bool:
    if row.finished is not None:
        return not (root / row.id / row.name).exists()
    return bool(row.touched + 86_400 * settings.number("staging_days") < now)
