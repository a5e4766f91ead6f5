"""Commands about what people may use: show, set."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from tl_core.access.principal import operator
from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.registry.quotas import QUOTAS, Standing
from tl_core.registry.scheduling.oversight import Oversight
from tl_core.settings import read_settings

DEFAULT = "default"
quota = Group("quota", help="Quotas, for administrators: show, set.")


def oversight() -> Oversight:
    """For whoever runs commands on this machine."""
    settings = read_settings()
    engine = open_database(settings)
    return Oversight(engine, operator(engine, settings.user), settings)


@quota.command("show")
@click.argument("person", required=False, metavar="[PERSON]", help="handle or id")
@click.pass_obj
def show(output: Output, person: str | None) -> int:
    """What one person, or everybody, may use and has used."""
    desk = oversight()
    found = {one: desk.standing(one) for one in ([person] if person else desk.people())}
    lines = [
        line
        for one, standings in found.items()
        for line in (f"{one}:", *(f"  {_line(standing)}" for standing in standings))
    ]
    content = [
        {"person": one, "quotas": [asdict(standing) for standing in standings]}
        for one, standings in found.items()
    ]
    return output.show(content[0] if person else content, lines)


@quota.command("set")
@click.argument("person", help="handle or id")
@click.argument("name", help="of the quota, see quota show")
@click.argument("value", help="the most; 0: no limit; default: what everybody has")
@click.pass_obj
def set_quota(output: Output, person: str, name: str, value: str) -> int:
    """Set one quota of a person."""
    if value != DEFAULT and not value.isdigit():
        raise ConfigError(
            f"{value!r} cannot be a quota.",
            "It is a whole number from 0 on, or the word default.",
            f"Write quota set {person} {name} 100, for example.",
        )
    desk = oversight()
    desk.set_quota(person, name, None if value == DEFAULT else int(value))
    standing = next(one for one in desk.standing(person) if one.name == name)
    return output.show({"person": person, **asdict(standing)}, [f"{person}: {_line(standing)}"])


def _line(standing: Standing) -> str:
    limit = "no limit" if standing.limit is None else f"at most {standing.limit:,}"
    own = " (set for this person)" if standing.own else ""
    used = "" if standing.used is None else f", {standing.used:,.1f} used".replace(".0 ", " ")
    held = f", {standing.held:,.1f} held" if standing.held else ""
    again = (
        time.strftime(", anew from %Y-%m-%d %H:%M UTC", time.gmtime(standing.resets))
        if standing.resets and standing.limit is not None
        else ""
    )
    return f"{standing.name:18} {limit}{own}{used}{held}{again}: {QUOTAS[standing.name]}"
