"""Where a run stands: a fold over its events, made the same way live and after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Literal, TypeAlias

from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    Quote,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SpanCut,
    StepMeasured,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
)
from edge_agent.evidence import Evidence, exhibit_of
from edge_agent.models import SpanKind
from edge_agent.protocol import Message, ToolCall, is_only_text, parse
from edge_agent.turns import ends_in_a_call, quotable_line

Phase: TypeAlias = Literal["gathering", "reading", "attempted", "finished"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A span of the window while evidence is gathered; `shown` are the sentences that it shows."""

    kind: SpanKind
    text: str
    shown: tuple[Quote, ...] = ()


@dataclass(slots=True)
class MadeCall:
    """A tool call of a run, and what it brought."""

    call: ToolCall
    result: str | None = None
    """What the model read; None until it is there."""
    found: int = 0
    """Passages that had not been shown before."""
    quoted: bool = False
    """Whether the model quoted from what it read."""
    failed: bool = False
    """Whether it could not be carried out."""


@dataclass(slots=True)
class Trajectory:
    """All that decides what a run does next, apart from the model's own window."""

    started: RunStarted
    attempt: int = 1
    web: bool = False
    """Whether this attempt searches the web, too."""
    step: int = 0
    phase: Phase = "gathering"
    reason: str = ""
    """Why the gathering ended."""
    max_calls: int = 0
    max_seconds: float | None = None
    max_tokens: int | None = None
    entries: list[Entry] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    quotes: list[Quote] = field(default_factory=list)
    """The sentences that the model picked, in order, over all attempts."""
    quotable: dict[str, Quote] = field(default_factory=dict)
    """The sentences that it may pick next, as it would write them."""
    calls: list[MadeCall] = field(default_factory=list)
    """The calls of this attempt."""
    calls_before: int = 0
    """How many of them were made before an attempt that had ended was gone on with."""
    shown: set[int] = field(default_factory=set)
    """The keys of the passages that this attempt has found, or was shown again."""
    earlier: list[MadeCall] = field(default_factory=list)
    """The calls of the attempts before."""
    said: list[str] = field(default_factory=list)
    """What the user said after the question."""
    rollbacks: int = 0
    """Turns taken back since the last one that stood."""
    writing: bool = False
    """Whether a turn was begun that is not finished."""
    turn: Message | None = None
    """A finished turn that nobody has judged yet."""
    reading: ReadingStarted | None = None
    """What the answer of this attempt is read from; one without a system prompt: the window."""
    tries: int = 0
    """How often an answer was asked for in this attempt."""
    reply: str | None = None
    """What was written as the answer."""
    clearing: bool = False
    """Whether spans were cut to make room, and what is to fill it is not there yet."""
    nudged: bool = False
    """Whether the last result has been commented on."""
    measured: int = 0
    """The last step whose cost is known."""
    seconds: float = 0.0
    tokens: TokenCounts = field(default_factory=lambda: TokenCounts(0, 0, 0))
    outcomes: list[AttemptFinished] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Trajectory:
        """Return where a run stands after `events`, the first of which started it."""
        stream = iter(events)
        started = next(stream)
        assert isinstance(started, RunStarted)
        trajectory = cls(
            started,
            max_calls=started.max_calls,
            max_seconds=started.max_seconds,
            max_tokens=started.max_tokens,
            entries=_opening(started),
        )
        for event in stream:
            trajectory.apply(event)
        return trajectory

    @property
    def pending(self) -> MadeCall | None:
        """The call that is being carried out, or None."""
        return self.calls[-1] if self.calls and self.calls[-1].result is None else None

    @property
    def all_calls(self) -> list[MadeCall]:
        """The calls of all attempts, in order."""
        return [*self.earlier, *self.calls]

    @property
    def remembered(self) -> list[MadeCall]:
        """The calls that are not to be made again.

        Attempts that vote do not know of each other, and what the libraries did not answer the web
        may.
        """
        return self.calls if self.started.vote or self.web else self.all_calls

    @property
    def visible(self) -> frozenset[Quote]:
        """The sentences that stand in the window."""
        return frozenset(quote for entry in self.entries for quote in entry.shown)

    @property
    def note(self) -> Entry | None:
        """The note of what was found that stands in the window, or None."""
        return next((entry for entry in self.entries if entry.kind is SpanKind.NOTE), None)

    def line_of(self, quote: Quote) -> str:
        """Return a sentence of the evidence as the model writes it."""
        exhibit = self.evidence.get(quote.key)
        assert exhibit is not None
        return quotable_line(quote, exhibit)

    def quoted_in(self, message: Message) -> tuple[Quote, ...]:
        """Return the sentences that a message begins with, of those that were shown."""
        quotes: list[Quote] = []
        for line in message.thought.split("\n"):
            quote = self.quote_of(line)
            if quote is None:
                break
            quotes.append(quote)
        return tuple(quotes)

    def quote_of(self, line: str) -> Quote | None:
        """Return the sentence that a line quotes, of those that were shown.

        In runs of older versions less stands before it: the title without the headings.
        """
        written = f"{line.strip()}\n"
        ends = ((quote, f": {quote.sentence} [{quote.key}]\n") for quote in self.quotable.values())
        return self.quotable.get(written) or next(
            (quote for quote, end in ends if written.endswith(end)), None
        )

    @singledispatchmethod
    def apply(self, event: Event) -> None:
        """Take an event into account; kinds that decide nothing change nothing."""

    @apply.register
    def _(self, event: RunResumed) -> None:
        """Go on where it ended; an attempt that came to no good end is gathered further."""
        self.max_calls = event.max_calls
        self.max_seconds = event.max_seconds
        self.max_tokens = event.max_tokens
        if self.phase == "finished" and self._has_voted:
            self.phase = "attempted"
        elif self.phase == "finished":
            self.outcomes = [each for each in self.outcomes if each.attempt != self.attempt]
            self._begin_gathering()
            self.calls_before = len(self.calls)
            last = self.entries[-1]
            unmade = self.pending is None and ends_in_a_call(last.text)
            if last.kind is SpanKind.TURN and unmade:
                del self.entries[-1]  # it is written again, and its call is made

    @apply.register
    def _(self, event: AttemptStarted) -> None:
        self.attempt, self.web = event.attempt, event.web
        self._begin_gathering()
        self.entries = _opening(self.started)
        if event.summary:
            self.entries.append(Entry(SpanKind.QUESTION, event.summary))
        self.earlier += self.calls
        self.calls, self.quotable, self.rollbacks, self.nudged = [], {}, 0, False
        self.calls_before, self.shown = 0, set()
        if self.started.vote:  # who votes finds everything for himself
            self.quotes = []

    @apply.register
    def _(self, event: AttemptFinished) -> None:
        self.outcomes.append(event)
        self.phase = "attempted"

    @apply.register
    def _(self, event: TurnStarted) -> None:
        self.step = event.step
        self.writing, self.clearing = True, False

    @apply.register
    def _(self, event: TurnFinished) -> None:
        self.writing = False
        if self.phase == "reading":
            self.reply = event.text
        else:
            self.turn = parse(event.text)
        if self.reading is None or not self.reading.system:
            self.entries.append(Entry(SpanKind.TURN, event.text))

    @apply.register
    def _(self, event: TurnRolledBack) -> None:
        if self.turn is not None:  # a note may have been written after it, to make room
            turns = [n for n, entry in enumerate(self.entries) if entry.kind is SpanKind.TURN]
            del self.entries[turns[-1]]
        self.writing, self.turn = False, None
        self.clearing = False
        self.rollbacks += 1
        if event.told:
            self.entries.append(Entry(SpanKind.RESULT, event.told))

    @apply.register
    def _(self, event: Nudged) -> None:
        self.nudged = True
        self.clearing = False
        if event.told:
            self.entries.append(Entry(SpanKind.RESULT, event.told))

    @apply.register
    def _(self, event: UserSpoke) -> None:
        self.said.append(event.text)
        self.clearing = False
        self.entries.append(Entry(SpanKind.QUESTION, event.prompt))

    @apply.register
    def _(self, event: ToolCalled) -> None:
        self._accept_turn()
        self.calls.append(MadeCall(ToolCall(event.server, event.tool, event.arguments)))

    @apply.register
    def _(self, event: EvidenceAdded) -> None:
        self.evidence.restore(exhibit_of(event))
        self.shown.add(event.key)
        self.calls[-1].found += 1

    @apply.register
    def _(self, event: ToolAnswered) -> None:
        self.calls[-1].result, self.calls[-1].failed = event.text, event.failed
        self.clearing = self.nudged = False
        self.shown.update(event.keys)
        self.entries.append(Entry(SpanKind.RESULT, event.text, event.shown))
        self.quotable = {
            line: quote
            for quote in event.shown
            if quote not in self.quotes and is_only_text(line := self.line_of(quote))
        }

    @apply.register
    def _(self, event: SpanCut) -> None:
        del self.entries[event.position]
        self.clearing = True

    @apply.register
    def _(self, event: NoteWritten) -> None:
        self.entries.append(Entry(SpanKind.NOTE, event.text))
        self.clearing = False

    @apply.register
    def _(self, event: StepMeasured) -> None:
        self.measured = event.step
        self.seconds += event.seconds
        self.tokens = self.tokens + event.tokens

    @apply.register
    def _(self, event: GatheringEnded) -> None:
        self._accept_turn()
        self.phase, self.reason = "reading", event.reason

    @apply.register
    def _(self, event: ReadingStarted) -> None:
        self.reading, self.reply = event, None
        self.tries += 1
        if not event.system:
            self.entries.append(Entry(SpanKind.QUESTION, event.prompt))

    @apply.register
    def _(self, event: RunFinished) -> None:
        self.phase = "finished"

    @property
    def _has_voted(self) -> bool:
        """Whether this attempt has given the answer that it votes for."""
        last = self.outcomes[-1] if self.outcomes else None
        is_cast = last is not None and (last.attempt, last.status) == (self.attempt, "answered")
        return self.started.vote and is_cast

    def _begin_gathering(self) -> None:
        self.phase, self.reason = "gathering", ""
        self.reading, self.reply, self.tries = None, None, 0

    def _accept_turn(self) -> None:
        """Let the turn stand, and keep the sentence that it begins with."""
        if self.turn is None:
            return
        for quote in self.quoted_in(self.turn):
            if quote not in self.quotes:
                self.quotes.append(quote)
                if self.calls:
                    self.calls[-1].quoted = True
        self.turn, self.rollbacks = None, 0


def _opening(started: RunStarted) -> list[Entry]:
    """Return what stands in a window at the beginning of an attempt."""
    return [Entry(SpanKind.SYSTEM, started.system), Entry(SpanKind.QUESTION, started.prompt)]
