"""A stored run played again, at the pace at which it happened or faster."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.events import Event

SPEEDS = (1, 2, 4, 8, 16, 32, 64)
"""How many times as fast as it happened."""

_LONGEST_WAIT = 5.0
"""Seconds that nothing happens at most: a run may have been gone on with a week later."""


class Replay:
    """Says which events of a run are due as time goes by."""

    def __init__(self, events: Sequence[Event], times: Sequence[float]) -> None:
        """Play `events`, each stored at its time, in seconds; it stands still at first."""
        self._events = tuple(events)
        self._due = _due(times)
        self._next = 0
        self._clock = 0.0
        self.playing = False
        self.speed = SPEEDS[0]

    @property
    def ended(self) -> bool:
        """Whether every event has been shown."""
        return self._next >= len(self._events)

    @property
    def position(self) -> tuple[int, int]:
        """How many events were shown, and of how many."""
        return self._next, len(self._events)

    def restart(self) -> None:
        """Play from the beginning."""
        self._next, self._clock, self.playing = 0, 0.0, True

    def advance(self, seconds: float) -> tuple[Event, ...]:
        """Let so much time go by, and return the events that happen in it."""
        if not self.playing:
            return ()
        self._clock += seconds * self.speed
        begin = self._next
        while not self.ended and self._due[self._next] <= self._clock:
            self._next += 1
        self.playing = not self.ended
        return self._events[begin : self._next]

    def step(self) -> tuple[Event, ...]:
        """Return the next event, whenever it is due."""
        if self.ended:
            return ()
        self._clock = max(self._clock, self._due[self._next])
        self._next += 1
        return self._events[self._next - 1 : self._next]

    def rest(self) -> tuple[Event, ...]:
        """Return all events that are left."""
        begin, self._next = self._next, len(self._events)
        self.playing = False
        return self._events[begin:]

    def faster(self) -> None:
        """Play faster."""
        self.speed = next((speed for speed in SPEEDS if speed > self.speed), SPEEDS[-1])

    def slower(self) -> None:
        """Play slower."""
        self.speed = next((speed for speed in reversed(SPEEDS) if speed < self.speed), SPEEDS[0])


def _due(times: Sequence[float]) -> tuple[float, ...]:
    """Return when events are due, in seconds from the beginning, without long waits."""
    due, before = [], times[0] if times else 0.0
    clock = 0.0
    for time in times:
        clock += min(max(0.0, time - before), _LONGEST_WAIT)
        before = time
        due.append(clock)
    return tuple(due)
