"""What every trace tells of a run: how it began and ended, its steps and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from edge_agent.events import (
    AttemptStarted,
    Event,
    EvidenceAdded,
    RunFinished,
    RunResumed,
    RunStarted,
    StepMeasured,
)


@dataclass(slots=True)
class Step:
    """The events of one step, in order, or those before a first one."""

    title: str
    number: int
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Account:
    """A run, sorted."""

    started: RunStarted
    finished: RunFinished | None
    """How it ended for the last time; None where it has not, or goes on after that."""
    steps: tuple[Step, ...]
    evidence: tuple[EvidenceAdded, ...]
    measured: tuple[StepMeasured, ...]

    @property
    def status(self) -> str:
        """How it ended, `unfinished` where it has not: events alone do not tell who works on it."""
        return "unfinished" if self.finished is None else self.finished.status

    @property
    def verdict(self) -> str:
        """The answer, or why there is none."""
        if self.finished is None:
            return "This run has not ended."
        if self.finished.status == "failed":
            return f"This run failed: {self.finished.reason}"
        return answer_in_words(self.finished)


def answer_in_words(finished: RunFinished) -> str:
    """Return the answer, or what people read instead of one that nothing supports."""
    nowhere = "in this library, nor on the web" if finished.web else "in this library"
    return finished.answer or f"Not found {nowhere}."


def account(events: Sequence[Event]) -> Account:
    """Sort the events of a run; the first is its start."""
    started, last = events[0], events[-1]
    assert isinstance(started, RunStarted)
    steps = [Step("Beginning", 0)]
    for event in events[1:]:
        before = steps[-1].number
        number = getattr(event, "step", before)
        if isinstance(event, AttemptStarted):
            steps.append(Step(event.title, before))
        elif isinstance(event, RunResumed):
            steps.append(Step("Resumed", before))
        elif number > before:
            steps.append(Step(f"Step {number}", number))
        steps[-1].events.append(event)
    return Account(
        started,
        last if isinstance(last, RunFinished) else None,
        tuple(step for step in steps if step.events),
        tuple(event for event in events if isinstance(event, EvidenceAdded)),
        tuple(event for event in events if isinstance(event, StepMeasured)),
    )


def stamp(time: float) -> str:
    """Return a time, in seconds since 1970, as date and time of day in UTC."""
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
