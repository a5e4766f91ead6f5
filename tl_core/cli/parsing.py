"""Click's commands as the contract needs them: words may begin with a dash, groups keep their
order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")
_JSON = click.Option(
    ["--json"],
    is_flag=True,
    expose_value=False,  # `main` takes it out before: wrong use is answered in JSON, too
    help="print exactly one JSON document on standard output",
)


class NoSuchChoice(click.BadParameter):
    """A value that is none of a parameter's choices; both are kept, so that near ones can be
    offered.
    """

    def __init__(
        self,
        value: str,
        choices: Sequence[str],
        ctx: click.Context | None,
        param: click.Parameter | None,
    ) -> None:
        super().__init__(f"there is no choice {value!r}.", ctx, param)
        self.value, self.choices = value, choices


class Choice(click.Choice[str]):
    """One of several words.

    Raises:
        NoSuchChoice: for any other.
    """

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            raise NoSuchChoice(value, self.choices, ctx, param)
        return value


class Command(click.Command):
    """A command with `--json` in its help, whose words may be texts that begin with a dash."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), _JSON]

    def get_short_help_str(self, limit: int = 45) -> str:
        del limit
        return _first_sentence(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._options_first(ctx, args))

    def _options_first(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        """The same arguments with the words after all options and `--`.

        Raises:
            NoSuchOption: for what looks like an option and is none.
            BadOptionUsage: when an option has no value because the next option follows; click
                would take that for the value.
        """
        takes_value = {
            name: not param.is_flag
            for param in self.get_params(ctx)
            if isinstance(param, click.Option)
            for name in param.opts
        }
        options: list[str] = []
        words: list[str] = []
        rest: Iterator[str] = iter(args)
        for part in rest:
            name, sign, value = part.partition("=")
            if part == "--":
                words += rest
            elif not _is_option(part, takes_value):
                words.append(part)
            elif name not in takes_value and part[:2] not in takes_value:
                raise click.NoSuchOption(name, possibilities=takes_value, ctx=ctx)
            elif sign and takes_value.get(name):
                options += [name, value]  # also -o=FILE, of which click would keep the sign
            elif takes_value.get(part):
                follower = next(rest, "--")
                if _is_option(follower, takes_value):
                    raise click.BadOptionUsage(part, f"Option {part!r} requires a value.", ctx)
                options += [part, follower]
            else:
                options.append(part)
        return [*options, "--", *words]


def _is_option(part: str, known: dict[str, bool]) -> bool:
    """Whether a part of the command line is an option: known, or with a dash and no number and no
    text of several words.
    """
    if len(part) < 2 or not part.startswith("-"):
        return False
    if part.partition("=")[0] in known or part[:2] in known:
        return True
    return not _NUMBER.match(part) and " " not in part


class Group(click.Group):
    """Commands in the order in which they were written."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)

    def get_short_help_str(self, limit: int = 45) -> str:
        del limit
        return _first_sentence(self)


def _first_sentence(command: click.Command) -> str:
    """What a list of commands says about one; click would cut it off after some letters."""
    return " ".join((command.help or "").split("\n\n")[0].split()).removesuffix(".")
