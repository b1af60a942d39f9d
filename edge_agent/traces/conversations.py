"""The conversations of a run: what the model saw and wrote, message by message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from edge_agent.events import (
    AttemptStarted,
    Event,
    NoteWritten,
    Nudged,
    ReadingStarted,
    RunResumed,
    RunStarted,
    ToolAnswered,
    TurnFinished,
    TurnRolledBack,
    UserSpoke,
)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message in a role."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(slots=True)
class Conversation:
    """One window's worth of messages, spans that were cut from it included."""

    attempt: int
    phase: Literal["gathering", "reading"]
    messages: list[ChatMessage] = field(default_factory=list)

    def say(self, role: Literal["system", "user", "assistant"], content: str) -> None:
        """Add a message; what the user's side says in a row is one message."""
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == role == "user":
            self.messages[-1] = ChatMessage(role, f"{last.content}\n\n{content}")
        elif content:
            self.messages.append(ChatMessage(role, content))


def conversations(events: Sequence[Event]) -> list[Conversation]:
    """Return the conversations of a run: for each attempt its gathering, and its reading."""
    started = events[0]
    assert isinstance(started, RunStarted)
    gathering = _gathering(started, 1)
    found = [gathering]
    current = gathering
    for event in events[1:]:
        if isinstance(event, AttemptStarted):
            current = gathering = _gathering(started, event.attempt, event.summary)
            found.append(gathering)
        elif isinstance(event, ReadingStarted) and event.system:
            current = Conversation(gathering.attempt, "reading")
            current.say("system", event.system)
            current.say("user", event.prompt)
            found.append(current)
        elif isinstance(event, RunResumed):
            current = gathering
        else:
            _hear(current, event)
    return found


def _gathering(started: RunStarted, attempt: int, summary: str = "") -> Conversation:
    made = Conversation(attempt, "gathering")
    made.say("system", started.system)
    made.say("user", started.prompt or started.question)
    if summary:
        made.say("user", summary)
    return made


def _hear(conversation: Conversation, event: Event) -> None:
    """Add what an event says to the conversation that it belongs to."""
    match event:
        case TurnFinished():
            conversation.say("assistant", event.text)
        case TurnRolledBack():
            if conversation.messages[-1].role == "assistant":
                conversation.messages.pop()
            if event.told:
                conversation.say("user", event.told)
        case ToolAnswered() | NoteWritten():
            conversation.say("user", event.text)
        case Nudged():
            conversation.say("user", event.told)
        case UserSpoke() | ReadingStarted():
            conversation.say("user", event.prompt)
