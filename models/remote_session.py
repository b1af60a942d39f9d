"""A session over a chat server: the same spans and plans, as messages that are sent anew each time.

A server cannot be told what has been decoded; it keeps what it can of a prompt that begins like the
last one. Tokens are estimated, since servers do not share their tokenizers.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path

from .chat_server import ChatMessage, ChatServer
from .control import spelt_out
from .decoding import Piece, Plan, Sampling
from .errors import ContextFull
from .remote_turn import RemoteTurn
from .spans import Span, SpanKind
from .usage import Usage

_BYTES_PER_TOKEN = 3.0
"""To begin with: fewer than usual for English, so that a window is not overrun."""
_WRAPPING = 8
"""Tokens that a server may add around a message."""
_ROLES = {SpanKind.SYSTEM: "system", SpanKind.TURN: "assistant"}


class RemoteSession:
    """The window of a model behind a server as an ordered list of spans."""

    def __init__(self, server: ChatServer, context: int) -> None:
        """Begin an empty session that uses `context` tokens of the server's window."""
        self._server = server
        self._context = context
        self._spans: list[Span] = []
        self._trusted: set[int] = set()
        """Numbers of the spans whose text may hold control tokens."""
        self._next_number = 1
        self._bytes = self._tokens = 0  # sent, and what the server counted
        self._prompt = self._new = self._generated = 0

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans, in order."""
        return tuple(self._spans)

    @property
    def size(self) -> int:
        """Tokens in the window, as estimated."""
        return sum(span.tokens for span in self._spans)

    @property
    def room(self) -> int:
        """Tokens that still fit into the window, as estimated."""
        return self._context - self.size

    @property
    def context(self) -> int:
        """The window, in tokens."""
        return self._context

    @property
    def usage(self) -> Usage:
        """The token counts so far; `prompt` is what the server did not have already."""
        return Usage(self._prompt, self._new, self._generated)

    def count(self, text: str) -> int:
        """Estimate how many tokens `text` takes, by what the server counted so far."""
        ratio = self._bytes / self._tokens if self._tokens else _BYTES_PER_TOKEN
        return math.ceil(_size(text) / max(1.0, ratio))

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        """Add a message; untrusted text cannot contain what a chat template takes for control.

        Raises ContextFull, and adds nothing, when it does not fit.
        """
        tokens = self.count(text) + _WRAPPING
        if tokens > self.room:
            raise ContextFull(
                f"The {kind.value} of about {tokens} tokens does not fit: {self.room} are left of "
                f"a window of {self.context}. Use a larger --context."
            )
        self._new += tokens
        span = self._remember(kind, text, tokens)
        if trusted:
            self._trusted.add(span.number)
        return span

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        """Carry out the steps of `plan`, yielding the text as it appears; it becomes a TURN span.

        The span is there as soon as the iteration ends. Raises ServerError and ContextFull.
        """
        if self.room <= 2 * _WRAPPING:
            raise ContextFull(
                f"No room for an answer in a window of {self.context} tokens. "
                "Use a larger --context."
            )
        turn = RemoteTurn(self._server, self._messages(), sampling, seed, self._book)
        try:
            yield from turn.write(plan, self.room - _WRAPPING)
        finally:
            self._remember(SpanKind.TURN, turn.text, self.count(turn.text) + _WRAPPING)

    def cut(self, span: Span) -> None:
        """Leave a message out from now on."""
        self._spans.remove(span)

    def rollback(self, span: Span) -> None:
        """Forget `span` and everything after it."""
        del self._spans[self._spans.index(span) :]

    def save_prefix(self, folder: Path) -> None:
        """Do nothing: what a server has decoded stays with the server."""

    def load_prefix(self, folder: Path) -> bool:
        """Say that there is none."""
        return False

    def _messages(self) -> list[ChatMessage]:
        """Return the spans as messages; neighbours of one role are one, as templates demand.

        A server tokenizes messages and template as one text. The model's own turns are not trusted
        either: they quote documents.
        """
        messages: list[dict[str, str]] = []
        for span in self._spans:
            role = _ROLES.get(span.kind, "user")
            text = span.text if span.number in self._trusted else spelt_out(span.text)
            if messages and messages[-1]["role"] == role:
                messages[-1]["content"] += f"\n\n{text}"
            else:
                messages.append({"role": role, "content": text})
        return list(messages)

    def _book(self, sent: list[ChatMessage], reply: str) -> None:
        """Count the tokens of a request that was answered, by the server's own figures."""
        usage = self._server.usage
        written = "".join(message["content"] for message in sent)
        prompt = self.count(written) if usage.prompt is None else usage.prompt
        self._prompt += prompt - usage.cached
        self._generated += self.count(reply) if usage.generated is None else usage.generated
        if usage.prompt:
            self._bytes += _size(written)
            self._tokens += usage.prompt

    def _remember(self, kind: SpanKind, text: str, tokens: int) -> Span:
        span = Span(self._next_number, kind, text, tokens)
        self._next_number += 1
        self._spans.append(span)
        return span


def _size(text: str) -> int:
    return len(text.encode("utf-8", errors="replace"))
