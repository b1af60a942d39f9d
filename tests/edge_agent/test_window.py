"""The window: room is made by cutting what is oldest, and never the question."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.models import SpanKind
from edge_agent.window import make_room

KINDS = st.sampled_from([SpanKind.RESULT, SpanKind.TURN, SpanKind.NOTE])


def filled(session: Any, *spans: tuple[SpanKind, int]) -> Any:
    session.append(SpanKind.SYSTEM, "s " * 5)
    session.append(SpanKind.QUESTION, "q " * 5)
    for kind, tokens in spans:
        session.append(kind, "x " * tokens)
    return session


def test_nothing_is_cut_while_there_is_room(scripted: Any) -> None:
    session = filled(scripted([], context=100), (SpanKind.RESULT, 50))
    assert make_room(session, 40) == ()


def test_old_results_go_first_and_seldom(scripted: Any) -> None:
    session = filled(
        scripted([], context=100),
        *((SpanKind.TURN, 5), (SpanKind.RESULT, 30), (SpanKind.TURN, 5), (SpanKind.RESULT, 40)),
    )
    cut = make_room(session, 20)
    assert [(span.kind, span.tokens) for span in cut] == [(SpanKind.RESULT, 30)]
    assert session.room >= 40


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=st.lists(st.tuples(KINDS, st.integers(1, 30)), max_size=12), wanted=st.integers(1, 80))
def test_what_can_fit_will_fit(
    scripted: Any, spans: list[tuple[SpanKind, int]], wanted: int
) -> None:
    session = filled(scripted([], context=1000), *spans)
    session.context = 10 + sum(tokens for _, tokens in spans)
    make_room(session, wanted)
    left = [span.kind for span in session.spans]
    assert left[:2] == [SpanKind.SYSTEM, SpanKind.QUESTION]
    assert session.room >= wanted or len(left) == 2
