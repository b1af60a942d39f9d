"""All events of a run as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence

from edge_agent.events import Event, to_record
from edge_agent.traces.account import account


def json_trace(events: Sequence[Event], times: Sequence[float]) -> str:
    """Return the run, how it ended, and every event as a record with its time."""
    run = account(events)
    records = [to_record(event) for event in events]
    for record, time in zip(records, times, strict=False):
        record["time"] = time
    ended = to_record(run.finished) if run.finished is not None else {}
    whole = {
        "run": run.started.run,
        "question": run.started.question,
        "status": run.status,
        "answer": ended.get("answer"),
        "citations": ended.get("citations", []),
        "claims": ended.get("claims", []),
        "events": records,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
