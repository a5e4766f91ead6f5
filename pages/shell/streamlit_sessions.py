"""The only place that knows which of Streamlit's sessions belongs to whom, and so whose a file is
that it serves under `/media`, or takes under `/_stcore/upload_file`. Streamlit itself does not ask.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tl_core.access.principal import Principal

_MOST = 20_000  # sessions that are remembered; an old one is noted anew by its next click
_owners: OrderedDict[str, str] = OrderedDict()
_lock = threading.Lock()
log = logging.getLogger(__name__)


def note_owner(principal: Principal) -> None:
    """Remember that the session of the running script is this person's."""
    context = get_script_run_ctx()
    if context is None:
        return
    with _lock:
        _owners[context.session_id] = principal.id
        _owners.move_to_end(context.session_id)
        while len(_owners) > _MOST:
            _owners.popitem(last=False)


def owns(principal: Principal, path: str) -> bool:
    """Whether what stands under an address of Streamlit's belongs to one of this person's sessions;
    of whatever cannot be told, it does not.
    """
    parts = path.strip("/").split("/")
    try:
        if parts[:2] == ["_stcore", "upload_file"]:
            return len(parts) > 2 and _owners.get(parts[2]) == principal.id
        if parts[0] == "media" and len(parts) == 2:
            return _shown_to(principal, parts[1].partition(".")[0])
    except Exception:  # noqa: BLE001 - Streamlit's own books may change: then nobody gets a file
        log.exception("the owner of a file could not be told")
    return False


def _shown_to(principal: Principal, file_id: str) -> bool:
    """Whether a page of this person shows a file or offers it."""
    manager = runtime.get_instance().media_file_mgr
    with manager._lock:
        sessions = [
            session
            for session, files in manager._files_by_session_and_coord.items()
            if file_id in files.values()
        ]
    return any(_owners.get(session) == principal.id for session in sessions)
