"""Resumable uploads by tus 1.0 (https://tus.io): core, creation, termination, checksum, expiration.

Bodies go to the disk as they come. What the registry says has arrived is on the disk for sure, and
nothing else counts: a file's end beyond it, left by a process that died, is cut off before more is
written. So any replica can go on with any upload. Nobody can list uploads, and somebody else's do
not exist.
"""

from __future__ import annotations

import base64
import errno
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import formatdate

import anyio
from anyio.to_thread import run_sync
from filelock import FileLock, Timeout
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tl_core.database.away import is_full
from tl_core.errors import AccessError, NotFoundError, QuotaError, StateError, UserError
from tl_core.registry.uploads import (
    DiskFullError,
    Upload,
    UploadStore,
    clear_uploads,
    expires,
)
from tl_core.settings import Settings
from tl_core.web.file_kinds import UnfitFileError
from tl_core.web.upload_file import Checksum, ChecksumError, UploadFile

ADDRESS = "/api/uploads"
VERSION = "1.0.0"
CHECKSUMS = {"sha1": 20, "sha256": 32}
"""Ways to check a part, with the bytes of their digests; the protocol asks for the first."""

_BLOCK = 1 << 20  # bytes that are gathered before a thread writes them
_SILENCE = 30.0  # seconds without a byte after which a connection is taken for lost
_LONGEST_METADATA = 4096
_STATUS: tuple[tuple[type[UserError], int], ...] = (
    (AccessError, 403),
    (NotFoundError, 404),
    (QuotaError, 413),
    (DiskFullError, 507),
    (StateError, 429),
    (UnfitFileError, 415),
    (ChecksumError, 460),
)
Handler = Callable[[Request, UploadStore], Awaitable[Response]]


class _Refused(Exception):
    """An answer that is no error of a person, but of a program that speaks tus."""

    def __init__(self, status: int, what: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.headers = status, what, headers or {}


class _Lost(Exception):
    """The connection has gone, or nothing comes any more."""


class Uploads:
    """Answers of `/api/uploads`; the gate before them says who asks.

    Args:
        settings: of this server.
        engine: of the registry.
        address: where they stand.
    """

    def __init__(self, settings: Settings, engine: Engine, address: str = ADDRESS) -> None:
        self._settings, self._engine, self._address = settings, engine, address

    def routes(self) -> list[Route]:
        """Where they stand."""
        one = f"{self._address}/{{id}}"
        return [
            Route(self._address, self._answer({"POST": self._create}), methods=["POST", "OPTIONS"]),
            Route(
                one,
                self._answer(
                    {"HEAD": self._how_far, "PATCH": self._append, "DELETE": self._cancel}
                ),
                methods=["HEAD", "PATCH", "DELETE", "OPTIONS"],
            ),
        ]

    def _answer(self, handlers: Mapping[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.method == "OPTIONS":
                return self._abilities()
            principal = request.scope.get("state", {}).get("principal")
            try:
                if principal is None:
                    raise _Refused(401, "Sign in first.")
                if request.headers.get("tus-resumable") != VERSION:
                    raise _Refused(412, "This is no request of tus 1.0.", {"tus-version": VERSION})
                store = UploadStore(self._engine, principal, self._settings)
                return await handlers[request.method](request, store)
            except _Refused as refused:
                error = {"code": "upload", "what": refused.what, "why": "", "try_this": ""}
                return _json(refused.status, error, refused.headers)
            except UserError as error:
                status = next((code for kind, code in _STATUS if isinstance(error, kind)), 400)
                return _json(status, error.as_dict())
            except OSError as error:
                if not is_full(error) and error.errno != errno.EFBIG:
                    raise
                return _json(507, DiskFullError().as_dict())

        return answer

    def _abilities(self) -> Response:
        most = self._settings.number("upload_mb") << 20
        return _empty(
            {
                "tus-version": VERSION,
                "tus-extension": "creation,termination,checksum,expiration",
                "tus-max-size": str(most),
                "tus-checksum-algorithm": ",".join(CHECKSUMS),
            }
        )

    async def _create(self, request: Request, store: UploadStore) -> Response:
        size = _number(request, "upload-length")
        about = _metadata(request.headers.get("upload-metadata", ""))
        promised = about.get("sha256", "").lower()
        if not about.get("filename"):
            raise _Refused(400, "Upload-Metadata must hold a filename.")
        if promised and not re.fullmatch("[0-9a-f]{64}", promised):
            raise _Refused(400, "The sha256 of Upload-Metadata is no SHA-256 in hexadecimal.")
        await run_sync(clear_uploads, self._engine, self._settings)
        upload = await run_sync(store.create, about["filename"], size, promised)
        address = {"location": f"{self._address}/{upload.id}"}
        return _empty(self._standing(upload) | address, 201)

    async def _how_far(self, request: Request, store: UploadStore) -> Response:
        upload = await run_sync(store.get, request.path_params["id"])
        name = base64.b64encode(upload.name.encode()).decode()
        more = {"upload-length": str(upload.size), "upload-metadata": f"filename {name}"}
        return _empty(self._standing(upload) | more | {"cache-control": "no-store"}, 200)

    async def _cancel(self, request: Request, store: UploadStore) -> Response:
        await run_sync(store.delete, request.path_params["id"])
        return _empty({})

    async def _append(self, request: Request, store: UploadStore) -> Response:
        upload = await run_sync(store.get, request.path_params["id"])
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise _Refused(415, "The content type must be application/offset+octet-stream.")
        offset, checksum = _number(request, "upload-offset"), _checksum(request)
        lock = FileLock(upload.path.with_name(".lock"), timeout=0, thread_local=False)
        try:
            await run_sync(lock.acquire)
        except Timeout:
            raise _Refused(423, "Another connection is writing to this upload.") from None
        try:
            file = await run_sync(UploadFile, store, upload.id, checksum)
            try:
                self._check_offset(request, file.upload, offset)
                return _empty(self._standing(await _written(request, file, keep=not checksum)))
            finally:
                with anyio.CancelScope(shield=True):
                    await run_sync(file.close)
        except FileNotFoundError:
            await run_sync(store.delete, upload.id)
            raise _Refused(404, "The file of this upload has gone.") from None
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(lock.release)

    def _check_offset(self, request: Request, upload: Upload, offset: int) -> None:
        if offset != upload.received:
            what = f"The upload stands at {upload.received}, not at {offset}."
            raise _Refused(409, what, self._standing(upload))
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > upload.size - offset:
            raise _Refused(413, "The body is longer than what is missing.")

    def _standing(self, upload: Upload) -> dict[str, str]:
        headers = {"upload-offset": str(upload.received)}
        if upload.finished is None:
            headers["upload-expires"] = formatdate(expires(upload, self._settings), usegmt=True)
        return headers


async def _written(request: Request, file: UploadFile, *, keep: bool) -> Upload:
    """Write the body to the end of a file.

    Args:
        request: with the body.
        file: to write to.
        keep: whether what has come counts when the connection is lost.
    """
    try:
        async for block in _blocks(request):
            if file.position + len(block) > file.upload.size:
                raise _Refused(413, "The body is longer than what is missing.")
            await run_sync(file.write, block)
    except _Lost:
        if keep:
            await run_sync(file.keep)
        raise _Refused(408, "The connection was lost.") from None
    return await run_sync(file.keep)


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """The body in blocks that are worth a thread's while; never more than one is in memory. What
    came before a connection was lost is given, too.
    """
    gathered = bytearray()
    more = True
    while more:
        lost = False
        try:
            with anyio.fail_after(_SILENCE):
                message = await request.receive()
            lost = message["type"] == "http.disconnect"
        except TimeoutError:
            lost = True
        if not lost:
            gathered += message.get("body", b"")
            more = message.get("more_body", False)
        if gathered and (lost or not more or len(gathered) >= _BLOCK):
            yield bytes(gathered)
            gathered.clear()
        if lost:
            raise _Lost


def _number(request: Request, name: str) -> int:
    found = request.headers.get(name, "")
    if not re.fullmatch("[0-9]{1,18}", found):
        raise _Refused(400, f"{name} must be a whole number.")
    return int(found)


def _metadata(header: str) -> dict[str, str]:
    """What the client says of the file: names and base64, with commas."""
    found = {}
    try:
        for pair in header[:_LONGEST_METADATA].split(","):
            name, _, coded = pair.strip().partition(" ")
            found[name] = base64.b64decode(coded, validate=True).decode()
    except ValueError:
        raise _Refused(400, "Upload-Metadata is not well formed.") from None
    return found


def _checksum(request: Request) -> Checksum | None:
    header = request.headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, coded = header.partition(" ")
    try:
        digest = base64.b64decode(coded, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != CHECKSUMS.get(algorithm):
        raise _Refused(400, f"Upload-Checksum must be one of {', '.join(CHECKSUMS)}, in base64.")
    return Checksum(algorithm, digest)


def _empty(headers: Mapping[str, str], status: int = 204) -> Response:
    return Response(None, status, {"tus-resumable": VERSION, **headers})


def _json(status: int, error: object, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": error}, status, {"tus-resumable": VERSION, **(headers or {})})
