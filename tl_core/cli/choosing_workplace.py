"""Which workplace a command has: this machine, or the server that TL_SERVER names; and which
commands make sense there.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from tl_core.cli.workplace import Workplace
from tl_core.errors import ConfigError
from tl_core.settings import read_settings

ON_A_SERVER = frozenset(
    "data add|data list|data show|data delete|train|runs list|runs show|runs cancel|runs stop|"
    "runs resume|runs delete|report|predict|export|labels next|labels take|labels give|labels skip|"
    "labels undo|labels status|labels settle|labels apply".split("|")
)
"""Commands that work on a server as on this machine."""
ON_FILES = frozenset("recipes list|recipes show|verify|push|serve|doctor".split("|"))
"""Commands that need neither: they are about files at hand, or about this program."""


def open_workplace() -> Workplace:
    """This machine, or the server that TL_SERVER names, until the command ends."""
    settings = read_settings()
    if settings.server:
        from tl_core.cli.remote.server_workplace import ServerWorkplace

        place = ServerWorkplace(settings)
        click.get_current_context().call_on_close(place.close)
        return place
    from tl_core.cli.this_machine import ThisMachine

    return ThisMachine()


def refuse_elsewhere(command: str) -> None:
    """Refuse a command that is about this machine while TL_SERVER names another one.

    Args:
        command: its name, such as `runs list`; empty for none.

    Raises:
        ConfigError: in that case.
    """
    settings = read_settings()
    if settings.server and command and command not in ON_A_SERVER | ON_FILES:
        raise ConfigError(
            f"'{command}' does not work with a server.",
            f"TL_SERVER is {settings.server}, and it is about the machine that it runs on.",
            "Unset TL_SERVER to use it here; on the server, its pages can do the same.",
        )


def command_name(commands: click.Group, arguments: Sequence[str]) -> str:
    """The name of the command that a command line names, such as `runs list`; empty for none, and
    for a question about its help.
    """
    if not arguments or {"-h", "--help"} & set(arguments):
        return ""
    command = commands.commands.get(arguments[0])
    if isinstance(command, click.Group):
        known = len(arguments) > 1 and arguments[1] in command.commands
        return f"{arguments[0]} {arguments[1]}" if known else ""
    return arguments[0] if command else ""
