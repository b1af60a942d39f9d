"""A session: one context known as an ordered list of spans, whose tokens are decoded once.

Why: on a CPU prefill is the cost. A span that leaves the middle is cut out of the cache and what
follows is moved up, so that nothing is decoded a second time, where the model's cache allows it.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Generator
from pathlib import Path

from .chat_format import ChatFormat, Wrapping, chat_format
from .decoding import Piece, Plan, Sampling
from .engine import Engine
from .errors import ContextFull
from .hashing import sha256_of
from .spans import Span, SpanKind
from .token_cache import TokenCache
from .turn_writer import Frame, TurnWriter
from .usage import Usage

_PREFIXES_KEPT = 8
_DAY = 24 * 60 * 60.0
"""Seconds after which nobody writes a draft any more."""


class Session:
    """The window of one model as an ordered list of spans."""

    def __init__(self, engine: Engine, chat: ChatFormat | None = None) -> None:
        """Begin an empty session over `engine`, in the chat format of its model."""
        self._engine = engine
        self._chat = chat or chat_format(engine.chat_template, engine.beginning_text)
        self._cache = TokenCache(engine)
        self._spans: list[Span] = []
        self._next_number = 1
        self._end_of_turn = engine.tokenize(self._chat.assistant.after, special=True)
        self._frame = Frame(len(self._end_of_turn), _openings(engine, self._chat))

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans, in order."""
        return tuple(self._spans)

    @property
    def size(self) -> int:
        """Tokens in the window."""
        return self._cache.size

    @property
    def room(self) -> int:
        """Tokens that still fit into the window."""
        return self._cache.room

    @property
    def context(self) -> int:
        """The window, in tokens."""
        return self._engine.context

    @property
    def usage(self) -> Usage:
        """The token counts so far."""
        return self._cache.usage

    def position_of(self, span: Span) -> int:
        """Return the position of a span's first token. Raises ValueError where it is not here."""
        if span not in self._spans:
            raise ValueError(f"span {span.number} is not in this session")
        return sum(other.tokens for other in self._spans[: self._spans.index(span)])

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes, without the wrapping of a role."""
        return len(self._engine.tokenize(text, special=False))

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        """Add a message; it is decoded together with what is generated next.

        Untrusted text cannot contain control tokens: a document that spells one gets its letters.
        Raises ContextFull, and adds nothing, when it does not fit.
        """
        wrapping = self._wrapping(kind)
        tokens = [
            *([] if self._spans else self._engine.beginning),
            *self._engine.tokenize(wrapping.before, special=True),
            *self._engine.tokenize(text, special=trusted),
            *self._engine.tokenize(wrapping.after, special=True),
        ]
        if len(tokens) > self.room:
            raise ContextFull(
                f"The {kind.value} of {len(tokens)} tokens does not fit: {self.room} are left of "
                f"a window of {self.context}. Use a larger --context."
            )
        self._cache.extend(tokens)
        return self._remember(kind, text, len(tokens))

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        """Carry out the steps of `plan`, yielding the text as it appears; it becomes a TURN span.

        The span is there as soon as the iteration ends, also where the caller ends it early.
        """
        start = self._cache.size
        opening = self._engine.tokenize(self._chat.assistant.before, special=True)
        if len(opening) + len(self._end_of_turn) >= self.room:
            raise ContextFull(
                f"No room for an answer in a window of {self.context} tokens. "
                "Use a larger --context."
            )
        self._cache.extend(opening)
        writer = TurnWriter(self._engine, self._cache, sampling, seed, self._frame)
        try:
            yield from writer.write(plan)
        finally:
            self._cache.extend(self._end_of_turn)
            self._remember(SpanKind.TURN, writer.text, self._cache.size - start)

    def cut(self, span: Span) -> None:
        """Take a span out of the middle; what follows keeps its values and moves up."""
        start = self.position_of(span)
        self._cache.cut(start, start + span.tokens)
        self._spans.remove(span)

    def rollback(self, span: Span) -> None:
        """Forget `span` and everything after it."""
        self._cache.truncate(self.position_of(span))
        del self._spans[self._spans.index(span) :]

    def save_prefix(self, folder: Path) -> None:
        """Keep the window as it is now, decoded, for sessions that begin with the same tokens."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._prefix_file(folder)
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            if self._cache.save(draft):
                _checksum_file(path).write_text(sha256_of(draft))
                draft.replace(path)
                _forget_old_prefixes(folder, path)
        finally:
            draft.unlink(missing_ok=True)

    def load_prefix(self, folder: Path) -> bool:
        """Take the window from a saved prefix instead of decoding it; false when there is none."""
        path = self._prefix_file(folder)
        checksum = _checksum_file(path)
        # llama.cpp aborts the process on a file that was cut short, so it sees only whole ones.
        try:
            if checksum.read_text() != sha256_of(path):
                return False
        except FileNotFoundError:  # or another process has just deleted it
            return False
        return self._cache.load(path)

    def _prefix_file(self, folder: Path) -> Path:
        """Name a prefix by all that decides its values: model, adapter, cache types and tokens."""
        settings = self._engine.settings
        adapter = settings.adapter
        identity = (
            _file_identity(self._engine.path),
            adapter and (_file_identity(adapter.path), adapter.scale),
            settings.kv_type,
            settings.whole_window,
            self._cache.tokens,
        )
        return folder / f"{hashlib.sha256(repr(identity).encode()).hexdigest()[:32]}.state"

    def _wrapping(self, kind: SpanKind) -> Wrapping:
        if kind is SpanKind.SYSTEM:
            return self._chat.system
        return self._chat.assistant if kind is SpanKind.TURN else self._chat.user

    def _remember(self, kind: SpanKind, text: str, tokens: int) -> Span:
        span = Span(self._next_number, kind, text, tokens)
        self._next_number += 1
        self._spans.append(span)
        return span


def _openings(engine: Engine, chat: ChatFormat) -> frozenset[int]:
    """Return the control tokens with which a message of any role begins."""
    begun = (engine.tokenize(each.before, special=True)[:1] for each in chat.roles)
    return frozenset(token for first in begun for token in first if engine.is_control(token))


def _file_identity(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns


def _forget_old_prefixes(folder: Path, saved: Path) -> None:
    """Keep what was just saved and the newest beside it, and no draft of a process that is dead.

    Prompts and models change, and a state takes tens of megabytes.
    """
    states = sorted((state for state in folder.glob("*.state") if state != saved), key=_age)
    for state in states[_PREFIXES_KEPT - 1 :]:
        state.unlink(missing_ok=True)
        _checksum_file(state).unlink(missing_ok=True)
    for draft in folder.glob("*.[0-9]*"):
        if _age(draft) > _DAY:
            draft.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Return how many seconds ago a file was modified.

    A date in the future, of a clock that was ahead, is as far off as one in the past. A file that
    another process has just deleted is old.
    """
    try:
        return abs(time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return math.inf


def _checksum_file(state: Path) -> Path:
    return state.with_suffix(".sha256")
