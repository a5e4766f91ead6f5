"""A bucket as this program uses it: small objects, each written at once and read whole.

An object is there whole or not at all, as S3 promises. What a network drops, delays or cuts short
is tried again; what the bucket refuses is said in words.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from tl_core.errors import ConfigError, NotFoundError, StateError
from tl_core.settings import Settings

_SCHEME = "s3://"
_TRIES = 7
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds, doubled from try to try
_SECONDS = 30.0  # without a byte from the bucket, after which a request is made again
_AT_ONCE = 1000  # objects that one request may remove
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class StoreError(StateError):
    """The store cannot be reached, refuses, or holds something damaged."""


class Files(Protocol):
    """What is used of a file system of fsspec."""

    def pipe_file(self, path: str, value: bytes, **kwargs: object) -> object: ...

    def cat_file(self, path: str) -> bytes: ...

    def info(self, path: str) -> Mapping[str, object]: ...

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, object]]: ...

    def rm(self, path: Sequence[str]) -> object: ...


@dataclass(frozen=True)
class Entry:
    """One object: its size, and when it was written, in seconds since 1970 by the bucket's
    clock.
    """

    bytes: int
    written: float


class Bucket:
    """Objects below one prefix.

    Args:
        files: a file system of fsspec.
        root: bucket and prefix, without a scheme.
        pause: waits for some seconds.

    `retried` counts requests that were made again; `sent` and `received` count bytes of objects.
    """

    def __init__(
        self, files: Files, root: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._files, self.root, self._pause = files, root.rstrip("/"), pause
        self.retried = self.sent = self.received = 0

    def put(self, name: str, content: bytes) -> None:
        """Write an object; the bucket refuses content that was damaged on its way."""
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        checked = {"ContentMD5": base64.b64encode(digest).decode()}
        try:
            self._try(lambda: self._files.pipe_file(self._path(name), content, **checked))
        except NotFoundError as error:
            raise self._no_bucket() from error
        self.sent += len(content)

    def get(self, name: str) -> bytes:
        """The content of an object.

        Raises:
            NotFoundError: when there is none of that name.
        """
        content = self._try(lambda: self._files.cat_file(self._path(name)))
        self.received += len(content)
        return content

    def size(self, name: str) -> int:
        """Bytes of an object; -1 where there is none."""
        try:
            return int(str(self._try(lambda: self._files.info(self._path(name)))["size"]))
        except NotFoundError:
            return -1

    def find(self, prefix: str) -> dict[str, Entry]:
        """Every object below a folder, by name."""
        try:
            found = self._try(lambda: self._files.find(self._path(prefix), detail=True))
        except NotFoundError:
            return {}
        start = len(self.root) + 1
        return {
            path.removeprefix("/")[start:]: Entry(int(str(facts["size"])), _written(facts))
            for path, facts in found.items()
        }

    def remove(self, names: Sequence[str], between: Callable[[], None] = lambda: None) -> None:
        """Remove objects; those that are gone already are no error. `between` is called before
        each request.
        """
        for start in range(0, len(names), _AT_ONCE):
            between()
            paths = [self._path(name) for name in names[start : start + _AT_ONCE]]
            try:
                self._try(lambda paths=paths: self._files.rm(paths))  # type: ignore[misc]
            except NotFoundError:
                continue

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _try(self, request: Callable[[], Answer]) -> Answer:
        """Make a request until it succeeds, is refused, or has failed `_TRIES` times."""
        for number in range(_TRIES):
            try:
                return request()
            except FileNotFoundError as error:
                if _code_of(error) == "NoSuchBucket":
                    raise self._no_bucket() from error
                raise NotFoundError(f"The store holds no such object: {error}.") from error
            except PermissionError as error:
                raise self._refused(error) from error
            except Exception as error:
                if type(error).__name__ in _NO_CREDENTIALS:
                    raise self._refused(error) from error
                if number + 1 == _TRIES:
                    raise StoreError(
                        f"The store {self.root} does not answer.",
                        f"{type(error).__name__}: {str(error)[:200]}.",
                        "Check TL_STORE_ENDPOINT and the network; what has arrived is kept.",
                    ) from error
                log.info("the store did not answer (%s); trying again", type(error).__name__)
            self.retried += 1
            longest = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
            self._pause(longest * random.uniform(0.5, 1.0))
        raise AssertionError("the last try returns or raises")

    def _no_bucket(self) -> StoreError:
        bucket = self.root.partition("/")[0]
        return StoreError(f"There is no bucket {bucket}.", "", "Make it, or correct TL_STORE.")

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"The store {self.root} refuses.",
            f"{type(error).__name__}: {str(error)[:200]}.",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) to somebody who may "
            "read, write, list and delete there.",
        )


_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"}


def _code_of(error: Exception) -> str:
    """What S3 calls an error, as far as the library has kept it."""
    answer = getattr(error.__cause__, "response", None)
    return str(answer["Error"].get("Code", "")) if isinstance(answer, dict) else ""


def _written(facts: Mapping[str, object]) -> float:
    """When an object was written."""
    when = facts.get("LastModified")
    if not isinstance(when, datetime):
        raise StoreError("The store does not say when its objects were written.")
    return when.timestamp()


def open_bucket(settings: Settings, seconds: float = _SECONDS) -> Bucket:
    """The bucket that TL_STORE names; credentials are those of the usual AWS variables.

    Raises:
        ConfigError: when TL_STORE is no address of a bucket, or the extra `s3` is not installed.
    """
    address = settings.store
    root = address.removeprefix(_SCHEME).strip("/")
    if not address.startswith(_SCHEME) or not root or "//" in root:
        raise ConfigError(
            f"TL_STORE is {address!r}.", "It must name a bucket.", "Write s3://bucket/prefix."
        )
    try:
        from s3fs import S3FileSystem
    except ImportError as error:
        raise ConfigError(
            "TL_STORE needs the package s3fs, which is not installed.",
            "",
            "Install the extra: pip install 'graft-studio[s3]'.",
        ) from error
    files = S3FileSystem(
        endpoint_url=settings.store_endpoint or None,
        use_listings_cache=False,
        skip_instance_cache=True,
        max_concurrency=1,  # an object is one request
        config_kwargs={
            "connect_timeout": min(seconds, 10.0),
            "read_timeout": seconds,
            "retries": {"total_max_attempts": 1},  # `Bucket` counts and paces them itself
            "response_checksum_validation": "when_required",  # every piece is verified by its name
        },
    )
    files.retries = 1
    return Bucket(files, root)
