"""Files of a form, written to the disk as they come: never whole in memory, nor in a temporary
folder first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tl_core.database.away import is_full
from tl_core.errors import ConfigError, DataError
from tl_core.registry.quotas import Quotas
from tl_core.registry.uploads import DiskFullError, require_room, safe_name
from tl_core.web.api.acting import Acting
from tl_core.web.api.error_answers import TooLargeError
from tl_core.web.file_kinds import HEAD, check_kind

_FIELDS, _FIELD_BYTES, _HEADER_BYTES = 20, 64 << 10, 8 << 10
_WRITE_BYTES = 1 << 20


@dataclass
class Form:
    """What was sent: fields by their names, and where the files lie."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def needed(self, name: str) -> Path:
        """A file that has to be there, with something in it.

        Raises:
            ConfigError: when it is missing.
            DataError: when it is empty.
        """
        if name not in self.files:
            raise ConfigError(f"The form has no file {name!r}.", "", "Send one.")
        if not self.files[name].stat().st_size:
            raise DataError("The file is empty.", "", "Choose another one.")
        return self.files[name]


class _Reader:
    """Takes the parts of a form apart; the bytes of files wait in `pending` until they are written,
    in order, beside the file that they belong to; None ends a file.
    """

    def __init__(self, boundary: bytes, folder: Path, wanted: Collection[str]) -> None:
        self._folder, self._wanted = folder, wanted
        self.form = Form()
        self.pending: list[tuple[BinaryIO, bytes | None]] = []
        self.waiting = 0
        self.open: list[BinaryIO] = []
        self._name, self._text = "", bytearray()
        self._file: BinaryIO | None = None
        self._header, self._value, self._disposition = b"", b"", b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Take in a piece of the body."""
        self._parser.write(chunk)

    def finish(self) -> None:
        """The body has ended.

        Raises:
            FormParserError: when the form had not.
        """
        self._parser.finalize()
        if self._file is not None:
            raise FormParserError("the form broke off")

    def write(self) -> None:
        """Write what waits."""
        for handle, data in self.pending:
            if data is None:
                handle.close()
            else:
                handle.write(data)
        self.pending, self.waiting = [], 0

    def _begin(self) -> None:
        self._name, self._text, self._file = "", bytearray(), None
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header) + len(self._value) > _HEADER_BYTES:
            raise TooLargeError("A header of the form is too long.")

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            if len(self.form.fields) >= _FIELDS:
                raise ConfigError("The form has too many fields.")
            return
        if self._name not in self._wanted or self._name in self.form.files:
            raise ConfigError(
                f"The form has a file {self._name!r} that is not taken.",
                f"Files are {', '.join(self._wanted)}, one of each.",
            )
        name = safe_name(options[b"filename"].decode("utf-8", "replace"))
        folder = self._folder / self._name
        folder.mkdir()
        self.form.files[self._name] = folder / name
        self._file = (folder / name).open("wb")
        self.open.append(self._file)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._text += data[start:end]
            if len(self._text) > _FIELD_BYTES:
                raise TooLargeError("A field of the form is too long.")
        else:
            self.pending.append((self._file, data[start:end]))
            self.waiting += end - start

    def _end(self) -> None:
        if self._file is None:
            if self._name in self.form.fields:
                raise ConfigError(f"The form has two fields {self._name!r}.")
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")
        else:
            self.pending.append((self._file, None))
            self._file = None


def most_bytes(acting: Acting, request: Request) -> int:
    """Bytes that the files of a request may have together.

    Raises:
        HTTPException: when the request does not say how much it has.
        QuotaError: when the person may not bring as much as that.
        DiskFullError: when it does not fit.
    """
    owner, quotas = acting.principal.id, Quotas(acting.engine, acting.settings)
    said = request.headers.get("content-length", "")
    if not said.isdigit():
        raise HTTPException(411, "The request must say its length (Content-Length).")
    quotas.require_upload(owner, int(said))
    require_room(acting.engine, acting.settings, int(said))
    most, own = acting.settings.number("upload_mb"), quotas.limit(owner, "upload_mb")
    return (most if own is None else min(most, own)) << 20


async def receive(request: Request, folder: Path, wanted: Collection[str], most: int) -> Form:
    """The form of a request, its files in `folder`, each in a folder of its own.

    Args:
        request: with a body of type multipart/form-data.
        folder: an empty one.
        wanted: names of the fields that are files.
        most: bytes that the files together may have.

    Raises:
        ConfigError: for a file that is not wanted.
        TooLargeError: when they are larger.
        UnfitFileError: for a file that is dangerous, or not what its name says.
        DiskFullError: when there is no room.
        HTTPException: for a body that is no form.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    try:
        reader = _Reader(options.get(b"boundary", b""), folder, wanted)
    except FormParserError as error:
        raise HTTPException(400, "The form has no boundary.") from error
    left = most
    try:
        async for chunk in request.stream():
            reader.feed(chunk)
            if reader.waiting >= _WRITE_BYTES:
                left = await _written(reader, left)
        reader.finish()
        await _written(reader, left)
        await anyio.to_thread.run_sync(_check_kinds, reader.form)
    except FormParserError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    except OSError as error:
        if not is_full(error):
            raise
        raise DiskFullError from error
    finally:
        for handle in reader.open:
            handle.close()
    return reader.form


def _check_kinds(form: Form) -> None:
    """Refuse files that are dangerous, or not what their names say."""
    for path in form.files.values():
        with path.open("rb") as handle:
            check_kind(path.name, handle.read(HEAD))


async def _written(reader: _Reader, left: int) -> int:
    left -= reader.waiting
    if left < 0:
        raise TooLargeError(
            "The file is larger than what can be uploaded at once.",
            "",
            "Bring it as a folder on the server, or split it.",
        )
    await anyio.to_thread.run_sync(reader.write)
    return left
