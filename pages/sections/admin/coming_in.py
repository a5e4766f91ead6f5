"""Who comes in, and with which role: by invitation, by groups of the provider, or by default."""

from __future__ import annotations

import streamlit as st

from pages.shell import others, problems, services
from pages.shell.words import ahead, plain
from tl_core.access.accounts import INVITE_DAYS, Accounts
from tl_core.access.people import group_roles
from tl_core.errors import UserError


def show() -> None:
    """The way in that this server has."""
    if services.settings().sign_in == "accounts":
        _invite()
        _invited()
    else:
        _groups()
    _administrators()


def _invite() -> None:
    """A link for one person, shown once."""
    with st.form("form_invite", clear_on_submit=True):
        st.markdown("**Invite somebody**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            role = st.selectbox(
                "Role", list(others.ROLES), 1, format_func=others.ROLES.get, width=180
            )
            note = st.text_input(
                "For whom", max_chars=255, placeholder="a note for yourself", width="stretch"
            )
            pressed = st.form_submit_button("Make a link", icon=":material/person_add:")
    if not pressed:
        return
    try:
        secret = _accounts().invite(services.principal(), role, note)
    except UserError as error:
        problems.show(error)
        return
    st.success(
        f"Send this link to one person. It makes one account, within {INVITE_DAYS} days, and is"
        " shown only now.",
        icon=":material/link:",
    )
    st.code(f"{services.settings().origin}/invite/{secret}", language=None, wrap_lines=True)


def _invited() -> None:
    """Links that nobody has used yet, and an end for each."""
    with problems.caught():
        open_ = _accounts().invitations(services.principal())
    if not open_:
        return
    st.markdown("**Links that are open**")
    for one in open_:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"{plain(one.note) or 'without a note'} · {others.ROLES[one.role].lower()} ·"
                f" by {plain(others.name_of(one.by))} · ends {ahead(one.expires)}",
                width="stretch",
            )
            st.button(
                "End it",
                key=f"uninvite_{one.key[:16]}",
                icon=":material/link_off:",
                on_click=_end,
                args=(one.key,),
                help="It makes no account any more.",
            )


def _end(key: str) -> None:
    with problems.in_callback():
        _accounts().uninvite(services.principal(), key)


def _accounts() -> Accounts:
    return Accounts(services.database(), services.settings())


def _groups() -> None:
    """Which group has which role, as the settings say."""
    own = services.settings()
    with problems.caught():
        roles = group_roles(own)
    with st.container(border=True):
        st.markdown("**Roles by group**")
        if not roles:
            st.caption(
                "Groups are not mapped (TL_GROUP_ROLES). Whoever can sign in comes in, new people"
                f" as {others.ROLES.get(own.default_role, own.default_role).lower()}"
                " (TL_DEFAULT_ROLE); roles are given here."
            )
            return
        claim = (
            f"the claim {own.groups_claim}" if own.sign_in == "oidc" else "the header of the proxy"
        )
        st.caption(
            f"At each sign-in a role follows from {plain(claim)}; who is in none of these groups"
            " stays out. A role that is set here holds until that person signs in again."
        )
        st.dataframe(
            [
                {"group": "everybody else" if group == "*" else group, "role": others.ROLES[role]}
                for group, role in roles.items()
            ],
            hide_index=True,
            height="content",
            alt="Roles by group",
        )


def _administrators() -> None:
    names = services.settings().listed("admins")
    if names:
        st.caption(
            "Always administrators when they sign in (TL_ADMINS): "
            + ", ".join(plain(name) for name in names)
            + "."
        )
