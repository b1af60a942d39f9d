"""Whether a run is the one that other limits would have given.

What a run does depends on the calls that an attempt may make in three places, and in no other:

- At the limit an attempt takes one more turn to quote, and ends (`gathering`). So a limit plays no
  role in an attempt that made fewer calls: it ended before.
- The patience of the guard against no progress is a tenth of the calls, and at least the profile's
  (`guards`). More patience ends a run in fewer places than less does: one that this guard did not
  end, it would not have ended with more.
- Whether the limit is the profile's own decides what the end at the limit is called, and so only
  where the limit was reached.

How many attempts there may be plays a role where one found no answer (`inquiry`).

The events of a run hold all of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.events import AttemptStarted, Event, GatheringEnded, RunFinished, ToolCalled
from edge_agent.guards import patience
from edge_agent.profiles import Profile
from edge_agent.reasons import NO_PROGRESS


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may do."""

    calls: int
    """Tool calls of an attempt."""
    attempts: int = 1


def same_with(events: Sequence[Event], there: Limits, here: Limits, profile: Profile) -> bool:
    """Tell whether a run under the limits `there` is sure to be the same under those `here`.

    A run that failed is never taken for another one.
    """
    done = events[-1]
    if not isinstance(done, RunFinished) or done.status == "failed":
        return False
    calls = _calls_of_attempts(events)
    answered = done.answer is not None and len(calls) <= here.attempts
    if there.attempts != here.attempts and not answered:
        return False
    if there.calls == here.calls:
        return True
    if max(calls) >= min(there.calls, here.calls):
        return False
    if patience(profile, there.calls) == patience(profile, here.calls):
        return True
    ends = (event.reason for event in events if isinstance(event, GatheringEnded))
    return there.calls < here.calls and NO_PROGRESS not in ends


def _calls_of_attempts(events: Sequence[Event]) -> list[int]:
    """Return how many calls each attempt made."""
    calls = [0]
    for event in events:
        if isinstance(event, AttemptStarted):
            calls.append(0)
        elif isinstance(event, ToolCalled):
            calls[-1] += 1
    return calls
