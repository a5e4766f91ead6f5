"""`people`: who may sign in to this server; for whoever has a shell on it."""

from __future__ import annotations

import click

from tl_core.access.accounts import INVITE_DAYS, Accounts
from tl_core.access.people import Administration, People
from tl_core.access.principal import ADMIN, MEMBER, ROLES, Principal
from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.database.engine import open_database
from tl_core.services.personal_data import PersonalData, erase_person
from tl_core.settings import Settings, read_settings

people = Group("people", help="People who sign in: list, invite, roles, keeping out.")
person_argument = click.argument("person", help="their handle")


def _opened() -> tuple[Settings, People, Administration]:
    """The people of this server; a shell on it is an administrator's."""
    settings = read_settings()
    engine = open_database(settings)
    acting = Principal(settings.user, role=ADMIN, way="command")
    return settings, People(engine, settings), Administration(engine, acting)


@people.command("list")
@click.pass_obj
def list_(output: Output) -> int:
    """Everybody, with role and state."""
    _, known, _ = _opened()
    rows = [
        {
            "handle": one.handle,
            "name": one.name,
            "email": one.email,
            "role": one.role,
            "disabled": one.disabled,
            "seen": one.seen,
        }
        for one in known.list()
    ]
    return output.show(
        {"people": rows},
        [
            f"{row['handle']:24} {row['role']:8} {'disabled' if row['disabled'] else '':9}"
            f" {row['name']}"
            for row in rows
        ],
    )


@people.command("invite")
@click.option("--role", type=click.Choice(ROLES), default=MEMBER, help="their role")
@click.option("--note", default="", help="whom it is for")
@click.pass_obj
def invite(output: Output, role: str, note: str) -> int:
    """Make an invitation to an account of this server's own."""
    settings, _, _ = _opened()
    acting = Principal(settings.user, role=ADMIN, way="command")
    secret = Accounts(open_database(settings), settings).invite(acting, role, note)
    link = f"{settings.origin}/invite/{secret}"
    return output.show(
        {"link": link, "role": role, "days": INVITE_DAYS},
        [link, f"It makes one account ({role}), within {INVITE_DAYS} days."],
    )


@people.command("role")
@person_argument
@click.argument("role", metavar="ROLE", type=click.Choice(ROLES), help="viewer, member or admin")
@click.pass_obj
def role_(output: Output, person: str, role: str) -> int:
    """Give somebody a role, from their next click on."""
    _, known, administration = _opened()
    one = known.get(person)
    administration.set_role(one.id, role)
    return output.show({"handle": one.handle, "role": role}, [f"{one.handle} is {role} now."])


@people.command("disable")
@person_argument
@click.pass_obj
def disable(output: Output, person: str) -> int:
    """Keep somebody out, from their next click on; what they own stays."""
    _, known, administration = _opened()
    one = known.get(person)
    administration.disable(one.id)
    return output.show({"handle": one.handle, "disabled": True}, [f"{one.handle} is kept out."])


@people.command("enable")
@person_argument
@click.pass_obj
def enable(output: Output, person: str) -> int:
    """Let somebody in again."""
    _, known, administration = _opened()
    one = known.get(person)
    administration.enable(one.id)
    return output.show({"handle": one.handle, "disabled": False}, [f"{one.handle} may come in."])


@people.command("erase")
@person_argument
@click.option("--yes", is_flag=True, help="do it; without it only what would go is told")
@click.pass_obj
def erase(output: Output, person: str, yes: bool) -> int:
    """Remove somebody who is kept out for good, with all that they own."""
    settings, known, _ = _opened()
    one, engine = known.get(person), open_database(settings)
    had = PersonalData(engine, settings.home_path, Principal(one.id)).things()
    counts = {kind: sum(thing.kind == kind for thing in had) for kind in ("datasets", "runs")}
    if yes:
        acting = Principal(settings.user, role=ADMIN, way="command")
        erase_person(engine, settings.home_path, acting, one.id)
    said = f"{counts['datasets']} dataset versions and {counts['runs']} runs"
    return output.show(
        {"handle": one.handle, "erased": yes, **counts},
        [
            f"{one.handle} is gone, with {said}."
            if yes
            else f"{said} of {one.handle} would go for good. Say --yes to erase them."
        ],
    )


@people.command("sign-out")
@person_argument
@click.pass_obj
def sign_out(output: Output, person: str) -> int:
    """End all sessions of somebody."""
    _, known, administration = _opened()
    one = known.get(person)
    administration.sign_out(one.id)
    return output.show({"handle": one.handle}, [f"{one.handle} has to sign in again."])
