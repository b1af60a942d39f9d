"""The steps of a run as they happen, for a person, on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from edge_agent.cli.output import diagnostics, printable
from edge_agent.events import (
    Event,
    RunFinished,
    RunStarted,
    SpanCut,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.protocol import parse


def show_trajectory(events: Iterable[Event]) -> Iterator[Event]:
    """Pass `events` on and print each step; on a terminal a spinner shows that the model writes."""
    console = diagnostics()
    with console.status("") as status:
        written = 0
        for event in events:
            if isinstance(event, TurnStarted):
                written = 0
                status.update("Thinking…")
            elif isinstance(event, TextAppeared):
                written += 1
                status.update(f"Writing… {written}")
            else:
                _print_step(console, event)
            yield event


def print_trajectory(events: Iterable[Event], console: Console) -> None:
    """Print the steps of a run that is over."""
    for event in events:
        _print_step(console, event)


def _print_step(console: Console, event: Event) -> None:
    line = _describe(event)
    if line:
        style = "dim" if isinstance(event, SpanCut | RunStarted) else None
        console.print(Text(printable(line), style=style or ""))


def _describe(event: Event) -> str | None:
    """Return the line for an event; None for one that people need not see."""
    line: str | None
    match event:
        case RunStarted():
            line = f"{event.model} over {event.library}, run {event.run}"
        case TurnFinished():
            thought = parse(event.text).thought.replace("\n", "\n     ")
            line = f"{event.step:>3}  {thought}" if thought else None
        case ToolCalled():
            arguments = ", ".join(str(value) for value in event.arguments.values())
            line = f"{event.step:>3}  {event.tool}: {arguments}"
        case ToolAnswered():
            found = ", ".join(f"[{key}]" for key in event.keys)
            line = f"     found {found}" if found else f"     {event.text}"
        case TurnRolledBack():
            line = f"{event.step:>3}  taken back: {event.reason}"
        case SpanCut():
            line = f"     {event.kind} of {event.tokens} tokens left the window"
        case RunFinished():
            line = (
                f"     {event.calls} calls, {event.seconds:.1f} s, {event.tokens.prompt} tokens "
                f"read, {event.tokens.generated} written ({event.reason})"
            )
        case _:
            line = None
    return line
