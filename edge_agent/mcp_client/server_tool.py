"""A tool of a server's, as any other tool: what it tells is evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edge_agent.protocol import ToolSignature
from edge_agent.tools import ToolContext, ToolError, ToolResult
from edge_agent.tools.base import as_evidence, told

from .connection import Connection
from .contents import left_out, text_of
from .untrusted import harmless

_MOST_TITLE = 60
_MOST_EXPLAINED = 500


class ServerTool:
    """Has a server carry out a call."""

    def __init__(self, signature: ToolSignature, connection: Connection) -> None:
        """Offer what `signature` says, over a connection that somebody else closes."""
        self.signature = signature
        self._connection = connection

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Show what the server answers, its sentences under keys. Raises ToolError."""
        name, server = self.signature.name, self.signature.server
        answer = self._connection.call(name, arguments, context.stopped)
        text = text_of(answer)
        if answer.is_error:
            raise ToolError(harmless(text, _MOST_EXPLAINED) or "the server does not say why")
        asked = harmless(", ".join(_words(arguments.values())), _MOST_TITLE)
        title = f"{name} ({asked})" if asked else name
        passages = told(title, f"{server}/{name}", text)
        about = f"{asked} {context.question}"
        result = as_evidence(f"{server} (MCP)", passages, about, context)
        if missing := left_out(answer.content):
            return ToolResult(f"{result.text}\nNo text: {missing}.".strip(), result.shown)
        return result if result.text else ToolResult(f"{name} has nothing to tell.")


def _words(values: Iterable[object]) -> Iterable[str]:
    """Yield what is said in arguments, however they are nested."""
    for value in values:
        if isinstance(value, dict):
            yield from _words(value.values())
        elif isinstance(value, list):
            yield from _words(value)
        else:
            yield str(value)
