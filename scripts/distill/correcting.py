"""Corrections: a student goes its own way for some turns, and from there the teacher goes on.

After a query that finds nothing, or a quote that leads nowhere, a student is where no lesson of a
teacher ever was, and a run that went wrong has nothing in it to imitate. So the situation is the
student's and the decisions are the teacher's (DAgger: Ross et al., arXiv 1011.0686).
"""

from __future__ import annotations

from collections.abc import Sequence

from replaying import Replay
from teacher import Teacher

from edge_agent.events import Event, TurnStarted
from edge_agent.models import Sample


class Handover:
    """Decides as a run did before a turn, and as a teacher does from that turn on."""

    def __init__(self, student: Replay, teacher: Teacher, turn: int) -> None:
        """Have `teacher` take over when `turn` begins, counted from 1."""
        self._student = student
        self._teacher = teacher
        self._turn = turn
        self._taken_over = False

    @property
    def is_learned(self) -> bool:
        """Whether the teacher decided: nothing of what the student did is learned."""
        return self._taken_over and self._teacher.is_learned

    def watch(self, event: Event) -> None:
        """Take an event of the run into account, before the next one happens."""
        self._teacher.watch(event)
        if isinstance(event, TurnStarted) and event.step >= self._turn:
            self._taken_over = True

    def choose(self, options: Sequence[str]) -> str:
        """Return one of `options`."""
        return self._decider.choose(options)

    def write(self, step: Sample) -> str:
        """Return free text."""
        return self._decider.write(step)

    @property
    def _decider(self) -> Replay | Teacher:
        return self._teacher if self._taken_over else self._student
