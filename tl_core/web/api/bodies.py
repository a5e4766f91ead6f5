"""Bodies that come in one of two forms, as JSON or with a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar, get_origin

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

Model = TypeVar("Model", bound=BaseModel)
_FILE = {"type": "string", "format": "binary"}


async def read_json(request: Request, model: type[Model]) -> Model:
    """The body of a request.

    Raises:
        HTTPException: when it is no JSON.
        RequestValidationError: when it is not what is taken.
    """
    try:
        content = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The body is no JSON.") from error
    return checked(content, model)


def checked(content: object, model: type[Model]) -> Model:
    """What was sent, as a model.

    Raises:
        RequestValidationError: when it is not what is taken.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def from_fields(fields: Mapping[str, str], model: type[Model]) -> Model:
    """What the fields of a form say: those that are no texts are JSON.

    Raises:
        RequestValidationError: as `checked`.
    """
    content: dict[str, object] = dict(fields)
    for name, spec in model.model_fields.items():
        structured = spec.annotation in (bool, int) or get_origin(spec.annotation) is dict
        if structured and name in fields:
            with suppress(ValueError, RecursionError):  # as a text it is refused
                content[name] = json.loads(fields[name])
    return checked(content, model)


def is_form(request: Request) -> bool:
    """Whether a request brings a file."""
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def described(as_json: type[BaseModel], as_form: type[BaseModel], *files: str) -> dict[str, Any]:
    """Both forms of a body for the OpenAPI document; the first of the files is needed."""
    form = as_form.model_json_schema()
    form["properties"] = {**dict.fromkeys(files, _FILE), **form["properties"]}
    form["required"] = [files[0], *form.get("required", [])]
    contents = {"application/json": as_json.model_json_schema(), "multipart/form-data": form}
    return {
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": schema} for kind, schema in contents.items()},
        }
    }
