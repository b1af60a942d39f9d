"""`miro-edge runs`: look back at what was asked and how it went, and go on with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from edge_agent.cli.answer import print_answer, print_failure
from edge_agent.cli.consent import require_consent
from edge_agent.cli.options import (
    budget_options,
    json_option,
    offline_option,
    output_option,
    output_options,
)
from edge_agent.cli.output import diagnostics, print_json, print_listing, results, write_out
from edge_agent.cli.pulling import pulled_usable
from edge_agent.cli.running import Output, go_on
from edge_agent.cli.trajectory import print_trajectory
from edge_agent.events import Event, RunFinished, RunStarted, to_record
from edge_agent.home import Home
from edge_agent.index import storable
from edge_agent.launch import check_at_hand
from edge_agent.resumption import Limits, check_can_go_on, check_openable
from edge_agent.runs import ABANDONED, RUNNING, RunStore
from edge_agent.showing import in_one_line
from edge_agent.traces import FORMATS
from edge_agent.traces import export as exported


@click.group()
def runs() -> None:
    """Look back at what was asked, step by step, and go on with it.

    \b
    Example:
      miro-edge runs list
    """


def _store() -> RunStore:
    return RunStore(Home.from_environment().runs)


@runs.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most runs to show."
)
@click.option(
    "--search",
    type=storable,
    metavar="TEXT",
    help="Only runs whose question or answer has this in it.",
)
@json_option
def list_runs(limit: int, search: str | None, as_json: bool) -> None:
    """List the newest runs first.

    A run is `running` while a process works on it. One that was killed is
    `interrupted`: `runs resume` goes on with it.

    \b
    Examples:
      miro-edge runs list --limit 5
      miro-edge runs list --search bridge
    """
    found = _store().list(limit, search)
    if as_json:
        print_json({"runs": [dataclasses.asdict(summary) for summary in found]})
        return
    if not found:
        click.echo('No runs yet. Ask something: miro-edge ask "Who …?"' if not search else "None.")
        return
    rows = [
        (
            summary.id,
            summary.status,
            "" if summary.calls is None else str(summary.calls),
            "" if summary.seconds is None else f"{summary.seconds:.1f}",
            summary.question,
            summary.answer or "",
        )
        for summary in found
    ]
    print_listing(("run", "status", "calls", "seconds", "question", "answer"), rows)


@runs.command()
@click.argument("run", metavar="ID")
@json_option
def show(run: str, as_json: bool) -> None:
    """Show every step of the run ID, which `runs list` prints; its beginning will do.

    \b
    Example:
      miro-edge runs show 20261123-1
    """
    store = _store()
    summary = store.summary(run)
    events = store.events(summary.id)
    if as_json:
        records = [to_record(event) for event in events]
        print_json({"run": dataclasses.asdict(summary), "events": records})
        return
    click.echo(f"Question: {in_one_line(summary.question)}")
    print_trajectory(events, results())
    last = events[-1]
    if not isinstance(last, RunFinished):
        click.echo(
            f"This run was interrupted. Go on with it: miro-edge runs resume {summary.id}"
            if summary.status == ABANDONED
            else "This run goes on in another process."
        )
    elif last.status == "failed":
        print_failure(last)
    else:
        print_answer(last)


@runs.command()
@click.argument("run", metavar="ID")
@budget_options("what it was allowed before")
@offline_option
@output_options
@click.pass_context
def resume(
    ctx: click.Context,
    run: str,
    max_calls: int | None,
    max_time: float | None,
    max_tokens: int | None,
    offline: bool,
    as_json: bool,
    events: bool,
    quiet: bool,
) -> None:
    """Go on with the run ID that was killed or stopped, failed, or did not find enough.

    It goes on with the next step, with the same model and libraries. One that has used up what it
    was allowed needs more of it, also one that was answered after as many calls as its profile
    makes. Seconds and tokens count from the beginning of the run.

    \b
    Examples:
      miro-edge runs resume 20261123-1
      miro-edge runs resume 20261123-1 --max-calls 16
    """
    output = Output(as_json, events, quiet)
    limits = Limits(max_calls, max_time, max_tokens)
    store = _store()
    ctx.exit(go_on(store, store.summary(run).id, limits, output, offline=offline))


@runs.command()
@click.argument("run", metavar="ID")
@click.option(
    "--at", "step", type=int, required=True, metavar="STEP", help="The last step that both share."
)
@click.option("--seed", type=int, help="Draw tokens from here on.  [default: the run's own + 1]")
@budget_options("what the run was allowed")
@offline_option
@output_options
@click.pass_context
def fork(
    ctx: click.Context,
    run: str,
    step: int,
    seed: int | None,
    max_calls: int | None,
    max_time: float | None,
    max_tokens: int | None,
    offline: bool,
    as_json: bool,
    events: bool,
    quiet: bool,
) -> None:
    """Go another way from a step of the run ID, in a new run; the old one stays as it is.

    The first turn after that step is drawn by chance, from the seed.

    \b
    Example:
      miro-edge runs fork 20261123-1 --at 3
    """
    output = Output(as_json, events, quiet)
    limits = Limits(max_calls, max_time, max_tokens)
    store = _store()
    _check_can_go_on(store.events(run)[0], offline=offline, quiet=quiet)
    forked = store.fork(run, step, seed)
    if not quiet:
        diagnostics().print(f"The new run is {forked}")
    ctx.exit(go_on(store, forked, limits, output, offline=offline))


def _check_can_go_on(started: Event, *, offline: bool, quiet: bool) -> None:
    """Raise what going on would where something that a run was begun with is not at hand now.

    So no run is begun that cannot be gone on with.
    """
    check_openable(started)
    assert isinstance(started, RunStarted)
    home = Home.from_environment()
    check_at_hand(started, home, offline=offline)
    pulled_usable(started.model_source, home, offline=offline, quiet=quiet)


@runs.command()
@click.argument("run", metavar="ID")
@click.argument("text", type=storable)
def tell(run: str, text: str) -> None:
    """Say TEXT to the model in the run ID, before its next step.

    A run that nobody is working on hears it when it is resumed, also one that has ended, unless it
    has the answer that it looked for.

    \b
    Example:
      miro-edge runs tell 20261123-1 "Look in the annual reports."
    """
    said = " ".join(text.split())
    if not said:
        raise click.UsageError("There is nothing to tell: the text is empty.")
    store = _store()
    summary = store.summary(run)
    has_ended = summary.status not in (RUNNING, ABANDONED)
    if has_ended:
        check_can_go_on(store.events(summary.id))
    store.tell(summary.id, said, also_ended=has_ended)
    diagnostics().print(
        f"It will be heard when the run is resumed: miro-edge runs resume {summary.id} (with more "
        "calls, tokens or time, where those that it was given are used up)"
        if has_ended
        else "It will be heard before the next step, or when the run is resumed."
    )


@runs.command()
@click.argument("run", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    required=True,
    help="; ".join(f"{name}: {each.about}" for name, each in FORMATS.items()) + ".",
)
@output_option
def export(run: str, form: str, output: Path | None) -> None:
    """Write the run ID in another format, for other programs or for people.

    \b
    Examples:
      miro-edge runs export 20261123-1 --format html -o run.html
      miro-edge runs export 20261123-1 --format chatml
    """
    write_out(exported(form, *_store().timeline(run)), output)


@runs.command()
@click.argument("runs_to_remove", metavar="ID…", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(runs_to_remove: tuple[str, ...], yes: bool) -> None:
    """Delete the run of each ID, with all its steps. What was forked from it stays.

    \b
    Example:
      miro-edge runs remove 20261123-1
    """
    store = _store()
    summaries = {found.id: found for found in map(store.summary, runs_to_remove)}
    if not yes:
        for summary in summaries.values():
            click.echo(in_one_line(f"{summary.id}  {summary.question}"), err=True)
        require_consent(f"Delete {len(summaries)} of your runs?")
    for run in summaries:
        store.remove(run)
        diagnostics().print(f"The run {run} is deleted.")
