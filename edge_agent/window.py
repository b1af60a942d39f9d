"""The window: which spans leave when it is too full, and the notes that keep what they said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge_agent.events import Event, NoteWritten, SpanCut
from edge_agent.models import AnySession, Span, SpanKind
from edge_agent.profiles import Profile
from edge_agent.trajectory import Entry, Trajectory

_WRAPPING = 16
"""Tokens that a chat format may put around a span."""


class Window:
    """Keeps a session as the trajectory says, and within the profile's marks."""

    def __init__(self, session: AnySession, profile: Profile) -> None:
        """Look after the window of `session`."""
        self._session = session
        self._profile = profile

    def restore(self, entries: Sequence[Entry]) -> None:
        """Make the session hold `entries` and nothing else. Raises ContextFull."""
        hold(self._session, entries)

    def begins_with(self, entry: Entry) -> bool:
        """Tell whether the first span of the session is `entry`."""
        return bool(self._session.spans) and _is(self._session.spans[0], entry)

    def append(self, entry: Entry) -> None:
        """Add a span. Raises ContextFull."""
        _append(self._session, entry)

    def needed(self, entry: Entry) -> int:
        """Return the tokens that a span takes up at most."""
        return self._session.count(entry.text) + _WRAPPING

    def make_room(self, trajectory: Trajectory, tokens: int) -> Iterator[Event]:
        """Cut spans until `tokens` more stay below the high mark, and then down to the low one.

        Results go before turns, old ones before new; those that no turn has followed yet go last,
        and only as far as they must: the model has not read them. Prompt, questions and notes stay.
        Evidence is not lost with what leaves: every passage keeps its key, and what was quoted in
        turns that leave is noted. Each event is to be applied to the trajectory before the next one
        is asked for; a clearing that was broken off is ended.
        """
        marks, session = self._profile.window, self._session
        high = round(marks.high * session.context)
        if session.size + tokens <= high and not trajectory.clearing:
            return
        noted = sum(span.tokens for span in session.spans if span.kind is SpanKind.NOTE)
        notes = max(0, round(marks.notes * session.context) - noted)
        needed = high - notes - tokens
        goal = min(round(marks.low * session.context), needed)
        for oldest, wanted in ((_read_result, goal), (_turn, goal), (_result, needed)):
            while session.size > wanted and (position := oldest(session)) is not None:
                yield self._cut(position, trajectory.step)
        yield from self._note(trajectory)

    def _cut(self, position: int, step: int) -> SpanCut:
        span = self._session.spans[position]
        self._session.cut(span)
        return SpanCut(step, span.kind.value, span.tokens, position)

    def _note(self, trajectory: Trajectory) -> Iterator[Event]:
        """Write down what was quoted in turns that have left, instead of the note before."""
        lines = self._lines(trajectory)
        note = trajectory.note
        text = self._profile.prompts.notes.format(notes="".join(lines)).strip()
        if not lines or (note is not None and note.text == text):
            return
        former = _first(self._session, SpanKind.NOTE)
        if former is not None:
            yield self._cut(former, trajectory.step)
        self.append(Entry(SpanKind.NOTE, text))
        yield NoteWritten(trajectory.step, text)

    def _lines(self, trajectory: Trajectory) -> list[str]:
        """Return the quotes whose turns have left, the newest of them as far as there is room."""
        frame = self._session.count(self._profile.prompts.notes) + _WRAPPING
        budget = round(self._profile.window.notes * self._session.context) - frame
        turns = [entry.text for entry in trajectory.entries if entry.kind is SpanKind.TURN]
        lines: list[str] = []
        for quote in reversed(trajectory.quotes):
            line = trajectory.line_of(quote)
            if any(line in turn for turn in turns):
                continue
            budget -= self._session.count(line)
            if budget < 0:
                break
            lines.append(line)
        return lines[::-1]


def hold(session: AnySession, entries: Sequence[Entry]) -> None:
    """Make a session hold `entries` and nothing else; what it begins with already stays.

    Raises ContextFull.
    """
    spans = session.spans
    same = 0
    for span, entry in zip(spans, entries, strict=False):
        if not _is(span, entry):
            break
        same += 1
    if same < len(spans):
        session.rollback(spans[same])
    for entry in entries[same:]:
        _append(session, entry)


def _append(session: AnySession, entry: Entry) -> None:
    """Add a span; only the system prompt may hold control tokens."""
    session.append(entry.kind, entry.text, trusted=entry.kind is SpanKind.SYSTEM)


def _is(span: Span, entry: Entry) -> bool:
    return (span.kind, span.text) == (entry.kind, entry.text)


def _read_result(session: AnySession) -> int | None:
    """Return where the oldest result is, if a turn has followed it."""
    position = _result(session)
    kinds = [span.kind for span in session.spans]
    return position if position is not None and SpanKind.TURN in kinds[position:] else None


def _result(session: AnySession) -> int | None:
    return _first(session, SpanKind.RESULT)


def _turn(session: AnySession) -> int | None:
    return _first(session, SpanKind.TURN)


def _first(session: AnySession, kind: SpanKind) -> int | None:
    return next((n for n, span in enumerate(session.spans) if span.kind is kind), None)
