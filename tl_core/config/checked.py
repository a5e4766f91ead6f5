"""Dataclass fields that know their help text and legal values, and the check that every settings
class shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Self, TypeVar

from tl_core.errors import ConfigError, nearest

Value = TypeVar("Value")


def setting(
    default: Value,
    text: str,
    *,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    advanced: bool = True,
    only: str = "",
    group: str = "",
    items: tuple[str, ...] = (),
) -> Value:
    """A dataclass field that knows its help text, its legal values (both ends included), the part
    of the form it belongs to and, where it does not matter to all, its modalities with blanks
    between them.
    """
    return field(
        default=default,
        metadata={
            "help": text,
            "choices": choices,
            "low": low,
            "high": high,
            "advanced": advanced,
            "only": only,
            "group": group,
            "items": items,
        },
    )


@dataclass(frozen=True)
class Checked:
    """Checks every field against its declared type, choices and range.

    Raises:
        ConfigError: names the setting, the value and what is allowed.
    """

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(spec, getattr(self, spec.name))

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Build from plain JSON values; unknown keys and wrong types raise `ConfigError`."""
        known = {spec.name: spec for spec in fields(cls)}
        for key in values:
            if key not in known:
                raise ConfigError(f"There is no setting {key!r}.", "", nearest(key, known))
        return cls(**{key: _coerce(known[key], value) for key, value in values.items()})

    @classmethod
    def help_of(cls, name: str) -> str:
        """The text of one setting."""
        return next(str(spec.metadata.get("help", "")) for spec in fields(cls) if spec.name == name)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def _coerce(spec: Field[object], value: object) -> object:
    """JSON has no tuples and writes 1 for 1.0."""
    kind = type(spec.default)
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(
            float(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for v in value
        )
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _check(spec: Field[Any], value: Any) -> None:  # noqa: ANN401
    if spec.default is MISSING:
        return
    kind, meta = type(spec.default), spec.metadata
    if type(value) is not kind:
        raise ConfigError(
            f"{spec.name} is {value!r}.",
            f"It must be of type {kind.__name__}.",
            meta.get("help", ""),
        )
    if meta.get("choices") and value not in meta["choices"]:
        raise ConfigError(
            f"{spec.name} is {value!r}.", "", f"Choose one of: {', '.join(meta['choices'])}."
        )
    allowed = meta.get("items")
    if allowed and any(part not in allowed for part in value):
        raise ConfigError(
            f"{spec.name} is {', '.join(map(str, value))}.",
            "",
            f"Choose among: {', '.join(allowed)}.",
        )
    low, high = meta.get("low"), meta.get("high")
    if low is None or high is None:
        return
    for number in value if kind is tuple else (value,):
        if not (isinstance(number, int | float) and low <= number <= high):
            raise ConfigError(
                f"{spec.name} is {value!r}.",
                f"It must lie between {low} and {high}.",
                meta.get("help", ""),
            )
