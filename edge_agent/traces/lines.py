"""The steps of a run in words: what reports for people are made of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from edge_agent.events import (
    AttemptStarted,
    Event,
    GatheringEnded,
    NoteWritten,
    Nudged,
    SpanCut,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    UserSpoke,
)
from edge_agent.protocol import parse
from edge_agent.traces.account import Step


def said(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what happened in a step: what it is called, and its text."""
    for event in step.events:
        line = _line(event)
        if line is not None:
            yield line[0], shown(line[1])


def shown(text: str) -> str:
    """Return `text` with characters that nobody sees, or that turn its direction, spelt out."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character)[0] != "C"
        else f"\\u{{{ord(character):x}}}"
        for character in text
    )


def _line(event: Event) -> tuple[str, str] | None:
    if isinstance(event, TurnFinished):
        thought = parse(event.text).thought
        return ("thought", thought) if thought else None
    line: tuple[str, str] | None = None
    match event:
        case ToolCalled():
            line = (event.tool, ", ".join(str(value) for value in event.arguments.values()))
        case ToolAnswered():
            line = ("failed" if event.failed else "result", event.text)
        case TurnRolledBack():
            line = ("taken back", event.reason)
        case Nudged():
            line = ("told", f"{event.reason}: {event.told}")
        case UserSpoke() | NoteWritten():
            line = ("user" if isinstance(event, UserSpoke) else "note", event.text)
        case SpanCut():
            line = ("window", f"{event.kind} of {event.tokens} tokens left")
        case GatheringEnded():
            line = ("gathering ended", event.reason)
        case AttemptStarted():
            line = ("attempt", f"{event.attempt}. {event.summary}")
    return line
