"""Gathering: searches, reads and quotes, step by step, until there is enough or a limit comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from edge_agent.events import (
    GatheringEnded,
    Nudged,
    TextAppeared,
    ToolAnswered,
    ToolCalled,
    TurnRolledBack,
    UserSpoke,
)
from edge_agent.evidence import added
from edge_agent.guards import Finish, Nudge, RollBack, judge_result, judge_turn
from edge_agent.index import Unreachable
from edge_agent.leads import leads, on_topic
from edge_agent.models import ModelError, Plan, SpanKind
from edge_agent.profiles import Profile
from edge_agent.protocol import Message, ToolCall, free_message, render_failure, repaired
from edge_agent.reasons import CALL_LIMIT, ENOUGH, MODEL_ERROR, NO_PROGRESS, USUAL_DEPTH
from edge_agent.runtime import Runtime, Steps
from edge_agent.tools import EarlierCall, ToolContext, ToolError, ToolResult
from edge_agent.trajectory import Entry
from edge_agent.turns import (
    NOTHING_HELPS,
    gathering_turn,
    has_enough,
    is_cut_off,
    opening_search,
)

_CALL_TOKENS = 80
"""Room that is kept for what stands around the arguments of a call."""
_QUOTES_SHARE = 4
"""The share of a window, as its divisor, up to which room is kept for what a turn quotes."""


class Gathering:
    """Takes the steps of a trajectory that gather evidence."""

    def __init__(self, runtime: Runtime) -> None:
        """Go on from where the trajectory at `runtime` stands."""
        self._runtime = runtime
        self._session = runtime.session
        self._profile = runtime.profile
        self._trajectory = runtime.trajectory
        self._tools = runtime.toolbox.signatures

    def events(self) -> Steps[None]:
        """Search until there is enough or a limit is reached; a model that fails ends it too."""
        try:
            self._runtime.open(self._trajectory.entries)
            reason = yield from self._steps()
        except ModelError as error:
            reason = f"{MODEL_ERROR}: {error}"
        yield self._runtime.emit(GatheringEnded(self._trajectory.step, reason))

    def _steps(self) -> Steps[str]:
        """Take steps, and return why no more of them is taken."""
        trajectory, runtime = self._trajectory, self._runtime
        while True:
            if trajectory.pending is not None:
                yield from self._carry_out(trajectory.pending.call)
                if trajectory.pending is not None and (ended := runtime.stopped()) is not None:
                    return ended
            elif trajectory.turn is not None:
                ended = yield from self._judge(trajectory.turn)
                if ended is not None:
                    return ended
            else:
                yield from runtime.measure()
                ended = runtime.stopped() or self._calls_used_up()
                if ended is not None:
                    return ended
                if not trajectory.writing:
                    yield from self._listen()
                    yield from self._comment()
                    yield from runtime.make_room(self._turn_tokens)
                yield from runtime.turn(self._plan())

    # Plans

    def _plan(self) -> Plan:
        """Plan the next step; where no call is left, it makes none."""
        trajectory, gathering = self._trajectory, self._profile.gathering
        if gathering.search_first and not trajectory.remembered:
            return opening_search(trajectory.started.question)
        if gathering.thoughts == "free":
            tokens = gathering.thought_tokens, gathering.argument_tokens
            return free_message(self._tools, *tokens)
        quotable = None
        if gathering.thoughts == "quoted":
            quotable = self._quotable()
        tools = () if self._no_call_left else self._tools
        return gathering_turn(quotable, tools, gathering, self._leads, self._runtime.toolbox.more)

    def _quotable(self) -> tuple[str, ...]:
        """Return the lines that may be quoted: a model that is led keeps to its topic."""
        trajectory = self._trajectory
        if self._profile.gathering.leads != "always":
            return tuple(trajectory.quotable)
        return on_topic(trajectory.quotable, trajectory)

    def _leads(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Return the names that the next search may be about; none leaves it to the model."""
        when, known = self._profile.gathering.leads, self._trajectory.quotable
        quotes = [known[line] for line in lines if line in known]
        if when == "always":
            text = " ".join(line.partition(": ")[2] for line in lines)
        elif when == "stuck" and self._is_stuck(lines):
            read = reversed([*self._trajectory.quotes, *quotes])
            text = " ".join(quote.sentence for quote in read)
        else:
            return ()
        return leads(text, quotes, self._trajectory)

    def _is_stuck(self, lines: Sequence[str]) -> bool:
        """Tell whether nothing helps a turn that begins so, or one that repeats was taken back."""
        told = self._trajectory.entries[-1].text == self._profile.told.duplicate_query
        return told or NOTHING_HELPS in lines

    @property
    def _turn_tokens(self) -> int:
        """The room that a turn is left: for the longest sentences that it may quote, and a call."""
        gathering = self._profile.gathering
        wanted = (tool.argument_tokens or gathering.argument_tokens for tool in self._tools)
        lines = sorted(map(self._session.count, self._trajectory.quotable), reverse=True)
        quotes = min(sum(lines[: gathering.quotes]), self._session.context // _QUOTES_SHARE)
        return gathering.thought_tokens + max(wanted) + _CALL_TOKENS + quotes

    @property
    def _no_call_left(self) -> bool:
        return len(self._trajectory.calls) >= self._trajectory.max_calls

    def _calls_used_up(self) -> str | None:
        """Return that no call is left; a model that quotes has yet to say what the last brought."""
        quotes = self._profile.gathering.thoughts == "quoted"
        return self._limit if self._no_call_left and not quotes else None

    @property
    def _limit(self) -> str:
        return call_limit(self._trajectory.max_calls, self._profile)

    # Verdicts

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
            called = ToolCalled(trajectory.step, call.tool, call.arguments, call.server)
            yield self._runtime.emit(called)
        elif self._no_call_left and not has_enough(message.thought):
            return self._limit
        elif is_cut_off(trajectory.entries[-1].text):  # of a run that had fewer calls
            yield from self._take_back(RollBack("a call was left out", ""))
        else:
            return ENOUGH
        return None

    def _would_repeat(self, verdict: RollBack) -> bool:
        """Tell whether a turn, taken back, is sure to be written again.

        So it is where the model has been told that before, and tokens are not drawn by chance.
        """
        told = self._trajectory.entries[-2].text == verdict.told
        return told and self._runtime.sampling.temperature == 0

    def _take_back(self, verdict: RollBack) -> Steps[None]:
        """Roll the turn back and tell the model why, unless that stands there already."""
        trajectory = self._trajectory
        self._session.rollback(self._session.spans[-1])
        told = "" if trajectory.entries[-2].text == verdict.told else verdict.told
        if told:
            yield from self._runtime.place(Entry(SpanKind.RESULT, told))
        yield self._runtime.emit(TurnRolledBack(trajectory.step, verdict.reason, told))

    def _comment(self) -> Steps[None]:
        """Let the guards comment on what the last call brought."""
        verdict = judge_result(self._trajectory, self._profile)
        if isinstance(verdict, Nudge):
            yield from self._runtime.place(Entry(SpanKind.RESULT, verdict.told))
            yield self._runtime.emit(Nudged(self._trajectory.step, verdict.reason, verdict.told))

    def _listen(self) -> Steps[None]:
        """Show the model what the user has said meanwhile."""
        inbox = self._runtime.signals.inbox
        while not inbox.empty():
            text, number = inbox.get()
            prompt = self._profile.prompts.steered.format(text=text).strip()
            yield from self._runtime.place(Entry(SpanKind.QUESTION, prompt))
            yield self._runtime.emit(UserSpoke(self._trajectory.step, text, prompt, number))

    # Tools

    def _carry_out(self, call: ToolCall) -> Steps[None]:
        """Run a tool and show the model its result; one that was called off is still to be run."""
        trajectory, emit = self._trajectory, self._runtime.emit
        known = len(trajectory.evidence)
        failed = False
        try:
            tool = self._runtime.toolbox.tool(call)
            result = tool.run(call.arguments, self._tool_context(call))
        except (ToolError, Unreachable, ValidationError) as error:
            if self._is_called_off():
                yield TextAppeared(trajectory.step, "", "forced")  # nothing that is stored
                return
            result = ToolResult(render_failure(call, _explained(error)))
            failed = True
        for exhibit in trajectory.evidence.since(known):
            yield emit(added(trajectory.step, exhibit))
        yield from self._runtime.place(Entry(SpanKind.RESULT, result.text, result.shown))
        yield emit(
            ToolAnswered(trajectory.step, call.tool, result.text, result.keys, failed, result.shown)
        )

    def _tool_context(self, call: ToolCall) -> ToolContext:
        gathering = self._profile.gathering
        return ToolContext(
            library=self._runtime.library,
            evidence=self._trajectory.evidence,
            question=self._trajectory.started.question,
            said=tuple(self._trajectory.said),
            count=self._session.count,
            results=gathering.results,
            named=gathering.named,
            tokens=gathering.result_tokens,
            visible=self._trajectory.visible,
            earlier=self._earlier(call),
            stopped=self._is_called_off,
        )

    def _is_called_off(self) -> bool:
        """Tell whether nobody waits any longer for what a tool does."""
        return self._runtime.signals.given_up.is_set() or self._runtime.stopped() is not None

    def _earlier(self, call: ToolCall) -> tuple[EarlierCall, ...]:
        """Return the calls of the same tool before this one that did not fail, oldest first."""
        known = 0
        earlier = []
        for made in self._trajectory.all_calls[:-1]:
            same = (made.call.server, made.call.tool) == (call.server, call.tool)
            if same and not made.failed:
                earlier.append(EarlierCall(made.call.arguments, known))
            known += made.found
        return tuple(earlier)


def call_limit(max_calls: int, profile: Profile) -> str:
    """Return what a run that has made all its calls has come up against."""
    return USUAL_DEPTH if max_calls == profile.gathering.calls else CALL_LIMIT


def _explained(error: ToolError | Unreachable | ValidationError) -> str:
    """Return why a call failed, in one line that the model can use."""
    if isinstance(error, ValidationError):
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return "; ".join(faults)
    return str(error)
