"""What dialogs have in common: a step that may be refused, told inside the dialog itself.

A dialog's buttons act in callbacks; what is shown there would stand on the page behind it.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shell import problems

_REFUSED, _OVER = "dialog_refused", "dialog_over"


def opened() -> None:
    """Forget what an earlier dialog was refused; called back by the button that opens one."""
    st.session_state.pop(_REFUSED, None)
    st.session_state.pop(_OVER, None)


def act(step: Callable[[], object], *, last: bool = False) -> None:
    """Take a step, called back by a button in the dialog; `begin` then shows a refusal.

    Args:
        step: what is done.
        last: whether the dialog is over once it is done.
    """
    opened()
    try:
        step()
    except problems.REFUSALS as error:
        st.session_state[_REFUSED] = problems.words_of(error)
    else:
        st.session_state[_OVER] = last


def begin() -> None:
    """Called first in a dialog: ends it after its last step, else shows what was refused."""
    if st.session_state.pop(_OVER, False):
        st.rerun()
    if said := st.session_state.get(_REFUSED):
        problems.show(said)
