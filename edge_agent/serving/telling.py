"""What other programs show to people: an answer with numbered sources, and how far a run is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from edge_agent.events import (
    AttemptStarted,
    Citation,
    Event,
    EvidenceAdded,
    ReadingStarted,
    RunFinished,
    RunStarted,
    ToolCalled,
    TurnRolledBack,
)
from edge_agent.showing import in_one_line, placed
from edge_agent.traces.account import answer_in_words
from edge_agent.traces.markdown import plain, source


def answer_in_markdown(finished: RunFinished) -> str:
    """Return an answer and its sources; documents have no say in how they are shown."""
    if finished.answer is None:
        return answer_in_words(finished)
    parts = [plain(finished.answer)]
    if finished.status == "partial":
        parts.append(f"({plain(f'partial: {finished.reason}')})")
    if finished.citations:
        parts.append("**Sources**")
        parts.append("\n".join(_sources(finished.citations)))
    return "\n\n".join(parts)


def _sources(citations: tuple[Citation, ...]) -> Iterator[str]:
    for citation in citations:
        yield from source(citation)


@singledispatch
def progress(event: Event) -> str | None:
    """Return what an event means for whoever waits, in one line; None where it means nothing."""
    return None


@progress.register
def _(event: RunStarted) -> str:
    return in_one_line(f"Searching {event.library} with {event.model}")


@progress.register
def _(event: ToolCalled) -> str:
    return in_one_line(f"{event.tool}: {', '.join(map(str, event.arguments.values()))}")


@progress.register
def _(event: EvidenceAdded) -> str:
    origin = f"on the web: {event.source}" if event.is_from_the_web else ""
    return placed(f"[{event.key}] {event.title}", origin, event.place)


@progress.register
def _(event: TurnRolledBack) -> str:
    return in_one_line(f"Taken back: {event.reason}")


@progress.register
def _(event: ReadingStarted) -> str:
    return f"Reading the answer from {len(event.keys)} passages"


@progress.register
def _(event: AttemptStarted) -> str:
    return event.title
