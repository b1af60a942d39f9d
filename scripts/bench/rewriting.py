"""MiroThinker's way with a full window, the baseline of ours: old results are overwritten."""

from __future__ import annotations

from itertools import takewhile
from typing import TypeAlias

from edge_agent.models import SpanKind
from edge_agent.models.session import Session

OMITTED = "Tool result is omitted to save tokens."

Texts: TypeAlias = list[tuple[SpanKind, str]]
"""What a window is to hold."""


def texts_of(session: Session) -> Texts:
    """Return what a window holds."""
    return [(span.kind, span.text) for span in session.spans]


def overwrite_results(wanted: Texts, kept: int) -> None:
    """Put the line about omission in the place of all results but the last `kept`."""
    results = [index for index, (kind, _) in enumerate(wanted) if kind is SpanKind.RESULT]
    for index in results[: max(0, len(results) - kept)]:
        wanted[index] = (SpanKind.RESULT, OMITTED)


def replace(session: Session, wanted: Texts) -> None:
    """Make the window hold `wanted`, keeping what it has in common with it at its beginning."""
    there = texts_of(session)
    pairs = zip(there, wanted, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if same < len(there):
        session.rollback(session.spans[same])
    for kind, text in wanted[same:]:
        Session.append(session, kind, text)  # not that of a session that rewrites by itself
