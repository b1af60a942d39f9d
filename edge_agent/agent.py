"""The agent: one loop that gathers evidence step by step, then reads the answer from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from pydantic import ValidationError

from edge_agent.citations import cite, states
from edge_agent.events import (
    Citation,
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    SpanCut,
    Status,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.evidence import Evidence, Exhibit, Quote
from edge_agent.guards import Guards
from edge_agent.index import Collection
from edge_agent.models import AnySession, ModelError, Plan, Span, SpanKind
from edge_agent.profiles import Profile
from edge_agent.protocol import Message, ToolCall, parse, render_failure, render_tools
from edge_agent.runs import new_run_id
from edge_agent.tools import TOOLS, ToolContext, ToolError, ToolResult
from edge_agent.turns import (
    answer_turn,
    closing_turn,
    gathering_turn,
    opening_search,
    quotable_line,
)
from edge_agent.window import make_room

_Outcome = TypeVar("_Outcome")
Steps: TypeAlias = Generator[Event, None, _Outcome]
"""Part of a run: yields events, returns what came of it."""

ENOUGH = "enough evidence"
NO_PROGRESS = "no progress"
CALL_LIMIT = "call limit"
TIME_LIMIT = "time limit"
INTERRUPTED = "interrupted"
CUT_SHORT = frozenset({CALL_LIMIT, TIME_LIMIT, INTERRUPTED})
"""Reasons after which an answer is partial: more could have been found."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the person who asks decides."""

    max_calls: int = 8
    """Most tool calls for one question."""
    max_seconds: float | None = None
    """Seconds after which the answer is read from what was found."""
    seed: int = 0
    """Where the drawing of tokens begins: same seed, same machine, same text."""
    model: str = ""
    """What the model is called in the records of runs."""
    prefixes: Path | None = None
    """A folder where decoded system prompts are kept, so that a run starts without decoding one."""


class Agent:
    """A model, a collection of libraries and a profile, ready for questions, one at a time."""

    def __init__(
        self,
        session: AnySession,
        library: Collection,
        profile: Profile,
        settings: AgentSettings | None = None,
    ) -> None:
        """Make an agent."""
        self.session = session
        self.library = library
        self.profile = profile
        self.settings = settings or AgentSettings()
        self.tools = tuple(tool.signature for tool in TOOLS.values())
        self._interrupted = threading.Event()

    def run(self, question: str, run: str | None = None) -> Iterator[Event]:
        """Work on `question` and yield what happens; the last event is always RunFinished."""
        self._interrupted.clear()
        return _Inquiry(self, question, run or new_run_id()).events()

    def interrupt(self) -> None:
        """Ask the run to stop gathering and answer from what it has; safe from any thread."""
        self._interrupted.set()

    @property
    def interrupted(self) -> bool:
        """Whether the run was asked to stop."""
        return self._interrupted.is_set()

    def open_gathering(self) -> None:
        """Leave nothing in the window but the system prompt for gathering. Raises ContextFull."""
        self._open(self.profile.prompts.system.format(tools=render_tools(self.tools)).strip())

    def open_reading(self) -> None:
        """Leave nothing in the window but the system prompt for reading. Raises ContextFull."""
        self._open(self.profile.prompts.reader.strip())

    def _open(self, prompt: str) -> None:
        spans = self.session.spans
        if spans and spans[0].kind is SpanKind.SYSTEM and spans[0].text == prompt:
            if len(spans) > 1:
                self.session.rollback(spans[1])
            return
        if spans:
            self.session.rollback(spans[0])
        self.session.append(SpanKind.SYSTEM, prompt, trusted=True)
        prefixes = self.settings.prefixes
        if prefixes is not None and not self.session.load_prefix(prefixes):
            self.session.save_prefix(prefixes)


class _Inquiry:
    """One question being worked on."""

    def __init__(self, agent: Agent, question: str, run: str) -> None:
        self._agent = agent
        self._session = agent.session
        self._profile = agent.profile
        self._question = question
        self._run = run
        self._evidence = Evidence()
        self._quotes: list[Quote] = []
        self._quotable: dict[str, Quote] = {}
        self._shown: list[tuple[Span, tuple[Quote, ...]]] = []
        self._guards = Guards()
        self._step = 0
        self._calls = 0
        self._started = time.monotonic()
        self._usage = agent.session.usage

    def events(self) -> Iterator[Event]:
        """Gather, read, finish."""
        agent = self._agent
        yield RunStarted(
            self._run,
            self._question,
            agent.settings.model,
            agent.library.name,
            self._profile.name,
            agent.settings.seed,
            agent.settings.max_calls,
        )
        try:
            reason = yield from self._gather()
            exhibits = self._reading_list()
            answer = (yield from self._read(exhibits)) if exhibits else None
        except ModelError as error:
            yield self._finished("failed", None, (), str(error))
            return
        yield self._concluded(answer, exhibits, reason)

    # Gathering

    def _gather(self) -> Steps[str]:
        """Search until there is enough or a limit is reached, and return why it ended."""
        self._agent.open_gathering()
        question = self._profile.prompts.question.format(question=self._question)
        self._session.append(SpanKind.QUESTION, question)
        plan = opening_search(self._question)
        rollbacks = 0
        while (ended := self._ended()) is None:
            message = yield from self._turn(plan)
            if message is None:
                continue
            fault = self._guards.fault(message)
            if fault is not None:
                rollbacks += 1
                if rollbacks > self._profile.gathering.rollbacks:
                    return NO_PROGRESS
                yield from self._take_back(fault)
            elif message.call is None:
                self._keep_quote(message)
                return ENOUGH
            else:
                rollbacks = 0
                self._keep_quote(message)
                yield from self._carry_out(message.call)
            plan = self._next_plan()
        return ended

    def _ended(self) -> str | None:
        """Return which limit ends the gathering before another step, or None."""
        if self._calls >= self._agent.settings.max_calls:
            return CALL_LIMIT
        return self._stopped()

    def _stopped(self) -> str | None:
        """Return what ends the gathering at once, in the middle of a step, or None."""
        if self._agent.interrupted:
            return INTERRUPTED
        limit = self._agent.settings.max_seconds
        return TIME_LIMIT if limit is not None and self._seconds() >= limit else None

    def _next_plan(self) -> Plan:
        """Plan the next step; after the profile's number of calls only a quote is left to do."""
        gathering = self._profile.gathering
        quotable = tuple(self._quotable)
        if self._calls >= gathering.steps:
            return closing_turn(quotable)
        return gathering_turn(quotable, self._agent.tools, gathering.argument_tokens)

    def _turn(self, plan: Plan) -> Steps[Message | None]:
        """Have the model write a turn; None, and no trace of it, where a limit came first."""
        self._step += 1
        yield TurnStarted(self._step)
        stopped: str | None = None
        with closing(self._session.generate(plan, self._profile.sampling, self._seed())) as pieces:
            for piece in pieces:
                yield TextAppeared(self._step, piece.text, piece.origin)
                stopped = self._stopped()
                if stopped is not None:
                    break
        turn = self._session.spans[-1]
        if stopped is not None:
            self._session.rollback(turn)
            yield TurnRolledBack(self._step, stopped)
            return None
        yield TurnFinished(self._step, turn.text)
        return parse(turn.text)

    def _seed(self) -> int:
        """Return a seed of its own for every turn, so that a turn taken back is not repeated."""
        return self._agent.settings.seed * 100_003 + self._step

    def _take_back(self, reason: str) -> Steps[None]:
        """Roll the turn back and tell the model why."""
        self._session.rollback(self._session.spans[-1])
        yield TurnRolledBack(self._step, reason)
        if self._session.spans[-1].kind is not SpanKind.NOTE:
            yield from self._append(SpanKind.NOTE, self._profile.prompts.repeated)

    def _keep_quote(self, message: Message) -> None:
        quote = self._quotable.get(message.thought.partition("\n")[0].strip() + "\n")
        if quote is not None:
            self._quotes.append(quote)

    def _carry_out(self, call: ToolCall) -> Steps[None]:
        """Run a tool and show the model its result."""
        self._calls += 1
        self._guards.remember(call)
        yield ToolCalled(self._step, call.tool, call.arguments)
        known = len(self._evidence)
        try:
            result = TOOLS[call.tool].run(call.arguments, self._tool_context())
            failed = False
        except (KeyError, ToolError, ValidationError) as error:
            result = ToolResult(render_failure(call, _reason(error)))
            failed = True
        for exhibit in self._evidence.since(known):
            yield _added(self._step, exhibit)
        self._quotable = self._lines_of(result)
        yield from self._append(SpanKind.RESULT, result.text)
        self._shown.append((self._session.spans[-1], result.shown))
        yield ToolAnswered(self._step, call.tool, result.text, result.keys, failed)

    def _tool_context(self) -> ToolContext:
        gathering = self._profile.gathering
        return ToolContext(
            library=self._agent.library,
            evidence=self._evidence,
            question=self._question,
            count=self._session.count,
            results=gathering.results,
            tokens=gathering.result_tokens,
            visible=self._visible(),
        )

    def _visible(self) -> frozenset[Quote]:
        """Return the sentences of results that have not been cut."""
        left = set(self._session.spans)
        return frozenset(quote for span, quotes in self._shown if span in left for quote in quotes)

    def _lines_of(self, result: ToolResult) -> dict[str, Quote]:
        """Return the sentences of a result that the model may quote, as it would write them."""
        lines = {}
        for quote in result.shown:
            exhibit = self._evidence.get(quote.key)
            if exhibit is not None and quote not in self._quotes:
                lines[quotable_line(quote, exhibit)] = quote
        return lines

    def _append(self, kind: SpanKind, text: str) -> Steps[None]:
        """Add untrusted text, making room for it and for the turn that follows."""
        tokens = self._session.count(text) + self._profile.gathering.result_tokens
        for span in make_room(self._session, tokens):
            yield SpanCut(self._step, span.kind.value, span.tokens)
        self._session.append(kind, text)

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    # Reading

    def _reading_list(self) -> tuple[Exhibit, ...]:
        """Return the passages to answer from: first found first, those quoted nearest the end."""
        reading = self._profile.reading
        quoted = dict.fromkeys(quote.key for quote in self._quotes)
        wanted = [
            *reversed(quoted),
            *(k for k in range(1, len(self._evidence) + 1) if k not in quoted),
        ]
        chosen: list[Exhibit] = []
        tokens = 0
        for key in wanted[: reading.passages]:
            exhibit = self._evidence.get(key)
            if exhibit is not None:
                tokens += self._session.count(_whole(exhibit))
                if chosen and tokens > reading.tokens:
                    break
                chosen.append(exhibit)
        return tuple(reversed(chosen))

    def _read(self, exhibits: tuple[Exhibit, ...]) -> Steps[str | None]:
        """Write the answer with nothing in view but whole passages and, last, the question."""
        self._agent.open_reading()
        prompt = self._profile.prompts.reading.format(
            passages="\n\n".join(_whole(exhibit) for exhibit in exhibits), question=self._question
        )
        self._session.append(SpanKind.QUESTION, prompt.strip())
        self._step += 1
        yield TurnStarted(self._step)
        plan = answer_turn(self._profile.prompts.answer, self._profile.reading.answer_tokens)
        for piece in self._session.generate(plan, self._profile.sampling, self._seed()):
            yield TextAppeared(self._step, piece.text, piece.origin)
        text = self._session.spans[-1].text
        yield TurnFinished(self._step, text)
        answer = parse(text).answer
        return None if answer is None or states(answer, self._profile.prompts.unknown) else answer

    # Finishing

    def _concluded(
        self, answer: str | None, exhibits: tuple[Exhibit, ...], reason: str
    ) -> RunFinished:
        """Check the answer against the passages; one that nothing supports is not given."""
        if answer is None:
            return self._finished("not_found", None, (), reason)
        citations = cite(self._question, answer, self._quotes, exhibits)
        supported = any(citation.supported for citation in citations)
        if not supported:
            return self._finished("not_found", None, (), reason)
        status: Status = "partial" if reason in CUT_SHORT else "answered"
        return self._finished(status, answer, citations, reason)

    def _finished(
        self, status: Status, answer: str | None, citations: tuple[Citation, ...], reason: str
    ) -> RunFinished:
        usage = self._session.usage
        return RunFinished(
            run=self._run,
            status=status,
            answer=answer,
            citations=citations,
            calls=self._calls,
            seconds=round(self._seconds(), 3),
            tokens=TokenCounts(
                prompt=usage.prompt - self._usage.prompt,
                new=usage.new - self._usage.new,
                generated=usage.generated - self._usage.generated,
            ),
            reason=reason,
        )


def _reason(error: KeyError | ToolError | ValidationError) -> str:
    """Return why a call failed, in one line that the model can use."""
    if isinstance(error, KeyError):
        return f"there is no tool {error}"
    if isinstance(error, ValidationError):
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return "; ".join(faults)
    return str(error)


def _added(step: int, exhibit: Exhibit) -> EvidenceAdded:
    passage = exhibit.passage
    return EvidenceAdded(
        step,
        exhibit.key,
        passage.id,
        passage.document,
        passage.title,
        passage.source,
        passage.place,
        passage.text,
    )


def _whole(exhibit: Exhibit) -> str:
    return f"[{exhibit.key}] {exhibit.passage.title}: {exhibit.passage.text}"
