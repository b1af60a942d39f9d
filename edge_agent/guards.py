"""Guards: what makes a turn worthless, and why, in words that the model can use."""

from __future__ import annotations

from edge_agent.citations import content_words
from edge_agent.protocol import Message, ToolCall


class Guards:
    """Remembers the calls of a run and tells which turns to take back."""

    def __init__(self) -> None:
        """Begin with no calls."""
        self._made: set[tuple[str, frozenset[str]]] = set()

    def fault(self, message: Message) -> str | None:
        """Return why this turn is rolled back, or None where it stands."""
        if message.fault is not None:
            return f"malformed call: {message.fault}"
        if message.call is not None and _identity(message.call) in self._made:
            return "duplicate call"
        return None

    def remember(self, call: ToolCall) -> None:
        """Note a call that is carried out."""
        self._made.add(_identity(call))


def _identity(call: ToolCall) -> tuple[str, frozenset[str]]:
    """Return what calls share that ask for the same, whatever their order, case and small words."""
    return call.tool, content_words(" ".join(str(value) for value in call.arguments.values()))
