"""One question being worked on: gathers evidence step by step, reads the answer, concludes.

What happens next follows from the trajectory alone, and every change of it is an event that is
yielded before the next one: so a run that was killed goes on where its last event left it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias, TypeVar

import psutil
from pydantic import ValidationError

from edge_agent.attempts import elected, retry_summary
from edge_agent.dates import asks_for_date, dates
from edge_agent.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    GatheringEnded,
    Nudged,
    ReadingStarted,
    RunFinished,
    Status,
    StepMeasured,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
)
from edge_agent.evidence import Exhibit, added
from edge_agent.guards import NO_PROGRESS, Finish, Nudge, RollBack, judge_result, judge_turn
from edge_agent.index import Collection
from edge_agent.leads import leads, on_topic
from edge_agent.models import AnySession, ModelError, Plan, Sampling, SpanKind
from edge_agent.profiles import Profile
from edge_agent.protocol import (
    Message,
    ToolCall,
    ToolSignature,
    free_message,
    parse,
    render_failure,
    render_tools,
    render_trained_tools,
    repaired,
)
from edge_agent.reading import reading_list, whole
from edge_agent.tools import TOOLS, Tool, ToolContext, ToolError, ToolResult
from edge_agent.trajectory import Entry, Trajectory
from edge_agent.turns import (
    answer_turn,
    chosen_answer_turn,
    closing_turn,
    gathering_turn,
    opening_search,
)
from edge_agent.verification import UNANSWERED, states, verified
from edge_agent.window import Window

_Outcome = TypeVar("_Outcome")
Steps: TypeAlias = Generator[Event, None, _Outcome]
"""Part of a run: yields events, returns what came of it."""

ENOUGH = "enough evidence"
USUAL_DEPTH = "usual depth"
"""The profile's own number of calls was made: nobody cut it short."""
CALL_LIMIT = "call limit"
TIME_LIMIT = "time limit"
TOKEN_LIMIT = "token limit"
INTERRUPTED = "interrupted"
MODEL_ERROR = "model error"
CUT_SHORT = (CALL_LIMIT, TIME_LIMIT, TOKEN_LIMIT, INTERRUPTED, MODEL_ERROR)
"""Beginnings of reasons after which an answer is partial: more could have been found."""

_QUOTE_TOKENS = 160
"""Room that is kept for the sentence that a turn quotes."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What reaches a run from outside, from any thread."""

    interrupted: threading.Event = field(default_factory=threading.Event)
    inbox: queue.SimpleQueue[tuple[str, int | None]] = field(default_factory=queue.SimpleQueue)
    """Lines of the user's, each with its number in the run store, if it has one."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a run is worked on with."""

    session: AnySession
    library: Collection
    profile: Profile
    prefixes: Path | None = None
    """A folder where decoded system prompts are kept."""
    signals: Signals = field(default_factory=Signals)


class Inquiry:
    """Carries a trajectory on to its end."""

    def __init__(self, desk: Desk, trajectory: Trajectory) -> None:
        """Go on from where `trajectory` stands."""
        self._session = desk.session
        self._library = desk.library
        self._profile = desk.profile
        self._prefixes = desk.prefixes
        self._signals = desk.signals
        self._trajectory = trajectory
        self._window = Window(desk.session, desk.profile)
        self._tools = signatures(desk.profile)
        self._began = time.monotonic()
        self._usage = desk.session.usage

    def events(self) -> Iterator[Event]:
        """Yield what happens until the run has finished."""
        stages = {"gathering": self._gather, "reading": self._read, "attempted": self._conclude}
        while self._trajectory.phase != "finished":
            yield from stages[self._trajectory.phase]()

    def _emit(self, event: Event) -> Event:
        self._trajectory.apply(event)
        return event

    # Gathering

    def _gather(self) -> Steps[None]:
        """Search until there is enough or a limit is reached; a model that fails ends it too."""
        try:
            self._open(self._trajectory.entries)
            reason = yield from self._steps()
        except ModelError as error:
            reason = f"{MODEL_ERROR}: {error}"
        yield self._emit(GatheringEnded(self._trajectory.step, reason))

    def _steps(self) -> Steps[str]:
        """Take steps, and return why no more of them is taken."""
        trajectory = self._trajectory
        while True:
            if trajectory.pending is not None:
                yield from self._carry_out(trajectory.pending.call)
            elif trajectory.turn is not None:
                ended = yield from self._judge(trajectory.turn)
                if ended is not None:
                    return ended
            else:
                yield from self._measure()
                ended = self._stopped() or self._calls_used_up()
                if ended is not None:
                    return ended
                if not trajectory.writing:
                    yield from self._listen()
                    yield from self._comment()
                    yield from self._make_room(self._turn_tokens())
                yield from self._turn(self._plan())

    def _turn_tokens(self) -> int:
        """Return the room that a turn is left."""
        gathering = self._profile.gathering
        return gathering.thought_tokens + gathering.argument_tokens + _QUOTE_TOKENS

    def _stopped(self) -> str | None:
        """Return what ends the gathering at once, in the middle of a step, or None."""
        trajectory = self._trajectory
        if self._signals.interrupted.is_set():
            return INTERRUPTED
        if trajectory.max_seconds is not None and self._seconds() >= trajectory.max_seconds:
            return TIME_LIMIT
        if trajectory.max_tokens is not None and self._spent() >= trajectory.max_tokens:
            return TOKEN_LIMIT
        return None

    def _calls_used_up(self) -> str | None:
        """Return that no call is left, where there is nothing more to quote either."""
        trajectory = self._trajectory
        if len(trajectory.calls) < trajectory.max_calls:
            return None
        quoting = self._profile.gathering.thoughts == "quoted" and trajectory.quotable
        return None if quoting else self._calls_limited()

    def _calls_limited(self) -> str:
        """Return what a run without calls left has come up against."""
        usual = self._trajectory.max_calls == self._profile.gathering.calls
        return USUAL_DEPTH if usual else CALL_LIMIT

    def _plan(self) -> Plan:
        """Plan the next step; where no call is left, only a quote is left to do."""
        trajectory, gathering = self._trajectory, self._profile.gathering
        if gathering.search_first and not trajectory.remembered:
            return opening_search(trajectory.started.question)
        if gathering.thoughts == "free":
            tokens = gathering.thought_tokens, gathering.argument_tokens
            return free_message(self._tools, *tokens)
        quotable = None
        if gathering.thoughts == "quoted":
            quotable = on_topic(trajectory.quotable, trajectory)
        if len(trajectory.calls) >= trajectory.max_calls:
            return closing_turn(quotable or ())
        return gathering_turn(quotable, self._tools, gathering, self._leads)

    def _leads(self, thought: str) -> tuple[str, ...]:
        """Return the names that the next search may be about; none leaves it to the model."""
        if not self._profile.gathering.leads:
            return ()
        quote = self._trajectory.quotable.get(thought)
        return leads(thought.partition(": ")[2], quote, self._trajectory)

    def _turn(self, plan: Plan) -> Steps[None]:
        """Have the model write a turn; where a limit comes first, it leaves no trace."""
        trajectory = self._trajectory
        if not trajectory.writing:
            yield self._emit(TurnStarted(trajectory.step + 1))
        stopped: str | None = None
        with closing(self._session.generate(plan, self._sampling(), self._seed())) as pieces:
            for piece in pieces:
                yield TextAppeared(trajectory.step, piece.text, piece.origin)
                stopped = self._stopped() if trajectory.phase == "gathering" else None
                if stopped is not None:
                    break
        written = self._session.spans[-1]
        if stopped is not None:
            self._session.rollback(written)
            yield self._emit(TurnRolledBack(trajectory.step, stopped))
        else:
            yield self._emit(TurnFinished(trajectory.step, written.text))

    def _sampling(self) -> Sampling:
        """Return how tokens are drawn; attempts that vote differ by chance, but for the first."""
        sampling = self._profile.sampling
        if not self._trajectory.started.vote or self._trajectory.attempt == 1:
            return sampling
        return replace(sampling, temperature=self._profile.vote_temperature)

    def _seed(self) -> int:
        """Return a seed of its own for every turn, so that a turn taken back is not repeated."""
        return self._trajectory.started.seed * 100_003 + self._trajectory.step

    def _judge(self, message: Message) -> Steps[str | None]:
        """Let the guards judge a turn, and carry out what they say; return why it all ends here."""
        trajectory = self._trajectory
        call = message.call and repaired(message.call, self._tools)
        verdict = judge_turn(replace(message, call=call), trajectory, self._profile)
        if isinstance(verdict, Finish):
            return verdict.reason
        if isinstance(verdict, RollBack):
            most = self._profile.guarding.rollbacks
            if trajectory.rollbacks >= most or self._would_repeat(verdict):
                return NO_PROGRESS
            yield from self._take_back(verdict)
        elif call is not None:
            yield self._emit(ToolCalled(trajectory.step, call.tool, call.arguments, call.server))
        elif len(trajectory.calls) >= trajectory.max_calls:
            return self._calls_limited()
        else:
            return ENOUGH
        return None

    def _would_repeat(self, verdict: RollBack) -> bool:
        """Tell whether a turn, taken back, is sure to be written again.

        So it is where the model has been told that before, and tokens are not drawn by chance.
        """
        told = self._trajectory.entries[-2].text == verdict.told
        return told and self._sampling().temperature == 0

    def _take_back(self, verdict: RollBack) -> Steps[None]:
        """Roll the turn back and tell the model why, unless that stands there already."""
        trajectory = self._trajectory
        self._session.rollback(self._session.spans[-1])
        told = "" if trajectory.entries[-2].text == verdict.told else verdict.told
        if told:
            yield from self._place(Entry(SpanKind.RESULT, told))
        yield self._emit(TurnRolledBack(trajectory.step, verdict.reason, told))

    def _comment(self) -> Steps[None]:
        """Let the guards comment on what the last call brought."""
        verdict = judge_result(self._trajectory, self._profile)
        if isinstance(verdict, Nudge):
            yield from self._place(Entry(SpanKind.RESULT, verdict.told))
            yield self._emit(Nudged(self._trajectory.step, verdict.reason, verdict.told))

    def _listen(self) -> Steps[None]:
        """Show the model what the user has said meanwhile."""
        while not self._signals.inbox.empty():
            text, number = self._signals.inbox.get()
            prompt = self._profile.prompts.steered.format(text=text).strip()
            yield from self._place(Entry(SpanKind.QUESTION, prompt))
            yield self._emit(UserSpoke(self._trajectory.step, text, prompt, number))

    def _carry_out(self, call: ToolCall) -> Steps[None]:
        """Run a tool and show the model its result."""
        trajectory = self._trajectory
        known = len(trajectory.evidence)
        failed = False
        try:
            result = self._tool(call.tool).run(call.arguments, self._tool_context())
        except (ToolError, ValidationError) as error:
            result = ToolResult(render_failure(call, _explained(error)))
            failed = True
        for exhibit in trajectory.evidence.since(known):
            yield self._emit(added(trajectory.step, exhibit))
        yield from self._place(Entry(SpanKind.RESULT, result.text, result.shown))
        yield self._emit(
            ToolAnswered(trajectory.step, call.tool, result.text, result.keys, failed, result.shown)
        )

    def _tool(self, name: str) -> Tool:
        if name not in self._profile.tools:
            raise ToolError(f"there is no tool '{name}'")
        return TOOLS[name]

    def _tool_context(self) -> ToolContext:
        gathering = self._profile.gathering
        return ToolContext(
            library=self._library,
            evidence=self._trajectory.evidence,
            question=self._trajectory.started.question,
            count=self._session.count,
            results=gathering.results,
            tokens=gathering.result_tokens,
            visible=self._trajectory.visible,
        )

    # The window

    def _open(self, entries: Sequence[Entry]) -> None:
        """Make the window hold `entries`, the first of them from its saved prefix if there is one.

        Raises ContextFull.
        """
        folder = self._prefixes
        if folder is not None and not self._window.begins_with(entries[0]):
            self._window.restore(entries[:1])
            if not self._session.load_prefix(folder):
                self._session.save_prefix(folder)
        self._window.restore(entries)

    def _place(self, entry: Entry) -> Steps[None]:
        """Add a span to the window, making room for it."""
        yield from self._make_room(self._session.count(entry.text))
        self._window.append(entry)

    def _make_room(self, tokens: int) -> Steps[None]:
        for event in self._window.make_room(self._trajectory, tokens):
            yield self._emit(event)

    # Reading

    def _read(self) -> Steps[None]:
        """Find the answer, and check it against the passages."""
        trajectory = self._trajectory
        exhibits = reading_list(trajectory, self._profile.reading, self._session.count)
        if not exhibits:
            failed = trajectory.reason.startswith(MODEL_ERROR)
            yield self._emit(
                self._finished("failed", None, trajectory.reason)
                if failed
                else self._attempted(None, ())
            )
            return
        try:
            answer = yield from self._answer(exhibits)
        except ModelError as error:
            yield self._emit(self._finished("failed", None, str(error)))
            return
        yield self._emit(self._attempted(answer, exhibits))

    def _answer(self, exhibits: tuple[Exhibit, ...]) -> Steps[str | None]:
        """Return the answer given already, or have it written; None where there is none."""
        trajectory = self._trajectory
        answer = None if self._profile.reading.at_end else self._given()
        if answer is not None:
            return answer
        if trajectory.reading is None:
            yield from self._begin_reading(exhibits)
        while True:
            if trajectory.reply is None:
                assert trajectory.reading is not None
                self._open(self._reading_entries(trajectory.reading))
                yield from self._turn(self._answer_plan())
            yield from self._measure()
            answer = parse(trajectory.reply or "").answer
            if answer is not None or trajectory.tries >= self._profile.reading.tries:
                return answer
            yield from self._begin_reading(exhibits)

    def _answer_plan(self) -> Plan:
        """Plan the answer; a date that is asked for is one that stands in the passages."""
        prompts, reading = self._profile.prompts, self._trajectory.reading
        if reading is not None and prompts.answer and reading.system:
            found = (
                dates(reading.prompt) if asks_for_date(self._trajectory.started.question) else ()
            )
            if found:
                return chosen_answer_turn(prompts.answer, (*found, prompts.unknown))
        return answer_turn(prompts.answer, self._profile.reading.answer_tokens)

    def _given(self) -> str | None:
        """Return the answer in the last turn of the window, or None."""
        turns = [e.text for e in self._trajectory.entries if e.kind is SpanKind.TURN]
        return parse(turns[-1]).answer if turns else None

    def _begin_reading(self, exhibits: tuple[Exhibit, ...]) -> Steps[None]:
        """Show the passages whole with nothing else in view; or ask in the window as it is."""
        prompts, step = self._profile.prompts, self._trajectory.step
        question = "\n".join([self._trajectory.started.question, *self._trajectory.said])
        if self._profile.reading.at_end:
            passages = "\n\n".join(whole(exhibit) for exhibit in exhibits)
            prompt = prompts.reading.format(passages=passages, question=question).strip()
            keys = tuple(exhibit.key for exhibit in exhibits)
            started = ReadingStarted(step, keys, prompts.reader.strip(), prompt)
            self._open(self._reading_entries(started))
        else:
            prompt = prompts.finish.format(question=question).strip()
            started = ReadingStarted(step, (), "", prompt)
            self._open(self._trajectory.entries)
            reserve = self._session.count(prompt) + self._profile.reading.answer_tokens
            yield from self._make_room(reserve)
            self._window.append(Entry(SpanKind.QUESTION, prompt))
        yield self._emit(started)

    def _reading_entries(self, started: ReadingStarted) -> list[Entry]:
        """Return what stands in the window while the answer is read."""
        if not started.system:
            return self._trajectory.entries
        return [Entry(SpanKind.SYSTEM, started.system), Entry(SpanKind.QUESTION, started.prompt)]

    def _attempted(self, answer: str | None, exhibits: tuple[Exhibit, ...]) -> AttemptFinished:
        """Check an answer against the passages; one that nothing supports is not given."""
        trajectory = self._trajectory
        seen = exhibits if self._profile.reading.at_end else trajectory.evidence.since(0)
        checked = UNANSWERED
        if answer is not None and not states(answer, self._profile.prompts.unknown):
            question, quotes = trajectory.started.question, trajectory.quotes
            checked = verified(question, answer, quotes, seen, self._library.embedder)
        status: Status = "not_found"
        if checked.answer is not None:
            status = "partial" if trajectory.reason.startswith(CUT_SHORT) else "answered"
        return AttemptFinished(
            trajectory.attempt,
            status,
            checked.answer,
            checked.citations,
            checked.claims,
            trajectory.reason,
        )

    # Concluding

    def _conclude(self) -> Steps[None]:
        """Begin another attempt where one is wanted and can be afforded, or finish the run."""
        trajectory = self._trajectory
        last = trajectory.outcomes[-1]
        wanted = trajectory.started.vote or last.answer is None
        if wanted and trajectory.attempt < trajectory.started.attempts and not self._stopped():
            vote = trajectory.started.vote
            summary = "" if vote else retry_summary(trajectory, self._profile)
            yield self._emit(AttemptStarted(trajectory.attempt + 1, summary))
            return
        chosen = elected(trajectory.outcomes) if trajectory.started.vote else last
        yield self._emit(self._finished(chosen.status, chosen, chosen.reason))

    def _finished(
        self, status: Status, outcome: AttemptFinished | None, reason: str
    ) -> RunFinished:
        return RunFinished(
            run=self._trajectory.started.run,
            status=status,
            answer=outcome.answer if outcome else None,
            citations=outcome.citations if outcome else (),
            calls=len(self._trajectory.all_calls),
            seconds=round(self._seconds(), 3),
            tokens=self._trajectory.tokens + self._unmeasured(),
            reason=reason,
            claims=outcome.claims if outcome else (),
        )

    # What it costs

    def _measure(self) -> Steps[None]:
        """Tell what the step that has just ended has cost."""
        trajectory = self._trajectory
        if trajectory.writing or trajectory.measured == trajectory.step:
            return
        event = StepMeasured(
            trajectory.step,
            self._session.size,
            self._session.context,
            self._unmeasured(),
            round(time.monotonic() - self._began, 3),
            psutil.Process().memory_info().rss,
        )
        self._began, self._usage = time.monotonic(), self._session.usage
        yield self._emit(event)

    def _unmeasured(self) -> TokenCounts:
        """Return the tokens since a step was last measured."""
        now, before = self._session.usage, self._usage
        return TokenCounts(
            now.prompt - before.prompt, now.new - before.new, now.generated - before.generated
        )

    def _seconds(self) -> float:
        """Return the seconds that were worked on this run, pauses left out."""
        return self._trajectory.seconds + time.monotonic() - self._began

    def _spent(self) -> int:
        """Return the tokens that were decoded for this run, as prompt or one by one."""
        total = self._trajectory.tokens + self._unmeasured()
        return total.prompt + total.generated


def signatures(profile: Profile) -> tuple[ToolSignature, ...]:
    """Return the signatures of the tools that a profile allows."""
    return tuple(TOOLS[name].signature for name in profile.tools)


def system_prompt(profile: Profile) -> str:
    """Return the system prompt for gathering evidence."""
    tools = signatures(profile)
    return profile.prompts.system.format(
        tools=render_tools(tools), trained_tools=render_trained_tools(tools)
    ).strip()


def question_prompt(profile: Profile, question: str) -> str:
    """Return the question as the model sees it, with the date of today where the profile has it.

    The date stands here, and not in the system prompt, whose decoded form is kept on disk.
    """
    return profile.prompts.question.format(question=question, date=date.today().isoformat()).strip()


def _explained(error: ToolError | ValidationError) -> str:
    """Return why a call failed, in one line that the model can use."""
    if isinstance(error, ValidationError):
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return "; ".join(faults)
    return str(error)
