"""The window: room is made by cutting what is oldest, never the question, and notes keep quotes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.events import NoteWritten, Quote, RunStarted, SpanCut
from edge_agent.evidence import Exhibit
from edge_agent.index import Passage
from edge_agent.models import SpanKind
from edge_agent.profiles import load_profile
from edge_agent.trajectory import Entry, Trajectory
from edge_agent.turns import quotable_line
from edge_agent.window import Window

PROFILE = load_profile("generic")
PINNED = (SpanKind.SYSTEM, SpanKind.QUESTION, SpanKind.NOTE)


def passage(number: int) -> Passage:
    text = f"Fact number {number} is here."
    return Passage(f"d{number}#1", f"d{number}", f"T{number}", "/d", (), None, 1, 0, 9, text)


def trajectory(*spans: tuple[SpanKind, str]) -> Trajectory:
    started = RunStarted("r", "q?", "m", "l", "generic", 0, 8, system="s " * 5, prompt="q " * 5)
    made = Trajectory.of([started])
    made.entries += [Entry(kind, text) for kind, text in spans]
    return made


def cleared(session: Any, state: Trajectory, tokens: int) -> list[Any]:
    window = Window(session, PROFILE)
    window.restore(state.entries)
    events = []
    for event in window.make_room(state, tokens):
        state.apply(event)
        events.append(event)
    return events


def test_nothing_is_cut_while_there_is_room(scripted: Any) -> None:
    assert cleared(scripted([], context=100), trajectory((SpanKind.RESULT, "x " * 50)), 40) == []


def test_old_results_go_first_and_seldom(scripted: Any) -> None:
    session = scripted([], context=200)
    state = trajectory(
        (SpanKind.TURN, "t " * 5),
        (SpanKind.RESULT, "x " * 80),
        (SpanKind.TURN, "u " * 5),
        (SpanKind.RESULT, "y " * 70),
    )
    (cut,) = cleared(session, state, 40)
    assert (cut.kind, cut.tokens, cut.position) == ("result", 80, 3)
    assert session.size <= 120


def test_a_result_that_was_not_read_yet_goes_last(scripted: Any) -> None:
    turns = [(SpanKind.TURN, f"t{n} " * 25) for n in range(4)]
    spans = [turns[0], (SpanKind.RESULT, "x " * 20), *turns[1:], (SpanKind.RESULT, "y " * 40)]
    session = scripted([], context=200)
    cuts = cleared(session, trajectory(*spans), 60)
    assert [each.kind for each in cuts if isinstance(each, SpanCut)][:3] == ["result"] + 2 * [
        "turn"
    ]
    assert session.spans[-1].text == "y " * 40
    session = scripted([], context=200)
    cuts = cleared(session, trajectory(*spans), 180)
    assert [each.kind for each in cuts] == ["result", *4 * ["turn"], "result"]


def test_a_note_that_stands_there_already_needs_no_room_again(scripted: Any) -> None:
    spans = [
        (SpanKind.NOTE, "n " * 30),
        (SpanKind.TURN, "t " * 10),
        (SpanKind.RESULT, "y " * 60),
    ]
    session = scripted([], context=200)
    wanted = round(PROFILE.window.high * 200) - 100  # as much as is left without the turn
    cuts = cleared(session, trajectory(*spans), wanted)
    assert [each.kind for each in cuts if isinstance(each, SpanCut)] == ["turn"]


def test_what_was_quoted_in_turns_that_leave_is_noted_once(scripted: Any) -> None:
    session = scripted([], context=300)
    state = trajectory()
    for number in range(1, 9):
        exhibit = Exhibit(number, "l", passage(number))
        state.evidence.restore(exhibit)
        quote = Quote(number, passage(number).text)
        state.quotes.append(quote)
        state.entries.append(Entry(SpanKind.TURN, quotable_line(quote, exhibit) + "w " * 20))
    events = cleared(session, state, 100)
    assert isinstance(events[-1], NoteWritten)
    assert "Fact number" in events[-1].text
    assert sum(entry.kind is SpanKind.NOTE for entry in state.entries) == 1
    state.entries.insert(2, Entry(SpanKind.RESULT, "z " * 120))
    cleared(session, state, 100)
    assert sum(span.kind is SpanKind.NOTE for span in session.spans) == 1


def test_restoring_keeps_what_is_there_already(scripted: Any) -> None:
    session = scripted([])
    window = Window(session, PROFILE)
    entries = trajectory((SpanKind.TURN, "t"), (SpanKind.RESULT, "x")).entries
    window.restore(entries)
    before = session.spans
    window.restore(entries)
    assert session.spans == before
    window.restore([*entries[:3], Entry(SpanKind.RESULT, "y")])
    assert session.spans[:3] == before[:3]
    assert session.spans[3].text == "y"


SPANS = st.lists(
    st.tuples(
        st.sampled_from([SpanKind.RESULT, SpanKind.TURN, SpanKind.QUESTION]), st.integers(1, 30)
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=SPANS, wanted=st.integers(1, 80))
def test_what_can_fit_will_fit(
    scripted: Any, spans: list[tuple[SpanKind, int]], wanted: int
) -> None:
    state = trajectory(*((kind, "x " * tokens) for kind, tokens in spans))
    session = scripted([], context=10 + sum(tokens for _, tokens in spans))
    cleared(session, state, wanted)
    left = [span.kind for span in session.spans]
    assert [(span.kind, span.text) for span in session.spans] == [
        (entry.kind, entry.text) for entry in state.entries
    ]
    assert session.room >= wanted or all(kind in PINNED for kind in left)
    assert left.count(SpanKind.QUESTION) == 1 + sum(k is SpanKind.QUESTION for k, _ in spans)
