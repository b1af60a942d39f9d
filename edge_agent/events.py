"""What happens in a run, as values. Every face, store and exporter reads this one stream."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["answered", "partial", "not_found", "failed"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an answer rests on; `quote` stands in it word for word."""

    key: int
    title: str
    source: str
    place: str
    quote: str
    supported: bool


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of a run: decoded as prompt, of those never seen before, and drawn one by one."""

    prompt: int
    new: int
    generated: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A question was put."""

    run: str
    question: str
    model: str
    library: str
    profile: str
    seed: int
    max_calls: int


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The model begins to write; `step` counts from 1."""

    step: int


@dataclass(frozen=True, slots=True)
class TextAppeared:
    """Some text of the turn being written. Passing: it is not stored, the finished turn is."""

    step: int
    text: str
    origin: Literal["forced", "chosen", "sampled"]


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The model ended its message; `text` is all of it."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class TurnRolledBack:
    """A guard took the turn back, and says why."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A tool is about to run."""

    step: int
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceAdded:
    """A passage was shown for the first time and has its key for good."""

    step: int
    key: int
    passage: str
    document: str
    title: str
    source: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool's result, as the model sees it; `keys` are the passages shown in it."""

    step: int
    tool: str
    text: str
    keys: tuple[int, ...]
    failed: bool = False


@dataclass(frozen=True, slots=True)
class SpanCut:
    """A span left the window to make room."""

    step: int
    kind: str
    tokens: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The end of every run, also of a stopped one."""

    run: str
    status: Status
    answer: str | None
    citations: tuple[Citation, ...]
    calls: int
    seconds: float
    tokens: TokenCounts
    reason: str
    """Why the run ended, in a few words: `answered`, `call limit`, `interrupted`, …"""


Event: TypeAlias = (
    RunStarted
    | TurnStarted
    | TextAppeared
    | TurnFinished
    | TurnRolledBack
    | ToolCalled
    | EvidenceAdded
    | ToolAnswered
    | SpanCut
    | RunFinished
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        TurnStarted,
        TextAppeared,
        TurnFinished,
        TurnRolledBack,
        ToolCalled,
        EvidenceAdded,
        ToolAnswered,
        SpanCut,
        RunFinished,
    )
}


def to_record(event: Event) -> dict[str, Any]:
    """Return `event` as a JSON-ready dictionary, its kind under `event`."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}


def from_record(record: dict[str, Any]) -> Event:
    """Return the event of a dictionary made by `to_record`, also after a trip through JSON.

    Raises KeyError for an unknown kind and TypeError for fields that do not fit it.
    """
    values = dict(record)
    kind = _KINDS[values.pop("event")]
    if kind is ToolAnswered:
        values["keys"] = tuple(values["keys"])
    if kind is RunFinished:
        values["citations"] = tuple(Citation(**citation) for citation in values["citations"])
        values["tokens"] = TokenCounts(**values["tokens"])
    event: Event = kind(**values)
    return event
