"""What a person sees of a run at a glance: a fold over its events, live and in a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Literal, TypeAlias

from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Citation,
    Event,
    EvidenceAdded,
    GatheringEnded,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SpanCut,
    StepMeasured,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnStarted,
)
from edge_agent.trajectory import Trajectory

Verdict: TypeAlias = Literal["supports", "cited", "quoted", "shown"]


@dataclass(frozen=True, slots=True)
class Gauges:
    """How much of what it may use a run has used; None is no limit, or not known yet."""

    window: int = 0
    """Tokens in the window after the last step."""
    context: int = 0
    """Tokens that the window can hold."""
    cut: int = 0
    """Tokens that have left the window to make room."""
    calls: int = 0
    max_calls: int | None = None
    seconds: float = 0.0
    max_seconds: float | None = None
    speed: float | None = None
    """Tokens read and written in a second, in the last step."""
    resident: int | None = None
    """Bytes of memory that the process holds."""


@dataclass(frozen=True, slots=True)
class Card:
    """A passage of the evidence, and what became of it."""

    evidence: EvidenceAdded
    verdict: Verdict
    quote: str
    """The sentence that was quoted or cited from it, or nothing."""


@dataclass(slots=True)
class RunView:
    """A run as far as it has been seen."""

    started: RunStarted | None = None
    finished: RunFinished | None = None
    """How it ended; None while it goes on."""
    step: int = 0
    doing: str = "Nothing asked yet"
    gauges: Gauges = field(default_factory=Gauges)
    changed: set[int] = field(default_factory=set)
    """Keys of passages that are new, or that something new is known of, since they were taken."""
    _trajectory: Trajectory | None = None
    _citations: dict[int, Citation] = field(default_factory=dict)
    _evidence: dict[int, EvidenceAdded] = field(default_factory=dict)
    _quotes: dict[int, str] = field(default_factory=dict)
    _quotes_seen: int = 0
    _cut: int = 0

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.started is not None and self.finished is None

    def take_changed(self) -> tuple[int, ...]:
        """Return the keys of passages to be shown anew, in order, and forget them."""
        keys = tuple(sorted(self.changed))
        self.changed.clear()
        return keys

    def card(self, key: int) -> Card | None:
        """Return what is known of a passage, or None where no passage has that key."""
        evidence = self._evidence.get(key)
        if evidence is None:
            return None
        citation = self._citations.get(key)
        if citation is not None:
            return Card(evidence, verdict_on(citation), citation.quote)
        if key in self._quotes:
            return Card(evidence, "quoted", self._quotes[key])
        return Card(evidence, "shown", "")

    def apply(self, event: Event) -> None:
        """Take an event into account."""
        if isinstance(event, TextAppeared):  # many, and the finished turn says it again
            return
        if isinstance(event, RunStarted):
            self._trajectory = Trajectory.of([event])
        elif self._trajectory is not None:
            self._trajectory.apply(event)
        self._note_quotes()
        self._see(event)
        self._measure(event)

    def _note_quotes(self) -> None:
        quotes = [] if self._trajectory is None else self._trajectory.quotes
        if len(quotes) < self._quotes_seen:  # attempts that vote begin without any
            self._quotes_seen = 0
        new = quotes[self._quotes_seen :]
        self._quotes_seen += len(new)
        for quote in new:
            self._quotes.setdefault(quote.key, quote.sentence)
            self.changed.add(quote.key)

    def _measure(self, event: Event) -> None:
        trajectory = self._trajectory
        if trajectory is None:
            return
        old = self.gauges
        measured = event if isinstance(event, StepMeasured) else None
        worked = measured is not None and measured.seconds > 0
        self.gauges = Gauges(
            window=measured.window if measured else old.window,
            context=trajectory.started.context,
            cut=self._cut,
            calls=len(trajectory.all_calls),
            max_calls=trajectory.max_calls,
            seconds=self.finished.seconds if self.finished else trajectory.seconds,
            max_seconds=trajectory.max_seconds,
            speed=_speed(measured) if measured and worked else old.speed,
            resident=measured.resident if measured else old.resident,
        )

    @singledispatchmethod
    def _see(self, event: Event) -> None:
        """Say what the run is doing."""

    @_see.register
    def _(self, event: RunStarted) -> None:
        self.started, self.doing = event, "Begins"

    @_see.register
    def _(self, event: RunResumed) -> None:
        self.finished, self.doing = None, "Goes on"

    @_see.register
    def _(self, event: AttemptStarted) -> None:
        self.doing = event.title

    @_see.register
    def _(self, event: TurnStarted) -> None:
        self.step, self.doing = event.step, f"Step {event.step}: the model is thinking"

    @_see.register
    def _(self, event: TurnFinished) -> None:
        self.doing = f"Step {event.step}"

    @_see.register
    def _(self, event: ToolCalled) -> None:
        what = ", ".join(str(value) for value in event.arguments.values())
        self.doing = f"Step {event.step}: {event.tool}: {what}"

    @_see.register
    def _(self, event: ToolAnswered) -> None:
        self.doing = f"Step {event.step}: {len(event.keys)} passages found"

    @_see.register
    def _(self, event: EvidenceAdded) -> None:
        self._evidence[event.key] = event
        self.changed.add(event.key)

    @_see.register
    def _(self, event: SpanCut) -> None:
        self._cut += event.tokens

    @_see.register
    def _(self, event: GatheringEnded) -> None:
        self.doing = f"No more is looked for: {event.reason}"

    @_see.register
    def _(self, event: ReadingStarted) -> None:
        self.doing = "Reads the answer from the passages"

    @_see.register
    def _(self, event: AttemptFinished) -> None:
        self._cite(event.citations)

    @_see.register
    def _(self, event: RunFinished) -> None:
        self.finished, self.doing = event, f"Ended: {event.status} ({event.reason})"
        self._cite(event.citations)

    def _cite(self, citations: tuple[Citation, ...]) -> None:
        self.changed |= self._citations.keys()
        self._citations = {citation.key: citation for citation in citations}
        self.changed |= self._citations.keys()


def verdict_on(citation: Citation) -> Verdict:
    """Return what became of a passage that an answer cites."""
    return "supports" if citation.supported else "cited"


def _speed(measured: StepMeasured) -> float:
    return (measured.tokens.prompt + measured.tokens.generated) / measured.seconds
