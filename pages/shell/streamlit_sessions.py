"""The only place that knows which of Streamlit's sessions belongs to whom, and so whose a file is
that it serves under `/media`, or takes under `/_stcore/upload_file`. Streamlit itself does not ask.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict

from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tl_core.access.principal import Principal

_MOST = 20_000  # sessions that are remembered; an old one is noted anew by its next click
_owners: OrderedDict[str, str] = OrderedDict()
_made: OrderedDict[str, set[str]] = OrderedDict()  # of files made on a click, for whom
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


def install() -> None:
    """Note for whom a download is made that is made on its click: Streamlit notes it nowhere."""
    execute = MediaFileManager.execute_deferred

    def noted(manager: MediaFileManager, file_id: str) -> str:
        asked = manager._deferred_callables.get(file_id)
        address = execute(manager, file_id)
        person = _owners.get(asked["session_id"]) if asked else None
        if person is not None:
            with _lock:
                _made.setdefault(_file_of(address), set()).add(person)
                while len(_made) > _MOST:
                    _made.popitem(last=False)
        return address

    MediaFileManager.execute_deferred = noted


def _file_of(address: str) -> str:
    """The id of a file out of its address."""
    return address.rpartition("/")[2].partition(".")[0]


def owns(principal: Principal, path: str) -> bool:
    """Whether what stands under an address of Streamlit's belongs to one of this person's sessions;
    of whatever cannot be told, it does not.
    """
    parts = path.strip("/").split("/")
    try:
        if parts[:2] == ["_stcore", "upload_file"]:
            return len(parts) > 2 and _owners.get(parts[2]) == principal.id
        if parts[0] == "media" and len(parts) == 2:
            return _shown_to(principal, _file_of(path))
    except Exception:  # noqa: BLE001 - Streamlit's own books may change: then nobody gets a file
        log.exception("the owner of a file could not be told")
    return False


def _shown_to(principal: Principal, file_id: str) -> bool:
    """Whether a page of this person shows a file or offers it, or has had it made."""
    if principal.id in _made.get(file_id, ()):
        return True
    manager = runtime.get_instance().media_file_mgr
    with manager._lock:
        sessions = [
            session
            for session, files in manager._files_by_session_and_coord.items()
            if file_id in files.values()
        ]
    return any(_owners.get(session) == principal.id for session in sessions)
