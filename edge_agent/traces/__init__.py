"""Traces: a run written down for people, for other programs and for training, one format a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from edge_agent.errors import RunError
from edge_agent.events import Event, RunStarted
from edge_agent.traces.chatml import chatml
from edge_agent.traces.html import html
from edge_agent.traces.json_trace import json_trace
from edge_agent.traces.markdown import markdown
from edge_agent.traces.miroflow import miroflow

Exporter: TypeAlias = Callable[[Sequence[Event], Sequence[float]], str]
"""Writes down events; the numbers are when each was stored, in seconds since 1970, or none."""

EXPORTERS: dict[str, Exporter] = {
    "json": json_trace,
    "chatml": chatml,
    "miroflow": miroflow,
    "markdown": markdown,
    "html": html,
}


def export(format: str, events: Sequence[Event], times: Sequence[float] = ()) -> str:
    """Return a run in one of the formats, whether it has ended or not.

    `times` are those of the events, in seconds since 1970, or none. Raises RunError where there is
    no such format, or the events are not those of a run.
    """
    if format not in EXPORTERS:
        raise RunError(f"There is no format '{format}'. Use one of: {', '.join(EXPORTERS)}.")
    if not events or not isinstance(events[0], RunStarted):
        raise RunError("There is no run to export: its events do not begin with its start.")
    if times and len(times) != len(events):
        raise RunError(
            f"There are {len(events)} events and {len(times)} times. Give one for each, or none."
        )
    return EXPORTERS[format](events, times)
