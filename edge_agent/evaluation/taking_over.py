"""Whether a run is the one that another number of allowed calls would have given.

What a run does depends on the calls that it may make in three places, and in no other:

- At the limit an attempt takes one more turn to quote, and ends (`gathering`). So a limit plays no
  role in an attempt that made fewer calls: it ended before.
- The patience of the guard against no progress is a tenth of the calls, and at least the profile's
  (`guards`). More patience ends a run in fewer places than less does: one that this guard did not
  end, it would not have ended with more.
- Whether the limit is the profile's own decides what the end at the limit is called, and so only
  where the limit was reached.

The events of a run hold all of that.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.events import AttemptStarted, Event, GatheringEnded, RunFinished, ToolCalled
from edge_agent.guards import patience
from edge_agent.profiles import Profile
from edge_agent.reasons import NO_PROGRESS


def same_with(events: Sequence[Event], allowed: int, wanted: int, profile: Profile) -> bool:
    """Tell whether a run that was allowed `allowed` calls is sure to be the same with `wanted`.

    A run that failed is never taken for another one.
    """
    done = events[-1]
    if not isinstance(done, RunFinished) or done.status == "failed":
        return False
    if allowed == wanted:
        return True
    if max(_calls_of_attempts(events)) >= min(allowed, wanted):
        return False
    if patience(profile, allowed) == patience(profile, wanted):
        return True
    ends = (event.reason for event in events if isinstance(event, GatheringEnded))
    return allowed < wanted and NO_PROGRESS not in ends


def _calls_of_attempts(events: Sequence[Event]) -> list[int]:
    """Return how many calls each attempt made."""
    calls = [0]
    for event in events:
        if isinstance(event, AttemptStarted):
            calls.append(0)
        elif isinstance(event, ToolCalled):
            calls[-1] += 1
    return calls
