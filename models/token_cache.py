"""The tokens of a window and how far llama.cpp's cache has them: decoded lazily, and once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .engine import Engine
from .usage import Usage


class TokenCache:
    """A list of tokens of which the first are in llama.cpp's cache, at their positions.

    A model whose cache cannot be cut is served all the same: what follows the cut waits to be
    decoded again, and the next `flush` does it in large batches.
    """

    def __init__(self, engine: Engine) -> None:
        """Begin with an empty window."""
        engine.clear()
        self._engine = engine
        self._tokens: list[int] = []
        self._drawn: list[bool] = []  # whether the model drew the token, or it came as text
        self._decoded = 0  # how many of the tokens are in llama.cpp's cache
        self._seen = 0  # how many of the tokens were ever decoded
        self._prompt = self._new = self._generated = 0

    @property
    def tokens(self) -> tuple[int, ...]:
        """All tokens, decoded or waiting."""
        return tuple(self._tokens)

    @property
    def size(self) -> int:
        """Number of tokens, decoded or waiting."""
        return len(self._tokens)

    @property
    def room(self) -> int:
        """Number of tokens that still fit."""
        return self._engine.context - len(self._tokens)

    @property
    def usage(self) -> Usage:
        """The counts so far."""
        return Usage(prompt=self._prompt, new=self._new, generated=self._generated)

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens that came as text."""
        self._tokens += tokens
        self._drawn += [False] * len(tokens)

    def draw(self, token: int) -> None:
        """Add a token that the model drew."""
        self._tokens.append(token)
        self._drawn.append(True)
        self._generated += 1

    def flush(self) -> None:
        """Decode what waits, so that the logits of the last token are there."""
        start = self._decoded
        if start == len(self._tokens):
            return
        try:
            self._engine.decode(self._tokens[start:], start)
        finally:
            self._count(self._engine.last_position + 1)

    def _count(self, decoded: int) -> None:
        """Book the tokens up to `decoded` as decoded."""
        start = self._decoded
        drawn = sum(self._drawn[max(start, self._seen) : decoded])
        self._prompt += decoded - start - drawn
        self._new += max(0, decoded - max(start, self._seen)) - drawn
        self._decoded = decoded
        self._seen = max(self._seen, decoded)

    def cut(self, start: int, end: int) -> None:
        """Take the tokens [start, end) out; those that follow keep their values and move up."""
        if start < self._decoded < end:
            self.flush()
        if end <= self._decoded:
            self._cut_cache(start, end)
        self._seen -= max(0, min(end, self._seen) - start)
        del self._tokens[start:end]
        del self._drawn[start:end]

    def truncate(self, start: int) -> None:
        """Forget the tokens from `start` on."""
        if start < self._decoded:
            self._truncate_cache(start)
        self._seen = min(self._seen, start)
        del self._tokens[start:]
        del self._drawn[start:]

    def forget(self) -> None:
        """Drop what was decoded; the tokens stay, and wait to be decoded again."""
        self._engine.clear()
        self._decoded = 0

    def save(self, path: Path) -> bool:
        """Write the decoded window to `path`; false when llama.cpp could not."""
        self.flush()
        return self._engine.save_state(path, self._tokens)

    def load(self, path: Path) -> bool:
        """Take the waiting tokens from `path` instead of decoding them; false if it has others."""
        if self._decoded or not self._engine.load_state(path, self._tokens):
            return False
        self._decoded = self._seen = len(self._tokens)
        return True

    def _cut_cache(self, start: int, end: int) -> None:
        if self._engine.cut(start, end):
            self._decoded -= end - start
        else:
            self._truncate_cache(start)

    def _truncate_cache(self, start: int) -> None:
        if self._engine.truncate(start):
            self._decoded = start
        else:
            self.forget()
