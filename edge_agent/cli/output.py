"""What every command shares when it speaks: exit codes, JSON, the console, failures."""

from __future__ import annotations

import json
import unicodedata
from enum import IntEnum
from pathlib import Path
from typing import Any

import click
from rich.console import Console

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)
"""The option of every command that prints data."""

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Where to write it.  [default: standard output]",
)
"""The option of every command that writes a text for other programs."""


class ExitCode(IntEnum):
    """What a finished command tells the shell."""

    ANSWERED = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    INTERRUPTED = 130


def diagnostics() -> Console:
    """Return the console for everything that is not the result: standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def results() -> Console:
    """Return the console for tables on standard output."""
    return Console(highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output, and nothing else."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def write_out(text: str, output: Path | None) -> None:
    """Write a text to a file, and say so; without one to standard output, as it is."""
    if output is None:
        click.echo(text, nl=False)  # it ends its own lines
    else:
        output.write_text(text, encoding="utf-8")
        diagnostics().print(f"Written to {output}", markup=False)


def printable(text: str) -> str:
    """Return `text` without what steers a terminal or turns its reading direction.

    Documents and models are not trusted: control and format characters other than line breaks and
    tabs are dropped.
    """
    return "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
    )


def explain_failure(error: Exception) -> ExitCode:
    """Say on standard error what went wrong, in one sentence, and return the exit code for it."""
    # Imported here: it knows the errors of models and index, which `--help` has no need of.
    from edge_agent.failures import explained

    message = explained(error)
    if message is None:
        raise error
    click.echo(f"miro-edge: {message}", err=True)
    return ExitCode.FAILED
