"""Errors as answers: `{"error": {...}}` with the error object of the command line contract, under
the status that fits.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tl_core.database.away import AWAY, CODE, NO_ANSWER
from tl_core.errors import ErrorObject, UserError
from tl_core.json_files import finite

STATUS = {
    "sign_in": 401,
    "access": 403,
    "quota": 403,
    "not_found": 404,
    "state": 409,
    "too_large": 413,
    "busy": 429,
    "unexpected": 500,
    "slow": 503,
    CODE: 503,
}
"""By the code of the error; whatever else a person can mend is 422."""

_WORDS = {
    400: "not readable",
    401: "the token is missing, or does not hold",
    403: "the token, the role or the quota does not permit it",
    404: "there is none, or it may not be seen, which are the same",
    409: "its state forbids it",
    411: "a form must say its length",
    413: "too large",
    422: "it cannot be used as it is",
    429: "too many requests; Retry-After says in how many seconds to come again",
}
_UNMENDABLE = 422
log = logging.getLogger(__name__)


class TooLargeError(UserError):
    """More was sent than is taken."""

    code = "too_large"


class Question(BaseModel):
    """The import option that answers an ambiguity, and its values with what each would mean."""

    option: str
    choices: dict[str, str]


class ErrorFacts(BaseModel):
    """What happened, why, and what to try; `code` is for programs."""

    code: str = ""
    what: str
    why: str = ""
    try_this: str = ""
    question: Question | None = None


class Refusal(BaseModel):
    """Every answer that is no success."""

    error: ErrorFacts


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "model": Refusal} for status, words in _WORDS.items()
}


def refusal(
    status: int, error: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    """An error object as the answer."""
    return Response(
        json.dumps({"error": finite(error)}), status, headers, media_type="application/json"
    )


def told(code: str, what: str, why: str = "", try_this: str = "") -> ErrorObject:
    """An error object."""
    return {"code": code, "what": what, "why": why, "try_this": try_this}


def refuse_in_words(app: FastAPI) -> None:
    """Let an application answer every error with an error object."""

    @app.exception_handler(UserError)
    def mendable(_request: Request, error: UserError) -> Response:
        return refusal(STATUS.get(error.code, _UNMENDABLE), error.as_dict())

    @app.exception_handler(RequestValidationError)
    def unlike_the_document(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        words = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] == "json_invalid":
            return refusal(400, told("request", "The body is no JSON.", f"{words}."))
        what = f"{where or 'The body'}: {words}"
        return refusal(422, told("request", what, "", "/api/v1/openapi.json says what is taken."))

    @app.exception_handler(HTTPException)
    def as_http(request: Request, error: HTTPException) -> Response:
        words = {
            404: told("not_found", "There is no such address."),
            405: told("request", f"This address takes no {request.method}."),
            413: told("too_large", "More was sent than is taken."),
        }
        plain = words.get(error.status_code, told("request", str(error.detail)))
        return refusal(error.status_code, plain, error.headers)

    @app.exception_handler(ClientDisconnect)
    def broken_off(_request: Request, _error: ClientDisconnect) -> Response:
        return refusal(400, told("request", "The request broke off, or was too large."))

    def without_database(request: Request, error: Exception) -> Response:
        log.error("%s %s: no database", request.method, request.url.path, exc_info=error)
        return refusal(STATUS[CODE], AWAY)

    for kind in NO_ANSWER:
        app.add_exception_handler(kind, without_database)

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        log_id = secrets.token_hex(3)  # the server that runs us logs the traceback
        log.error("unexpected error %s in %s %s", log_id, request.method, request.url.path)
        return refusal(
            500,
            told(
                "unexpected",
                "Something went wrong that we did not expect.",
                f"{type(error).__name__} (log id {log_id}).",
                "Try again; if it happens again, report it with the log id.",
            ),
        )
