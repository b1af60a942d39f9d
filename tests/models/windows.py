"""Windows in tests: the tokens that a session has decoded, or has waiting."""

from __future__ import annotations

from edge_agent.models import Span
from edge_agent.models.session import Session


def tokens_of(session: Session, span: Span) -> tuple[int, ...]:
    """Return the tokens of a span, those of its wrapping too."""
    start = session.position_of(span)
    return session._cache.tokens[start : start + span.tokens]
