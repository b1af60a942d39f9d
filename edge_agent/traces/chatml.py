"""Conversations for training: JSON lines of messages with roles."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from edge_agent.events import Event, RunStarted
from edge_agent.traces.conversations import ChatMessage, conversations


def chatml(events: Sequence[Event], _times: Sequence[float]) -> str:
    """Return a line for each conversation in which the model wrote, up to its last turn."""
    return "".join(f"{line}\n" for line in _lines(events))


def _lines(events: Sequence[Event]) -> Iterator[str]:
    started = events[0]
    assert isinstance(started, RunStarted)
    for each in conversations(events):
        messages = _to_last_turn(each.messages)
        if messages:
            record = {
                "run": started.run,
                "attempt": each.attempt,
                "phase": each.phase,
                "messages": [dataclasses.asdict(message) for message in messages],
            }
            yield json.dumps(record, ensure_ascii=False)


def _to_last_turn(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return the messages up to the model's last one: what follows it teaches nothing."""
    turns = [place for place, message in enumerate(messages) if message.role == "assistant"]
    return list(messages[: turns[-1] + 1]) if turns else []
