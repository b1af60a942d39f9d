"""What the agent needs of a session, wherever the model runs."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Protocol

from .decoding import Piece, Plan, Sampling
from .spans import Span, SpanKind
from .usage import Usage


class AnySession(Protocol):
    """A window as an ordered list of spans: `Session` here, `RemoteSession` elsewhere."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans, in order."""

    @property
    def size(self) -> int:
        """Tokens in the window."""

    @property
    def room(self) -> int:
        """Tokens that still fit into the window."""

    @property
    def context(self) -> int:
        """The window, in tokens."""

    @property
    def usage(self) -> Usage:
        """The token counts so far."""

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes."""

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        """Add a message. Raises ContextFull, and adds nothing, when it does not fit."""

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        """Carry out the steps of `plan`, yielding the text; it becomes a TURN span."""

    def cut(self, span: Span) -> None:
        """Take a span out of the middle."""

    def rollback(self, span: Span) -> None:
        """Forget `span` and everything after it."""

    def save_prefix(self, folder: Path) -> None:
        """Keep the window as it is now for sessions that begin with the same tokens."""

    def load_prefix(self, folder: Path) -> bool:
        """Take the window from a saved prefix; false when there is none."""
