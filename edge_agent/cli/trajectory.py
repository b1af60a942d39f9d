"""The steps of a run as they happen, for a person, on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatch

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from edge_agent.cli.output import diagnostics
from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Claim,
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SpanCut,
    StepMeasured,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
)
from edge_agent.models import megabytes
from edge_agent.protocol import parse
from edge_agent.showing import in_one_line, shown
from edge_agent.traces.lines import keys_of

_MARGIN = " " * 5
_IN_PASSING = (RunStarted, RunResumed, SpanCut, NoteWritten, StepMeasured)
"""What people may skip."""


def show_trajectory(events: Iterable[Event], *, typing: bool = False) -> Iterator[Event]:
    """Pass `events` on and print each step; on a terminal a spinner shows that the model writes.

    It stands still where somebody may be `typing` in the same line.
    """
    console = diagnostics()
    spinner = Spinner("dots")
    with Live(spinner, console=console, transient=True, auto_refresh=not typing) as live:
        written = 0
        for event in events:
            if isinstance(event, TurnStarted):
                written = 0
                spinner.update(text="Thinking…")
                live.refresh()
            elif isinstance(event, TextAppeared):
                written += 1
                spinner.update(text=f"Writing… {written}")
            else:
                _print_step(console, event)
            yield event


def print_trajectory(events: Iterable[Event], console: Console) -> None:
    """Print the steps of a run that is over."""
    for event in events:
        _print_step(console, event)


def _print_step(console: Console, event: Event) -> None:
    line = _described(event)
    if line:
        style = "dim" if isinstance(event, _IN_PASSING) else ""
        console.print(Text(shown(line), style=style))


@singledispatch
def _described(event: Event) -> str | None:
    """Return the lines for an event; None for one that people need not see."""
    return None


@_described.register
def _(event: RunStarted) -> str:
    origin = f", forked from {event.parent} after step {event.parent_step}" if event.parent else ""
    web = ", then the web" if event.web else ""
    return in_one_line(f"{event.model} over {event.library}{web}, run {event.run}{origin}")


@_described.register
def _(event: RunResumed) -> str:
    limits = [f"{event.max_calls} calls"]
    if event.max_seconds is not None:
        limits.append(f"{event.max_seconds:g} s")
    if event.max_tokens is not None:
        limits.append(f"{event.max_tokens} tokens")
    return f"run {event.run} goes on, up to {', '.join(limits)}"


@_described.register
def _(event: AttemptStarted) -> str:
    told = f", told:\n{_indented(event.summary)}" if event.summary else ""
    return f"{event.title}{told}"


@_described.register
def _(event: AttemptFinished) -> str:
    answer = "no answer" if event.answer is None else f"answer: {in_one_line(event.answer)}"
    return "\n".join([f"{_MARGIN}{answer}", *map(_verdict, event.claims)])


@_described.register
def _(event: TurnFinished) -> str | None:
    thought = parse(event.text).thought
    return f"{event.step:>3}  {_indented(thought).lstrip()}" if thought else None


@_described.register
def _(event: TurnRolledBack) -> str:
    told = f"\n{_indented(event.told)}" if event.told else ""
    return f"{event.step:>3}  taken back: {in_one_line(event.reason)}{told}"


@_described.register
def _(event: Nudged) -> str:
    return f"{_MARGIN}{in_one_line(event.reason)}\n{_indented(event.told)}"


@_described.register
def _(event: UserSpoke) -> str:
    return f"{_MARGIN}you: {in_one_line(event.text)}"


@_described.register
def _(event: ToolCalled) -> str:
    arguments = ", ".join(str(value) for value in event.arguments.values())
    return f"{event.step:>3}  {in_one_line(f'{event.tool}: {arguments}')}"


@_described.register
def _(event: EvidenceAdded) -> str | None:
    # The others are told by their keys alone, and shown whole where they are cited.
    if not event.is_from_the_web:
        return None
    return f"{_MARGIN}{in_one_line(f'[{event.key}] is on the web: {event.title} ({event.source})')}"


@_described.register
def _(event: ToolAnswered) -> str:
    found = keys_of(event.keys)
    return f"{_MARGIN}found {found}" if found else _indented(event.text)


@_described.register
def _(event: SpanCut) -> str:
    return f"{_MARGIN}{in_one_line(event.kind)} of {event.tokens} tokens left the window"


@_described.register
def _(event: NoteWritten) -> str:
    return f"{_MARGIN}noted:\n{_indented(event.text)}"


@_described.register
def _(event: StepMeasured) -> str:
    return (
        f"{_MARGIN}window {event.window} of {event.context} tokens, {event.tokens.prompt} read, "
        f"{event.tokens.generated} written, {event.seconds:.1f} s, "
        f"{megabytes(event.resident)} MB"
    )


@_described.register
def _(event: GatheringEnded) -> str:
    # Of a failure only the kind: its sentence is told at the end of the run.
    return f"{_MARGIN}no more is looked for: {in_one_line(event.reason.partition(':')[0])}"


@_described.register
def _(event: ReadingStarted) -> str:
    return f"{_MARGIN}reads the answer from {keys_of(event.keys) or 'the window'}"


@_described.register
def _(event: RunFinished) -> str:
    reason = event.status if event.status == "failed" else in_one_line(event.reason)
    return (
        f"{_MARGIN}{event.calls} calls, {event.seconds:.1f} s, {event.tokens.prompt} tokens read, "
        f"{event.tokens.generated} written ({reason})"
    )


def _verdict(claim: Claim) -> str:
    support = (
        f"supported by {keys_of(claim.keys)}" if claim.supported else "supported by no passage"
    )
    return f"{_MARGIN}{support}: {in_one_line(claim.text)}"


def _indented(text: str) -> str:
    return "\n".join(_MARGIN + line for line in text.splitlines())
