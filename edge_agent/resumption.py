"""Going on with a stored run: whether that can be done, and what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.agent import Budget
from edge_agent.errors import RunError
from edge_agent.events import Event, RunFinished, RunStarted
from edge_agent.models import DEFAULT_CONTEXT
from edge_agent.reasons import MODEL_ERROR, USUAL_DEPTH
from edge_agent.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run that goes on may cost; None is what it was allowed before."""

    calls: int | None = None
    seconds: float | None = None
    tokens: int | None = None

    def budget(self, before: Trajectory) -> Budget:
        """Return these limits, and those of the run so far where they say nothing."""
        return Budget(
            self.calls or before.max_calls,
            before.max_seconds if self.seconds is None else self.seconds,
            before.max_tokens if self.tokens is None else self.tokens,
        )


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that can be gone on with: how it began, and its budget from now on."""

    started: RunStarted
    budget: Budget

    @property
    def profile(self) -> str:
        """The profile that it is led by, as it can be asked for again."""
        return self.started.profile_source or self.started.profile

    @property
    def context(self) -> int:
        """Its window, in tokens; older runs do not say."""
        return self.started.context or DEFAULT_CONTEXT


def resumption(events: Sequence[Event], limits: Limits) -> Resumption:
    """Return how to go on with the run of these stored events.

    Raises RunError where it does not say what it was made with, or going on would change nothing.
    """
    check_openable(events[0])
    before = Trajectory.of(events)
    budget = limits.budget(before)
    _check_unfinished(events[-1], before, budget)
    return Resumption(before.started, budget)


def check_openable(started: Event) -> None:
    """Raise RunError where a run does not say what it was made with."""
    assert isinstance(started, RunStarted)
    if not started.model_source or not (started.libraries or started.files):
        raise RunError(
            f"The run {started.run} does not say how to open its model and its libraries: an older "
            "version made it, or a program of your own. Ask its question again: miro-edge ask"
        )


def check_can_go_on(events: Sequence[Event]) -> None:
    """Raise RunError where a run cannot be gone on with, whatever it may cost."""
    check_openable(events[0])
    assert isinstance(events[0], RunStarted)
    _check_unanswered(events[-1], events[0])


def _check_unfinished(last: Event, before: Trajectory, budget: Budget) -> None:
    """Raise RunError where going on would change nothing."""
    if _broke_off(last):
        return
    _check_unanswered(last, before.started)
    run = before.started.run
    tokens = before.tokens.prompt + before.tokens.generated
    for option, spent, limit in (
        ("--max-calls", len(before.calls), budget.max_calls),
        ("--max-time", before.seconds, budget.max_seconds),
        ("--max-tokens", tokens, budget.max_tokens),
    ):
        if limit is not None and spent >= limit:
            raise RunError(
                f"The run {run} may look no further: it has spent {spent:.10g} of "
                f"{limit:.10g}. Give it more: "
                f"miro-edge runs resume {run} {option} {2 * max(spent, limit):.10g}"
            )


def _check_unanswered(last: Event, started: RunStarted) -> None:
    """Raise RunError where a run has the answer that it looked for."""
    if _broke_off(last):
        return
    assert isinstance(last, RunFinished)
    # Nobody cut it short, and with more calls it looks further; a vote that was cast stays.
    may_look_further = last.reason == USUAL_DEPTH and not started.vote
    if last.status == "answered" and not may_look_further:
        raise RunError(
            f"The run {started.run} was answered. To go another way from one of its steps: "
            f"miro-edge runs fork {started.run} --at STEP"
        )


def _broke_off(last: Event) -> bool:
    """Tell whether a run came to no end of its own."""
    if not isinstance(last, RunFinished):
        return True
    return last.status == "failed" or last.reason.startswith(MODEL_ERROR)
