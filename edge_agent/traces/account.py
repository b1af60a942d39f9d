"""What every trace tells of a run: how it began and ended, its steps and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.events import (
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    StepMeasured,
)


@dataclass(slots=True)
class Step:
    """The events of one step, in order; 0 is what came before the first."""

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
        """How it ended, `running` where it has not."""
        return "running" if self.finished is None else self.finished.status


def account(events: Sequence[Event]) -> Account:
    """Sort the events of a run; the first is its start."""
    started, last = events[0], events[-1]
    assert isinstance(started, RunStarted)
    steps = [Step(0)]
    for event in events[1:]:
        number = getattr(event, "step", steps[-1].number)
        if number > steps[-1].number:
            steps.append(Step(number))
        steps[-1].events.append(event)
    return Account(
        started,
        last if isinstance(last, RunFinished) else None,
        tuple(step for step in steps if step.events),
        tuple(event for event in events if isinstance(event, EvidenceAdded)),
        tuple(event for event in events if isinstance(event, StepMeasured)),
    )
