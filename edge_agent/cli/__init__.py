"""The command line: parse arguments, render events, set exit codes. It decides nothing."""

from __future__ import annotations

import sys

# Ctrl-C while these are imported ends it in silence: nothing has begun that a word could be about.
try:
    import importlib
    import io
    from typing import Any, NoReturn

    import click

    from edge_agent import __version__
    from edge_agent.cli.output import ExitCode, explain_failure, write_any_text
    from edge_agent.showing import shown
except BaseException as error:  # while a class is made, Ctrl-C may be the cause of another error
    if KeyboardInterrupt not in (type(error), type(error.__cause__)):
        raise
    sys.exit(130)  # ExitCode.INTERRUPTED, which may not be there yet

COMMANDS = {
    "ask": "edge_agent.cli.ask:ask",
    "config": "edge_agent.cli.config:config",
    "doctor": "edge_agent.cli.doctor:doctor",
    "eval": "edge_agent.cli.eval:evaluation",
    "index": "edge_agent.cli.index:index",
    "mcp": "edge_agent.cli.mcp:mcp",
    "models": "edge_agent.cli.models:models",
    "runs": "edge_agent.cli.runs:runs",
    "serve": "edge_agent.cli.serve:serve",
    "tui": "edge_agent.tui.command:tui",
}


_READ_SETTINGS = (["ask"], ["serve"], ["mcp"], ["runs", "resume"], ["runs", "fork"])
"""The commands that read their defaults from the settings."""
_HOW_TO_OPEN = frozenset(("--plain", "--serve"))
"""Options that are those of `tui` where no command is named."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is called: `--help` must not load llama.cpp."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; the interface is meant where they begin with how it is opened."""
        return super().parse_args(ctx, ["tui", *args] if {*args[:1]} & _HOW_TO_OPEN else args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, and read its defaults from the settings where it has them there.

        Raises ConfigError where these are broken and more than help is asked for.
        """
        if not ctx.resilient_parsing and any(
            args[: len(words)] == words for words in _READ_SETTINGS
        ):
            # Imported here: few commands need it, and it takes a while.
            from edge_agent.cli.defaults import configured_defaults

            ctx.default_map = configured_defaults(needed=not {"-h", "--help"} & set(args))
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and turn every expected failure into one sentence and an exit code."""
        if sys.platform == "win32":
            click.echo("miro-edge runs on Linux and macOS; on Windows, in WSL.", err=True)
            sys.exit(ExitCode.FAILED)
        kwargs["standalone_mode"] = False
        try:
            write_any_text()
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            said = io.StringIO()
            error.show(said)
            click.echo(shown(said.getvalue()), nl=False, err=True)  # it may quote a file's name
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(_interrupted())
        except Exception as error:
            # So it is where Ctrl-C comes while a command is imported, in the making of a class.
            is_interrupted = isinstance(error.__cause__, KeyboardInterrupt)
            sys.exit(_interrupted() if is_interrupted else explain_failure(error))
        # A command that called `ctx.exit` has its code returned here; others return None.
        sys.exit(code)


def _interrupted() -> ExitCode:
    click.echo("miro-edge: interrupted", err=True)
    return ExitCode.INTERRUPTED


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="miro-edge")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Ask hard questions of your own documents, offline, and get answers with checked citations.

    In a terminal, miro-edge without a command opens the terminal interface.

    \b
    Examples:
      miro-edge
      miro-edge ask --library sample "Who designed the bridge …?"
      miro-edge index add papers ~/papers
      miro-edge doctor
    """
    if ctx.invoked_subcommand is not None:
        return
    from edge_agent.tui.command import tui
    from edge_agent.tui.terminal import in_terminal

    if not in_terminal():
        click.echo(ctx.get_help(), err=True)
        ctx.exit(ExitCode.USAGE)
    ctx.invoke(tui)
