"""Answering: the answer is read from the passages that were found, and checked against them."""

from __future__ import annotations

from edge_agent.checking.claims import UNANSWERED, Verification, verified, worked_out
from edge_agent.checking.comparisons import Comparison, compared
from edge_agent.checking.wording import states, words
from edge_agent.events import AttemptFinished, ReadingStarted, Status
from edge_agent.evidence import Exhibit
from edge_agent.models import Plan, SpanKind
from edge_agent.models.chat_reply import OnlyThought
from edge_agent.profiles import ReadingSettings
from edge_agent.protocol import parse
from edge_agent.reading import reading_list, reading_prompt, reply_plan
from edge_agent.reasons import CUT_SHORT
from edge_agent.runtime import Runtime, Steps
from edge_agent.trajectory import Entry
from edge_agent.turns import answer_turn, chosen_answer_turn

_SAID_SHARE = 4
"""The share of a window, as its divisor, that what the user said may take up where it is read."""


class Answering:
    """Takes the step of a trajectory that comes to an answer."""

    def __init__(self, runtime: Runtime) -> None:
        """Go on from where the trajectory at `runtime` stands."""
        self._runtime = runtime
        self._session = runtime.session
        self._profile = runtime.profile
        self._trajectory = runtime.trajectory

    def events(self) -> Steps[None]:
        """Find the answer and check it; nothing found is no answer. Raises ModelError."""
        exhibits = self._exhibits()
        answer = (yield from self._answer(exhibits)) if exhibits else None
        yield self._runtime.emit(self._attempted(answer, exhibits))

    def _exhibits(self) -> tuple[Exhibit, ...]:
        """Return the passages to answer from: those that are being read already, if any are."""
        trajectory = self._trajectory
        if trajectory.reading is None or not trajectory.reading.system:
            return reading_list(trajectory, self._reading, self._session.count)
        found = map(trajectory.evidence.get, trajectory.reading.keys)
        return tuple(exhibit for exhibit in found if exhibit is not None)

    def _answer(self, exhibits: tuple[Exhibit, ...]) -> Steps[str | None]:
        """Return the answer given already, or have it written; None where there is none."""
        trajectory = self._trajectory
        answer = None if self._profile.reading.at_end else self._given()
        if answer is not None:
            return answer
        if trajectory.reading is None:
            yield from self._begin(exhibits)
        while True:
            if trajectory.reply is None:
                assert trajectory.reading is not None
                self._runtime.open(self._entries(trajectory.reading))
                try:
                    yield from self._runtime.turn(self._plan(exhibits))
                except OnlyThought:
                    if trajectory.tries >= self._profile.reading.tries:
                        raise
                    yield from self._begin(exhibits)
                    continue  # by chance the next thought is shorter
            yield from self._runtime.measure()
            answer = parse(trajectory.reply or "").answer
            if answer is not None or trajectory.tries >= self._profile.reading.tries:
                return answer
            yield from self._begin(exhibits)

    @property
    def _reading(self) -> ReadingSettings:
        """How the answer is read: from no more than the window has room for."""
        reading, prompts = self._profile.reading, self._profile.prompts
        empty = ReadingStarted(0, (), prompts.reader, reading_prompt((), self._question, prompts))
        room = self._runtime.room_beside(*self._entries(empty)) - reading.answer_tokens
        return reading.model_copy(update={"tokens": min(reading.tokens, room)})

    @property
    def _question(self) -> str:
        """The question with what the user said after it, the latest of that in a small window."""
        question, said = self._trajectory.started.question, self._trajectory.said
        most = self._session.context // _SAID_SHARE
        kept = next(
            n for n in range(len(said) + 1) if self._session.count("\n".join(said[n:])) <= most
        )
        return "\n".join([question, *said[kept:]])

    def _compared(self, exhibits: tuple[Exhibit, ...]) -> Comparison | None:
        """Return how dates compare that the question asks to compare, where that is sure.

        It is not where the user said more: that may change what is asked.
        """
        if self._trajectory.said or not self._profile.reading.at_end:
            return None
        return compared(self._trajectory.started.question, exhibits)

    def _plan(self, exhibits: tuple[Exhibit, ...]) -> Plan:
        """Plan the answer to what is shown; a comparison of dates leaves nothing to choose."""
        reading = self._trajectory.reading
        assert reading is not None
        if reading.system:
            comparison = self._compared(exhibits)
            if comparison is not None:
                return chosen_answer_turn(self._profile.prompts.answer, (comparison.answer,))
            return reply_plan(self._trajectory.started.question, reading.prompt, self._profile)
        return answer_turn(self._profile.prompts.answer, self._profile.reading.answer_tokens)

    def _given(self) -> str | None:
        """Return the answer in the last turn of the window, or None."""
        turns = [e.text for e in self._trajectory.entries if e.kind is SpanKind.TURN]
        return parse(turns[-1]).answer if turns else None

    def _begin(self, exhibits: tuple[Exhibit, ...]) -> Steps[None]:
        """Show the passages whole with nothing else in view; or ask in the window as it is."""
        prompts, step = self._profile.prompts, self._trajectory.step
        question = self._question
        if self._profile.reading.at_end:
            prompt = reading_prompt(exhibits, question, prompts)
            keys = tuple(exhibit.key for exhibit in exhibits)
            started = ReadingStarted(step, keys, prompts.reader.strip(), prompt)
            self._runtime.open(self._entries(started))
        else:
            prompt = prompts.finish.format(question=question).strip()
            started = ReadingStarted(step, (), "", prompt)
            self._runtime.open(self._trajectory.entries)
            asking = Entry(SpanKind.QUESTION, prompt)
            yield from self._runtime.place(asking, self._profile.reading.answer_tokens)
        yield self._runtime.emit(started)

    def _entries(self, started: ReadingStarted) -> list[Entry]:
        """Return what stands in the window while the answer is read."""
        if not started.system:
            return self._trajectory.entries
        return [Entry(SpanKind.SYSTEM, started.system), Entry(SpanKind.QUESTION, started.prompt)]

    def _is_unknown(self, answer: str, exhibits: tuple[Exhibit, ...]) -> bool:
        """Tell whether an answer says that the passages do not say, and is not what they say."""
        unknown = self._profile.prompts.unknown
        if not states(answer, unknown):
            return False
        told = any(states(exhibit.passage.text, answer) for exhibit in exhibits)
        return words(answer) == words(unknown) or not told

    def _checked(self, answer: str, exhibits: tuple[Exhibit, ...]) -> Verification:
        """Check an answer: one that was worked out rests on what it was worked out from."""
        trajectory, comparison = self._trajectory, self._compared(exhibits)
        if comparison is not None and comparison.answer == answer:
            return worked_out(answer, comparison.grounds)
        if self._is_unknown(answer, exhibits):
            return UNANSWERED
        question, quotes = trajectory.started.question, trajectory.quotes
        seen = exhibits if self._profile.reading.at_end else trajectory.evidence.since(0)
        return verified(question, answer, quotes, seen, self._runtime.library.embedder)

    def _attempted(self, answer: str | None, exhibits: tuple[Exhibit, ...]) -> AttemptFinished:
        """Check an answer against the passages; one that nothing supports is not given."""
        trajectory = self._trajectory
        checked = UNANSWERED if answer is None else self._checked(answer, exhibits)
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
