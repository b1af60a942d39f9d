"""Whether a run is the one that other limits would have given.

What a run does depends on the calls that an attempt may make in three places, and in no other:

- At the limit an attempt ends; where the model quotes, after one more turn that is cut off where
  it would call (`gathering`). So a limit plays no role in an attempt that made fewer calls, nor in
  one that says in that turn that it has enough; one that says so only after the guards have taken
  a turn back would have ended at the limit with that turn.
- The patience of the guard against no progress is a tenth of the calls, and at least the profile's
  (`guards`). More patience ends a run in fewer places than less does: one that this guard did not
  end, it would not have ended with more.
- Whether the limit is the profile's own decides what the end at the limit is called, and so only
  where it cut an attempt off.

How many attempts there may be plays a role where one found no answer (`loop`).

The events of a run hold all of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.events import (
    AttemptStarted,
    Event,
    GatheringEnded,
    RunFinished,
    ToolCalled,
    TurnRolledBack,
)
from edge_agent.guards import patience
from edge_agent.profiles import Profile
from edge_agent.reasons import ENOUGH, NO_PROGRESS


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a run may do."""

    calls: int
    """Tool calls of an attempt."""
    attempts: int = 1


def same_with(events: Sequence[Event], there: Allowance, here: Allowance, profile: Profile) -> bool:
    """Tell whether a run with the allowance `there` is sure to be the same with that `here`.

    A run that failed is never taken for another one.
    """
    done = events[-1]
    if not isinstance(done, RunFinished) or done.status == "failed":
        return False
    attempts = _attempts(events)
    answered = done.answer is not None and len(attempts) <= here.attempts
    if there.attempts != here.attempts and not answered:
        return False
    if there.calls == here.calls:
        return True
    if not all(_uncut(each, min(there.calls, here.calls), profile) for each in attempts):
        return False
    if patience(profile, there.calls) == patience(profile, here.calls):
        return True
    return there.calls < here.calls and all(each.end != NO_PROGRESS for each in attempts)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """How an attempt went."""

    calls: int
    end: str
    """Why its gathering ended."""
    retaken: bool
    """Whether a turn was taken back after its last call."""


def _uncut(attempt: _Attempt, limit: int, profile: Profile) -> bool:
    """Tell whether an attempt would end the same at a limit of calls."""
    if attempt.calls != limit:
        return attempt.calls < limit
    asked = profile.gathering.thoughts == "quoted"
    return asked and attempt.end == ENOUGH and not attempt.retaken


def _attempts(events: Sequence[Event]) -> list[_Attempt]:
    attempts = []
    calls, retaken = 0, False
    for event in events:
        if isinstance(event, AttemptStarted):
            calls, retaken = 0, False
        elif isinstance(event, ToolCalled):
            calls, retaken = calls + 1, False
        elif isinstance(event, TurnRolledBack):
            retaken = True
        elif isinstance(event, GatheringEnded):
            attempts.append(_Attempt(calls, event.reason, retaken))
    return attempts
