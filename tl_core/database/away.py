"""What is said where the database does not answer; the words are the same everywhere."""

from __future__ import annotations

import errno
import os

from sqlalchemy.exc import DBAPIError

from tl_core.errors import ErrorObject

CODE = "database"
AWAY: ErrorObject = {
    "code": CODE,
    "what": "The database does not answer.",
    "why": "It is being restarted, cannot be reached, or has no space left.",
    "try_this": "Try again in a moment; runs that are going go on meanwhile.",
}


def is_full(error: OSError | DBAPIError) -> bool:
    """Whether an error says that no space is left, by number or in the words of a database."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "is full" in str(error.orig) or os.strerror(errno.ENOSPC) in str(error.orig)
