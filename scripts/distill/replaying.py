"""Plays a run again, decision by decision, so that it can be seen what a model had to decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from teacher import Unteachable

from edge_agent.events import Event, TextAppeared, TurnFinished
from edge_agent.models import Sample

_ASTRAY = "the run goes another way when it is played again"


class Replay:
    """Decides as a run has decided, in the same order.

    A model that wrote nothing where it could write leaves no trace of it: such a run goes another
    way, and mostly raises Unteachable.
    """

    is_learned = True
    """What a run that went well has decided is worth learning."""

    def __init__(self, events: Sequence[Event]) -> None:
        """Take the decisions from the pieces of text in `events`."""
        pieces = [event for event in events if isinstance(event, TextAppeared)]
        self._decisions = iter(_decisions(pieces))

    def choose(self, options: Sequence[str]) -> str:
        """Return the option that was taken."""
        decided = self._next()
        if decided not in options:
            raise Unteachable(_ASTRAY)
        return decided

    def write(self, step: Sample) -> str:
        """Return the text that was written."""
        return self._next()

    def _next(self) -> str:
        decided = next(self._decisions, None)
        if decided is None:
            raise Unteachable(_ASTRAY)
        return decided


def turns(events: Sequence[Event]) -> list[TurnFinished]:
    """Return the turns of a run, those that were taken back too."""
    return [event for event in events if isinstance(event, TurnFinished)]


def _decisions(pieces: Sequence[TextAppeared]) -> Iterator[str]:
    """Yield what was chosen, piece by piece, and what was written, whole."""
    for (_, origin), group in groupby(pieces, key=lambda piece: (piece.step, piece.origin)):
        texts = [piece.text for piece in group]
        if origin == "sampled":
            yield "".join(texts)
        elif origin == "chosen":
            yield from texts
