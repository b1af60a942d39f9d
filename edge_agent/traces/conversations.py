"""The conversations of a run: what the model saw and wrote, message by message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, TypeAlias

from edge_agent.events import (
    AttemptStarted,
    Event,
    NoteWritten,
    Nudged,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
)
from edge_agent.protocol import parse
from edge_agent.turns import ends_in_a_call

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message in a role."""

    role: Role
    content: str


@dataclass(slots=True)
class Conversation:
    """What stood in a window, one after the other, spans that were cut from it included."""

    attempt: int
    phase: Literal["gathering", "reading"]
    spans: list[ChatMessage] = field(default_factory=list)
    unjudged: int | None = None
    """Where the turn stands whose call was not made: a guard may still take it back."""

    def say(self, role: Role, content: str) -> None:
        """Add a span; one without text says nothing."""
        if content:
            self.spans.append(ChatMessage(role, content))

    def write(self, turn: str) -> None:
        """Add a turn of the model's that nobody has judged yet."""
        self.unjudged = len(self.spans)
        self.spans.append(ChatMessage("assistant", turn))

    def go_on(self) -> None:
        """Let the run go on after its end: a step whose call was not made is written again."""
        unmade = self.unjudged is not None and ends_in_a_call(self.spans[-1].content)
        if self.spans[-1].role == "assistant" and unmade:
            del self.spans[-1]

    def take_back(self) -> None:
        """Take the turn back that nobody has judged yet; one that was broken off never stood."""
        if self.unjudged is not None:
            del self.spans[self.unjudged]
        self.unjudged = None

    def messages(self) -> Iterator[ChatMessage]:
        """Yield the messages; what the user's side says in a row is one of them."""
        for role, spans in groupby(self.spans, key=lambda span: span.role):
            if role == "user":
                yield ChatMessage(role, "\n\n".join(span.content for span in spans))
            else:
                yield from spans


def conversations(events: Sequence[Event]) -> list[Conversation]:
    """Return the conversations of a run: for each attempt its gathering, and its reading."""
    started = events[0]
    assert isinstance(started, RunStarted)
    current = gathering = _gathering(started, 1)
    found = [gathering]
    finished = False
    for event in events[1:]:
        if isinstance(event, AttemptStarted):
            current = gathering = _gathering(started, event.attempt, event.summary)
            found.append(gathering)
        elif isinstance(event, ReadingStarted) and event.system:
            current = Conversation(gathering.attempt, "reading")
            current.say("system", event.system)
            current.say("user", event.prompt)
            found.append(current)
        elif _is_unprompted_answer(started, event):
            found.append(Conversation(gathering.attempt, "reading"))
            _hear(found[-1], event)
        elif isinstance(event, RunFinished):
            current, finished = gathering, True
        elif isinstance(event, RunResumed) and finished:
            gathering.go_on()
        else:
            _hear(current, event)
    return found


def _gathering(started: RunStarted, attempt: int, summary: str = "") -> Conversation:
    made = Conversation(attempt, "gathering")
    made.say("system", started.system)
    made.say("user", started.prompt or started.question)
    made.say("user", summary)
    return made


def _is_unprompted_answer(started: RunStarted, event: Event) -> bool:
    """Tell whether an event is an answer whose prompt is unknown: older runs have not stored it."""
    return (
        not started.prompt
        and isinstance(event, TurnFinished)
        and parse(event.text).answer is not None
    )


def _hear(conversation: Conversation, event: Event) -> None:
    """Add what an event says to the conversation that it belongs to."""
    match event:
        case TurnStarted() | ToolCalled():
            conversation.unjudged = None
        case TurnFinished():
            conversation.write(event.text)
        case TurnRolledBack():
            conversation.take_back()
            conversation.say("user", event.told)
        case ToolAnswered() | NoteWritten():
            conversation.say("user", event.text)
        case Nudged():
            conversation.say("user", event.told)
        case UserSpoke() | ReadingStarted():
            conversation.say("user", event.prompt)
