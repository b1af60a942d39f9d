"""The window: which spans leave when there is no room, oldest results first."""

from __future__ import annotations

from edge_agent.models import AnySession, Span, SpanKind

_LOW_MARK = 0.6
"""Share of the window that stays filled after a cut: cuts are seldom and large."""

_LEAVING = (SpanKind.RESULT, SpanKind.TURN, SpanKind.NOTE)


def make_room(session: AnySession, tokens: int) -> tuple[Span, ...]:
    """Cut spans until `tokens` more fit, and return those that were cut.

    Results go before turns, old ones before new; the system prompt and the question never go.
    Evidence is not lost with them: every passage keeps its key.
    """
    if tokens <= session.room:
        return ()
    goal = max(tokens, round(session.context * (1 - _LOW_MARK)))
    cut: list[Span] = []
    for kind in _LEAVING:
        for span in [span for span in session.spans if span.kind is kind]:
            if session.room >= goal:
                return tuple(cut)
            session.cut(span)
            cut.append(span)
    return tuple(cut)
