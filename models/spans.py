"""Spans: the stretches that a window is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SpanKind(Enum):
    """What a span is to the conversation."""

    SYSTEM = "system prompt"
    QUESTION = "question"
    TURN = "turn"
    RESULT = "result"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the window; `tokens` counts the wrapping of its role too."""

    number: int
    kind: SpanKind
    text: str
    tokens: int
