"""Carrying a run to its end: what `ask`, `runs resume` and `runs fork` share."""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from types import FrameType
from typing import Any, TypeAlias, TypeVar

import click

from edge_agent.agent import Agent, AgentSettings
from edge_agent.attachments import changes
from edge_agent.cli.agent_setup import Led, Needs, opened_agent
from edge_agent.cli.answer import print_answer, print_failure
from edge_agent.cli.output import ExitCode, diagnostics, print_json
from edge_agent.cli.pulling import pulled_usable
from edge_agent.cli.trajectory import show_trajectory
from edge_agent.config import load_config
from edge_agent.errors import RunError
from edge_agent.events import Event, RunFinished, RunResumed, RunStarted, Status, to_record
from edge_agent.home import Home
from edge_agent.keyboard import listening, terminal
from edge_agent.launch import check_at_hand
from edge_agent.messages import too_late, with_messages
from edge_agent.model_opening import loading_settings
from edge_agent.profiles import load_profile
from edge_agent.reasons import INTERRUPTED
from edge_agent.records import answer_record
from edge_agent.resumption import Limits, resumption
from edge_agent.runs import RunStore
from edge_agent.showing import in_one_line, json_text

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Lines: TypeAlias = queue.SimpleQueue[str]
"""Lines that a thread reads from the keyboard."""

_EXIT_CODES: dict[Status, ExitCode] = {
    "answered": ExitCode.ANSWERED,
    "partial": ExitCode.ANSWERED,
    "not_found": ExitCode.NOT_FOUND,
    "failed": ExitCode.FAILED,
}


@dataclass(frozen=True, slots=True)
class Output:
    """What is printed while a run goes on, and at its end."""

    as_json: bool
    events: bool
    quiet: bool

    def __post_init__(self) -> None:
        """Raise UsageError for options that exclude each other."""
        if self.as_json and self.events:
            raise click.UsageError("--json and --events both claim standard output: choose one.")


def go_on(store: RunStore, run: str, limits: Limits, output: Output, *, offline: bool) -> ExitCode:
    """Go on with a stored run, with the model and the libraries that it was begun with.

    How the model lies in memory is what the settings say now. Raises RunError where there is
    nothing to go on with, and what `check_at_hand` and opening them raise.
    """
    store.check_free(run)
    found = resumption(store.events(run), limits)
    started, home = found.started, Home.from_environment()
    named = check_at_hand(started, home, offline=offline)
    profile = load_profile(found.profile)
    chosen = pulled_usable(started.model_source, home, offline=offline, quiet=output.quiet)
    if not output.quiet:
        _say_each(changes(started.files, named))
    needs = Needs(started.libraries, named, started.tools, started.web, offline, output.quiet)
    usual = load_config(home.config).ask
    loading = loading_settings(chosen, home, found.context, usual.kv_type, lock=usual.mlock)
    led = Led(chosen, loading, profile)
    with opened_agent(needs, led, AgentSettings(prefixes=home.prefixes), home) as agent:
        stream = store.resume(run, lambda stored: agent.resume(stored, found.budget))
        return carry_out(agent, stream, store, output, keyboard=terminal())


def carry_out(
    agent: Agent,
    stream: Iterator[Event],
    store: RunStore,
    output: Output,
    *,
    keyboard: int | None,
) -> ExitCode:
    """Show a recorded run while it goes on, and how it ends; return the exit code for that.

    What is typed on `keyboard`, a terminal's file descriptor, and what is left for the run in the
    store is passed on to it; what came too late for that is said again. Ctrl-C once has it answer
    from what was found, twice ends it.
    """
    first = next(stream)
    assert isinstance(first, RunStarted | RunResumed)
    heard = None if output.quiet else keyboard
    typed: _Lines = queue.SimpleQueue()
    if heard is not None:
        diagnostics().print("To steer it, type a line at any time.")
    with (
        _saying_how_to_go_on(first.run),
        _answering_on_interrupt(agent, quiet=output.quiet),
        listening(heard, typed.put),
    ):
        steered = _leaving_lines(chain([first], stream), typed, store, first.run)
        events = with_messages(steered, agent, store, first.run)
        *_, finished = _shown(events, output, typing=heard is not None)
    assert isinstance(finished, RunFinished)
    _print_end(finished, store, output)
    if not output.quiet:
        unheard = (text for _, text in store.unheard(first.run))
        _say_each(map(too_late, chain(unheard, _taken(typed))))
    if finished.reason == INTERRUPTED:
        return ExitCode.INTERRUPTED
    return _EXIT_CODES[finished.status]


def _leaving_lines(
    events: Iterable[Event], typed: _Lines, store: RunStore, run: str
) -> Iterator[Event]:
    """Pass `events` on; leave what was typed meanwhile for the run, as `runs tell` does.

    So there is one place to look in for what it has not heard, also when it is gone on with.
    """
    for event in events:
        if not isinstance(event, RunFinished):  # which would hear nothing any more
            for line in _taken(typed):
                try:
                    store.tell(run, line)
                except RunError as error:
                    _say_each([str(error)])
        yield event


def _taken(typed: _Lines) -> Iterator[str]:
    """Take the lines that have been typed so far."""
    while not typed.empty():
        yield typed.get()


def _shown(events: Iterator[Event], output: Output, *, typing: bool) -> Iterator[Event]:
    """Pass `events` on and print them as `output` says."""
    if output.events:
        return _printed(events)
    return events if output.quiet else show_trajectory(events, typing=typing)


def _printed(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        click.echo(json_text(to_record(event)))
        yield event


def _print_end(finished: RunFinished, store: RunStore, output: Output) -> None:
    if output.as_json:
        print_json(answer_record(store.summary(finished.run), finished))
    elif not output.events:
        print_answer(finished, quiet=output.quiet)
    if finished.status == "failed":
        print_failure(finished)
    if finished.status == "failed" or (finished.reason == INTERRUPTED and not output.quiet):
        _say_how_to_go_on(finished.run)


def _say_each(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        diagnostics().print(in_one_line(sentence))


def _say_how_to_go_on(run: str) -> None:
    click.echo(f"Go on with it: miro-edge runs resume {run}", err=True)


@contextmanager
def _saying_how_to_go_on(run: str) -> Iterator[None]:
    """Say how to go on where the run breaks off, also at a second Ctrl-C."""
    try:
        yield
    except BaseException:
        _say_how_to_go_on(run)
        raise


@contextmanager
def _answering_on_interrupt(agent: Agent, *, quiet: bool) -> Iterator[None]:
    """Let the first Ctrl-C end the gathering and the second one end the program."""

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if agent.interrupted:
            raise KeyboardInterrupt
        agent.interrupt()
        if not quiet:
            diagnostics().print("Answering from what was found. Ctrl-C again ends at once.")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
