"""How a finished run is shown to people: the answer and its sources."""

from __future__ import annotations

import click

from edge_agent.events import Citation, RunFinished
from edge_agent.showing import in_one_line
from edge_agent.traces.account import NOT_FOUND


def print_answer(finished: RunFinished, *, quiet: bool = False) -> None:
    """Print the answer, and where it stands unless `quiet`, on standard output.

    A run that failed has none: see `print_failure`.
    """
    if finished.status == "failed":
        return
    if finished.answer is None:
        click.echo(NOT_FOUND)
        return
    click.echo(in_one_line(finished.answer))
    if quiet:
        return
    if finished.status == "partial":
        click.echo(in_one_line(f"(partial: {finished.reason})"))
    click.echo("\nSources")
    for citation in finished.citations:
        click.echo(_source_lines(citation))


def print_failure(finished: RunFinished) -> None:
    """Say on standard error why a run failed."""
    click.echo(in_one_line(f"miro-edge: {finished.reason}"), err=True)


def _source_lines(citation: Citation) -> str:
    place = f", {citation.place}" if citation.place else ""
    doubt = "" if citation.supported else "  (does not state it by itself)"
    source = in_one_line(f"[{citation.key}] {citation.title} ({citation.source}{place})")
    return f"{source}{doubt}\n    “{in_one_line(citation.quote)}”"
