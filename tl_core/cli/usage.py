"""Wrong use of the command line as an error object, with the nearest names that exist."""

from __future__ import annotations

import click
from click.exceptions import NoArgsIsHelpError

from tl_core.cli.parsing import NoSuchChoice
from tl_core.errors import nearest


def explain_usage(error: click.UsageError) -> dict[str, str]:
    """The error object of the contract for what click could not understand."""
    what, hint = _words(error)
    return {"code": "usage", "what": what.removesuffix(".") + ".", "why": "", "try_this": hint}


def _words(error: click.UsageError) -> tuple[str, str]:
    """What is wrong, and what to try."""
    ctx = error.ctx
    match error:
        case click.NoSuchCommand():
            known = (
                ctx.command.list_commands(ctx)
                if ctx and isinstance(ctx.command, click.Group)
                else []
            )
            return f"There is no command {error.command_name!r}.", nearest(
                error.command_name, known
            )
        case click.NoSuchOption():
            return f"There is no option {error.option_name!r}.", nearest(
                error.option_name, _options(ctx)
            )
        case NoSuchChoice():
            return error.format_message(), nearest(error.value, error.choices)
        case NoArgsIsHelpError():
            return "A command is required.", _help_hint(ctx)
        case click.MissingParameter():
            return f"{_name(error.param, ctx)} is required.", _help_hint(ctx)
        case _:
            return error.format_message(), _help_hint(ctx)


def _name(param: click.Parameter | None, ctx: click.Context | None) -> str:
    """How a parameter is called in the help: `--name`, or RUN for a word."""
    if param is None or ctx is None:
        return "Something"
    return (
        param.make_metavar(ctx) if isinstance(param, click.Argument) else max(param.opts, key=len)
    )


def _options(ctx: click.Context | None) -> list[str]:
    """The long options of the command that could not be understood."""
    params = ctx.command.get_params(ctx) if ctx else []
    return [
        name
        for param in params
        if isinstance(param, click.Option)
        for name in param.opts
        if name.startswith("--")
    ]


def _help_hint(ctx: click.Context | None) -> str:
    """How to see what there is."""
    if ctx is None or isinstance(ctx.command, click.Group):
        return "Run with --help to see the commands."
    pieces = " ".join(ctx.command.collect_usage_pieces(ctx))
    return f"Write {ctx.command_path} {pieces}; --help says what each is."
