"""What every command shares when it speaks: exit codes, JSON, the console, failures."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from edge_agent.showing import in_one_line, json_text

_WIDTH = 170
"""Characters of a line of a table where standard output is no terminal: no number is cut off."""
_ESCAPING = "miro-edge-escaping"
"""What the way is called in which signs are written that an encoding has not."""


class ExitCode(IntEnum):
    """What a finished command tells the shell."""

    ANSWERED = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    INTERRUPTED = 130


def write_any_text() -> None:
    """Have standard output write what its encoding has not as escapes, which JSON knows too."""
    codecs.register_error(_ESCAPING, _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_ESCAPING)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def diagnostics() -> Console:
    """Return the console for everything that is not the result: standard error."""
    return _plain_console(stderr=True, soft_wrap=True)


def results() -> Console:
    """Return the console for tables on standard output."""
    return _plain_console()


def _plain_console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console to which brackets and colons are text: Rich would make links of a title."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)


def warner(*, quiet: bool) -> Callable[[str], None]:
    """Return what says something on standard error, or nothing at all where `quiet` is wanted."""
    return (lambda _: None) if quiet else _warn


def _warn(sentence: str) -> None:
    diagnostics().print(in_one_line(sentence))


def print_table(table: Table) -> None:
    """Print a table; where standard output is no terminal, nothing in it is cut off."""
    console = results()
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(table)


def print_listing(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; what is first in a row is what people call it, and the rest gives way to it.

    So a name can be copied whole, however narrow a terminal is.
    """
    shown = [[in_one_line(cell) for cell in row] for row in rows]
    widest = max((cell_len(name) for name, *_ in shown), default=0)
    table = Table(box=None)
    table.add_column(columns[0], no_wrap=True, min_width=widest)
    for column in columns[1:]:
        table.add_column(column, overflow="fold")
    for row in shown:
        table.add_row(*row)
    print_table(table)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output, and nothing else."""
    click.echo(json_text(value, indent=2))


def write_out(text: str, output: Path | None) -> None:
    """Write a text to a file, and say so; without one to standard output, as it is."""
    if output is None:
        click.echo(text, nl=False)  # it ends its own lines
    else:
        output.write_text(text, encoding="utf-8")
        diagnostics().print(in_one_line(f"Written to {output}"))


def explain_failure(error: Exception) -> ExitCode:
    """Say on standard error what went wrong, in one sentence, and return the exit code for it."""
    # Imported here: it knows the errors of models and index, which `--help` has no need of.
    from edge_agent.failures import explained

    message = explained(error)
    if message is None:
        raise error
    click.echo(in_one_line(f"miro-edge: {message}"), err=True)
    return ExitCode.FAILED
