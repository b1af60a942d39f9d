"""The steps of a run in words: what reports for people are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch
from typing import Any, TypeAlias

from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    ReadingStarted,
    RunFinished,
    RunResumed,
    SpanCut,
    StepMeasured,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    UserSpoke,
)
from edge_agent.protocol import parse
from edge_agent.showing import shown
from edge_agent.traces.account import Step

Line: TypeAlias = tuple[str, str]
"""What happened, and its text."""


def said(step: Step) -> Iterator[Line]:
    """Yield what happened in a step: what it is called, and its text, both as they are `shown`."""
    called = any(isinstance(event, ToolCalled) for event in step.events)
    for event in step.events:
        lines = [*told(event)]
        if isinstance(event, TurnFinished) and not called:
            lines += call_not_made(event)
        yield from ((shown(title), shown(text)) for title, text in lines if text)


def keys_of(keys: Iterable[int]) -> str:
    """Return the keys of passages as they are written in answers."""
    return ", ".join(f"[{key}]" for key in keys)


def call_not_made(event: TurnFinished) -> list[Line]:
    """Return the line for the call in a turn that was taken back, if there is one."""
    call = parse(event.text).call
    return [] if call is None else [(f"call of {call.tool}, not made", _arguments(call.arguments))]


def _arguments(arguments: Mapping[str, Any]) -> str:
    named = ", ".join(f"{name}: {value}" for name, value in arguments.items())
    return named or "without arguments"


@singledispatch
def told(event: Event) -> Iterable[Line]:
    """Return the lines for an event, not yet `shown`; none for one that people need not see."""
    return ()


@told.register
def _(event: TurnFinished) -> Iterable[Line]:
    message = parse(event.text)
    return ("thought", message.thought), ("broken call", message.fault or "")


@told.register
def _(event: ToolCalled) -> Iterable[Line]:
    return ((f"call of {event.tool}", _arguments(event.arguments)),)


@told.register
def _(event: EvidenceAdded) -> Iterable[Line]:
    # Its text stands in the result, as those of others do; where it is from is not said there.
    if not event.is_from_the_web:
        return ()
    return (("on the web", f"[{event.key}] {event.title} ({event.source})"),)


@told.register
def _(event: ToolAnswered) -> Iterable[Line]:
    return (("call failed" if event.failed else "result", event.text),)


@told.register
def _(event: TurnRolledBack) -> Iterable[Line]:
    return ("taken back", event.reason), ("model is told", event.told)


@told.register
def _(event: Nudged) -> Iterable[Line]:
    return ("noticed", event.reason), ("model is told", event.told)


@told.register
def _(event: UserSpoke) -> Iterable[Line]:
    return (("user", event.text),)


@told.register
def _(event: SpanCut) -> Iterable[Line]:
    return (("cut", f"a {event.kind} of {event.tokens} tokens left the window to make room"),)


@told.register
def _(event: NoteWritten) -> Iterable[Line]:
    return (("note", event.text),)


@told.register
def _(event: StepMeasured) -> Iterable[Line]:
    return (
        (
            "cost",
            f"{event.tokens.prompt} tokens read, {event.tokens.generated} written, "
            f"{event.seconds:.1f} s; window {event.window} of {event.context} tokens",
        ),
    )


@told.register
def _(event: GatheringEnded) -> Iterable[Line]:
    return (("gathering ended", event.reason),)


@told.register
def _(event: ReadingStarted) -> Iterable[Line]:
    return (("answer is read from", keys_of(event.keys) or "the window as it is"),)


@told.register
def _(event: AttemptStarted) -> Iterable[Line]:
    return (("model is told", event.summary),)


@told.register
def _(event: AttemptFinished) -> Iterable[Line]:
    answer = "no answer" if event.answer is None else event.answer
    return ((f"attempt {event.attempt} ended", f"{event.status}: {answer}"),)


@told.register
def _(event: RunResumed) -> Iterable[Line]:
    return (("allowed", f"up to {event.max_calls} calls an attempt"),)


@told.register
def _(event: RunFinished) -> Iterable[Line]:
    return (("run ended", f"{event.status}: {event.reason}"),)
