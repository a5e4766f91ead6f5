"""Every error that a person can act on.

The tree::

    UserError                what happened, why, what to try; shown word for word in page, command
    |                        line and run row
    |- DataError             the rows, files or columns that were brought cannot be used as they are
    |  `- AmbiguousError     they can be read in several ways that give different classes or splits
    |- BackboneError         the pretrained network cannot be found, trusted or folded
    |- ConfigError           a setting has a value that cannot work
    |- TrainingError         a training came apart, or does not fit this machine
    |- SignInError           somebody could not be signed in
    |- AccessError           it is there for this person, but not for what they want to do with it
    |- QuotaError            it would be more than this person may use
    |- NotFoundError         a dataset, run, recipe or command of that name does not exist for
    |                        this user
    `- StateError            the thing exists but is in a state that forbids the action
    Cancelled                a person asked the run to stop; not a failure

Anything else that reaches an edge (page, CLI, worker) is a defect of ours and is reported with a
log id.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NotRequired, TypedDict


class Question(TypedDict):
    """The import option that answers an ambiguity, and its values with what each would mean."""

    option: str
    choices: dict[str, str]


class ErrorObject(TypedDict):
    """The error object of the command line contract; an ambiguity asks a question."""

    code: str
    what: str
    why: str
    try_this: str
    question: NotRequired[Question]


CANCELLED: ErrorObject = {
    "code": "cancelled",
    "what": "You cancelled it.",
    "why": "",
    "try_this": "Resume or start it again.",
}
"""Why a run ended that a person has cancelled."""


class UserError(Exception):
    """Something a person can mend: `what` happened, `why`, and what to `try_this`."""

    code = "error"
    exit_code = 2

    def __init__(self, what: str, why: str = "", try_this: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.try_this = what, why, try_this

    def __reduce__(self) -> tuple[type[UserError], tuple[object, ...]]:
        return type(self), (self.what, self.why, self.try_this)

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.try_this) if part)

    def as_dict(self) -> ErrorObject:
        """The error object of the command line contract."""
        return {"code": self.code, "what": self.what, "why": self.why, "try_this": self.try_this}


class DataError(UserError):
    """The data that was brought cannot be used as it is."""

    code = "data"


class AmbiguousError(DataError):
    """The source can be read in ways that give different classes or splits; a person has to say
    which is meant.

    `option` is the import option that answers the question and `choices` its values with what each
    would mean, so that a page can ask; the command line names them in `try_this`.
    """

    code = "ambiguous"

    def __init__(self, what: str, why: str, option: str, choices: dict[str, str]) -> None:
        flag = "--" + option.replace("_", "-")
        ways = "; ".join(
            (
                f"{flag} {value!r} ({text})"
                if " " in value or not value
                else f"{flag} {value} ({text})"
            )
            for value, text in list(choices.items())[:6]
        )
        super().__init__(what, why, f"Say which is meant: {ways}.")
        self.option, self.choices = option, choices

    def __reduce__(self) -> tuple[type[UserError], tuple[object, ...]]:
        return type(self), (self.what, self.why, self.option, self.choices)

    def as_dict(self) -> ErrorObject:
        return {**super().as_dict(), "question": {"option": self.option, "choices": self.choices}}


class BackboneError(UserError):
    """A backbone cannot be found, is not safe to load, or cannot carry a folded head."""

    code = "backbone"


class ConfigError(UserError):
    """A setting has a value that cannot work."""

    code = "config"


class TrainingError(UserError):
    """A training came apart, or does not fit this machine."""

    code = "training"
    exit_code = 1


class SignInError(UserError):
    """Somebody could not be signed in."""

    code = "sign_in"


class AccessError(UserError):
    """This person may not do that with the thing, or their token does not cover it."""

    code = "access"


class QuotaError(UserError):
    """It would be more than this person may use."""

    code = "quota"


class NotFoundError(UserError):
    """No such dataset, run, recipe or command for this user."""

    code = "not_found"


class StateError(UserError):
    """The thing exists, but its state forbids what was asked."""

    code = "state"


class Cancelled(Exception):
    """A person asked the run to stop."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the known names nearest to `name`."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    if close:  # what is much farther off than the best only distracts
        likeness = [difflib.SequenceMatcher(None, one, name).ratio() for one in close]
        close = [
            one for one, like in zip(close, likeness, strict=True) if like > max(likeness) - 0.25
        ]
    close = close or sorted(names)[:8]
    return f"Did you mean {' or '.join(close)}?" if close else "There are none yet."
