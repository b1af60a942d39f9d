"""MiroThinker's way with a full window, as a baseline of ours: old results are overwritten."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from edge_agent.events import (
    AttemptStarted,
    Event,
    GatheringEnded,
    Nudged,
    SpanCut,
    ToolAnswered,
    TurnRolledBack,
)
from edge_agent.models import AnySession, Piece, Plan, Sampling, Span, SpanKind, Usage
from edge_agent.reasons import NO_PROGRESS
from edge_agent.trajectory import Entry
from edge_agent.window import hold

OMITTED = "Tool result is omitted to save tokens."
KEPT_RESULTS = 5
"""The latest results, which stay as they are."""


def entries_of(session: AnySession) -> list[Entry]:
    """Return what a window holds."""
    return [Entry(span.kind, span.text) for span in session.spans]


def overwrite_results(wanted: list[Entry], kept: int) -> None:
    """Put the line about omission in the place of all results but the last `kept`."""
    results = [index for index, entry in enumerate(wanted) if entry.kind is SpanKind.RESULT]
    for index in results[: max(0, len(results) - kept)]:
        wanted[index] = Entry(SpanKind.RESULT, OMITTED)


class RewritingSession:
    """A session whose older results are overwritten; what follows a change is decoded again."""

    def __init__(self, session: AnySession, kept: int = KEPT_RESULTS) -> None:
        """Keep the last `kept` results of `session`, at least one."""
        self._session = session
        self._kept = kept

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans, in order."""
        return self._session.spans

    @property
    def size(self) -> int:
        """Tokens in the window."""
        return self._session.size

    @property
    def room(self) -> int:
        """Tokens that still fit into the window."""
        return self._session.room

    @property
    def context(self) -> int:
        """The window, in tokens."""
        return self._session.context

    @property
    def usage(self) -> Usage:
        """The token counts so far, with all that was decoded again."""
        return self._session.usage

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes."""
        return self._session.count(text)

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        """Add a message; before a result, overwrite those that are one too many with it."""
        if kind is SpanKind.RESULT:
            wanted = entries_of(self._session)
            overwrite_results(wanted, self._kept - 1)
            hold(self._session, wanted)
        return self._session.append(kind, text, trusted=trusted)

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        """Carry out the steps of `plan`, yielding the text; it becomes a TURN span."""
        return self._session.generate(plan, sampling, seed)

    def cut(self, span: Span) -> None:
        """Leave a span out, and decode again what follows it."""
        wanted = entries_of(self._session)
        del wanted[self._session.spans.index(span)]
        hold(self._session, wanted)

    def rollback(self, span: Span) -> None:
        """Forget `span` and everything after it."""
        self._session.rollback(span)

    def save_prefix(self, folder: Path) -> None:
        """Keep the window as it is now for sessions that begin with the same tokens."""
        self._session.save_prefix(folder)

    def load_prefix(self, folder: Path) -> bool:
        """Take the window from a saved prefix; false when there is none."""
        return self._session.load_prefix(folder)


def nothing_rewritten(events: Sequence[Event]) -> bool:
    """Tell whether a run of the agent would have been the same in this way.

    So it is where no guard acted, nothing left the window, and no attempt got more results than
    stay as they are.
    """
    results = 0
    for event in events:
        if isinstance(event, TurnRolledBack | Nudged | SpanCut):
            return False
        if isinstance(event, GatheringEnded) and event.reason == NO_PROGRESS:
            return False
        if isinstance(event, AttemptStarted):
            results = 0
        results += isinstance(event, ToolAnswered)
        if results > KEPT_RESULTS:
            return False
    return True
