"""All events of a run as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.events import Event, to_record
from edge_agent.showing import json_text
from edge_agent.traces.account import account


def json_trace(events: Sequence[Event], times: Sequence[float]) -> str:
    """Return the run, how it ended, every event as a record, and when each was stored."""
    run = account(events)
    ended = to_record(run.finished) if run.finished is not None else {}
    whole = {
        "run": run.started.run,
        "question": run.started.question,
        "status": run.status,
        "answer": ended.get("answer"),
        "citations": ended.get("citations", []),
        "claims": ended.get("claims", []),
        "events": [to_record(event) for event in events],
        "times": list(times),
    }
    return json_text(whole, indent=1) + "\n"
