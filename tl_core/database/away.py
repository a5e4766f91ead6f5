"""What is said where the database does not answer; the words are the same everywhere."""

from __future__ import annotations

import errno
import os

from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from tl_core.errors import ErrorObject, StateError

NO_ANSWER = (OperationalError, InterfaceError, TimeoutError)
"""What SQLAlchemy raises then; the last is that no connection got free in time."""
CODE = "database"
AWAY: ErrorObject = {
    "code": CODE,
    "what": "The database does not answer.",
    "why": "It is being restarted, cannot be reached, or has no space left.",
    "try_this": "Try again in a moment; runs that are going go on meanwhile.",
}


class AwayError(StateError):
    """The database cannot be opened now."""

    code = CODE


def is_full(error: Exception) -> bool:
    """Whether an error says that no space is left, by number or in the words of a database."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    said = str(getattr(error, "orig", error))
    return "is full" in said or os.strerror(errno.ENOSPC) in said
