"""Traces: a run written down for people, for other programs and for training, one format a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Format:
    """A format that runs are written down in."""

    write: Exporter
    suffix: str
    """Of a file, without a dot."""
    about: str
    """What it is, and for whom."""


FORMATS: dict[str, Format] = {
    "json": Format(json_trace, "json", "every event, for programs"),
    "chatml": Format(chatml, "jsonl", "conversations, for training"),
    "miroflow": Format(miroflow, "json", "MiroThinker's own log, for its viewer"),
    "markdown": Format(markdown, "md", "a text for people"),
    "html": Format(html, "html", "a page for people, with all that happened"),
}


def export(format: str, events: Sequence[Event], times: Sequence[float] = ()) -> str:
    """Return a run in one of the formats, whether it has ended or not.

    `times` are those of the events, in seconds since 1970, or none. Raises RunError where there is
    no such format, or the events are not those of a run.
    """
    if format not in FORMATS:
        raise RunError(f"There is no format '{format}'. Use one of: {', '.join(FORMATS)}.")
    if not events or not isinstance(events[0], RunStarted):
        raise RunError("There is no run to export: its events do not begin with its start.")
    if times and len(times) != len(events):
        raise RunError(
            f"There are {len(events)} events and {len(times)} times. Give one for each, or none."
        )
    return FORMATS[format].write(events, times)
