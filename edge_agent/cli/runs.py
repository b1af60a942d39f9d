"""`miro-edge runs`: look back at what was asked and how it went."""

from __future__ import annotations

import dataclasses

import click
from rich.table import Table

from edge_agent.cli.answer import print_answer
from edge_agent.cli.output import json_option, print_json, printable, results
from edge_agent.cli.trajectory import print_trajectory
from edge_agent.events import RunFinished, to_record
from edge_agent.home import Home
from edge_agent.runs import RunStore


@click.group()
def runs() -> None:
    """Look back at what was asked, step by step.

    \b
    Example:
      miro-edge runs list
    """


@runs.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most runs to show."
)
@json_option
def list_runs(limit: int, as_json: bool) -> None:
    """List the newest runs first.

    A run that was killed stays `running`.

    \b
    Example:
      miro-edge runs list --limit 5
    """
    found = RunStore(Home.from_environment().runs).list(limit)
    if as_json:
        print_json({"runs": [dataclasses.asdict(summary) for summary in found]})
        return
    if not found:
        click.echo('No runs yet. Ask something: miro-edge ask "Who …?"')
        return
    table = Table("run", "status", "calls", "seconds", "question", "answer", box=None)
    for summary in found:
        table.add_row(
            summary.id,
            summary.status,
            "" if summary.calls is None else str(summary.calls),
            "" if summary.seconds is None else f"{summary.seconds:.1f}",
            printable(summary.question),
            printable(summary.answer or ""),
        )
    results().print(table)


@runs.command()
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> None:
    """Show every step of RUN: an id from `runs list`, or the beginning of one.

    \b
    Example:
      miro-edge runs show 20261123-1
    """
    store = RunStore(Home.from_environment().runs)
    summary = store.summary(run)
    events = store.events(summary.id)
    if as_json:
        records = [to_record(event) for event in events]
        print_json({"run": dataclasses.asdict(summary), "events": records})
        return
    click.echo(f"Question: {printable(summary.question)}")
    print_trajectory(events, results())
    last = events[-1]
    if isinstance(last, RunFinished):
        print_answer(last)
    else:
        click.echo("This run has not ended, or was killed.")
