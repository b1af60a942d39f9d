"""Conversations for training: JSON lines of messages with roles."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from edge_agent.events import Event, RunStarted
from edge_agent.showing import json_text
from edge_agent.traces.conversations import ChatMessage, conversations


def chatml(events: Sequence[Event], _times: Sequence[float]) -> str:
    """Return a line for each conversation in which the model wrote, up to its last turn.

    A turn whose prompt was not stored, as in runs of older versions, is left out.
    """
    return "".join(f"{line}\n" for line in _lines(events))


def _lines(events: Sequence[Event]) -> Iterator[str]:
    started = events[0]
    assert isinstance(started, RunStarted)
    for each in conversations(events):
        messages = _to_last_turn(each.messages())
        if messages and messages[0].role != "assistant":
            record = {
                "run": started.run,
                "attempt": each.attempt,
                "phase": each.phase,
                "messages": [dataclasses.asdict(message) for message in messages],
            }
            yield json_text(record)


def _to_last_turn(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return the messages up to the model's last one: what follows it teaches nothing."""
    kept = list(messages)
    while kept and kept[-1].role != "assistant":
        kept.pop()
    return kept
