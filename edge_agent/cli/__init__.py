"""The command line: parse arguments, render events, set exit codes. It decides nothing."""

from __future__ import annotations

import importlib
import sys
from typing import Any, NoReturn

import click

from edge_agent import __version__
from edge_agent.cli.output import ExitCode, explain_failure

COMMANDS = {
    "ask": "edge_agent.cli.ask:ask",
    "doctor": "edge_agent.cli.doctor:doctor",
    "index": "edge_agent.cli.index:index",
    "models": "edge_agent.cli.models:models",
    "runs": "edge_agent.cli.runs:runs",
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called: `--help` must not load llama.cpp."""

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

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and turn every expected failure into one sentence and an exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("miro-edge: interrupted", err=True)
            sys.exit(ExitCode.INTERRUPTED)
        except Exception as error:
            sys.exit(explain_failure(error))
        # A command that called `ctx.exit` has its code returned here; others return None.
        sys.exit(code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="miro-edge")
def main() -> None:
    """Ask hard questions of your own documents, offline, and get answers with checked citations.

    \b
    Examples:
      miro-edge ask --library sample "Who designed the bridge …?"
      miro-edge index add papers ~/papers
      miro-edge doctor
    """
