"""The teacher: decides each step of a run from what it knows, and only what the run has earned."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import islice

from lessons import Lesson, Need, mentioned, queries

from edge_agent.checking.citing import is_verdict
from edge_agent.checking.dates import dates
from edge_agent.checking.wording import content_words, states, words
from edge_agent.evaluation.withholding import Withholding
from edge_agent.events import Event, Quote, RunStarted, TurnStarted
from edge_agent.guards import patience
from edge_agent.index import Passage
from edge_agent.models import Sample
from edge_agent.profiles import Profile, load_profile
from edge_agent.trajectory import Trajectory
from edge_agent.turns import HAVE_ENOUGH, MISSING, NOTHING_HELPS

NOT_FOUND = "not found"

_HONEST = 2
"""Searches for a document that the library does not have, before it is given up."""
_STUMBLES = 0.4
"""How likely, at each chance, a query is made that finds nothing; once in a run at most."""
_RELATED = 3
"""Words that a sentence shares with the question where it is worth a quote before its turn came."""


class Unteachable(Exception):
    """The teacher knows no honest next step: the lesson is dropped."""


def lesson_profile(name: str) -> Profile:
    """Return the profile under which lessons are made: that of the student, but nothing leads it.

    Where it is stuck the program leads it; what it is to learn is a way out of its own. Raises
    ProfileError.
    """
    profile = load_profile(name)
    gathering = profile.gathering.model_copy(update={"leads": "never"})
    return profile.model_copy(update={"gathering": gathering})


class Teacher:
    """Decides what is quoted, looked up and answered in one run of one lesson."""

    def __init__(
        self, lesson: Lesson, library: Withholding, profile: Profile, chance: random.Random | None
    ) -> None:
        """Teach `lesson` over `library`, for an agent that is led by `profile`.

        Now and then, by `chance`, a query that finds nothing comes first; None is never.
        """
        self._lesson = lesson
        self._library = library
        self._hidden = library.hidden
        self._results = profile.gathering.results
        self._patience = patience(profile, profile.gathering.calls)
        self._chance = chance
        self._trajectory: Trajectory | None = None
        self._lines: list[str] = []
        self._query = ""
        self._reading: dict[str, object] | None = None
        self._vain: set[str] = set()
        """Queries that were made although they find nothing: to be followed by a better one."""
        self.is_learned = True
        """Whether what was decided last is to be learned: a query in vain is not."""

    def watch(self, event: Event) -> None:
        """Take an event of the run into account, before the next one happens."""
        if isinstance(event, RunStarted):
            self._trajectory = Trajectory.of([event])
        elif self._trajectory is not None:
            self._trajectory.apply(event)
        if isinstance(event, TurnStarted):
            self._lines = []

    @property
    def trajectory(self) -> Trajectory:
        """Where the run stands."""
        assert self._trajectory is not None
        return self._trajectory

    # What a pen does

    def choose(self, options: Sequence[str]) -> str:
        """Return a sentence to quote, how the turn goes on, or a tool."""
        self.is_learned = True
        if len(options) == 1:
            return options[0]
        if MISSING in options or NOTHING_HELPS in options:
            line = self._line(options)
            self._lines.append(line)
            return line
        tool = "search" if self._reading is None else "read"
        for option in options:
            if f"<tool_name>{tool}</tool_name>" in option:
                return option
        raise Unteachable("the profile asks for what the teacher does not know")

    def write(self, step: Sample) -> str:
        """Return a query, the arguments of a call, or the answer."""
        self.is_learned = True
        if "}" in step.stop:
            return self._answer() + "}"
        if "\n" in step.stop:
            self.is_learned = self._query not in self._vain
            return f" {self._query}\n"
        return json.dumps(self._reading, ensure_ascii=False)

    # Quotes and queries

    def _line(self, options: Sequence[str]) -> str:
        """Return the next line of a turn: a quote, what is missing, or that it is enough."""
        quotable = self.trajectory.quotable
        helpful = [line for line in options if line in quotable and self._helps(quotable[line])]
        if helpful:
            return max(helpful, key=lambda line: self._worth(quotable[line]))
        if NOTHING_HELPS in options:
            if any(line in quotable and self._answers(quotable[line]) for line in options):
                raise Unteachable("another sentence than the evidence states the answer")
            return NOTHING_HELPS
        if not self._open_needs():
            return HAVE_ENOUGH
        return self._ask(options)

    def _ask(self, options: Sequence[str]) -> str:
        """Decide on the next call; where none is honest or allowed, the library does not say."""
        if HAVE_ENOUGH in options and self._hidden and self._is_out_of_patience():
            return HAVE_ENOUGH
        for need in self._open_needs():
            self._reading = self._further(need)
            if self._reading is not None:
                self._query = str(self._reading["about"])
                return MISSING
            query = self._next_query(need)
            if query is not None:
                self._query = query
                return MISSING
        if HAVE_ENOUGH in options and self._hidden:
            return HAVE_ENOUGH
        raise Unteachable("no query finds what is missing")

    def _is_out_of_patience(self) -> bool:
        """Tell whether the agent would refuse another call: the last ones brought nothing."""
        last = self.trajectory.calls[-self._patience :]
        helped = bool(self._turn_quotes()) or any(each.quoted for each in last)
        return len(last) == self._patience and not helped

    def _next_query(self, need: Need) -> str | None:
        """Return a query that finds a document, now and then after one that does not, or None."""
        made = {
            content_words(str(each.call.arguments.get("query", "")))
            for each in self.trajectory.calls
        }
        hidden = need.document in self._hidden
        for query in islice(self._queries(need), _HONEST if hidden else None):
            if content_words(query) in made:
                continue
            if hidden or self._finds(query, need):
                return query
            if self._chance and not self._vain and self._chance.random() < _STUMBLES:
                self._vain.add(query)
                return query
        return None

    def _queries(self, need: Need) -> Iterator[str]:
        read = " ".join(line.replace(": ", " ", 1) for line in self._quoted())
        evidence = " ".join(need.sentences) or need.says
        yield from dict.fromkeys(queries(need, self._lesson.question, read, evidence))

    def _further(self, need: Need) -> dict[str, object] | None:
        """Return a call that reads on in a document that was found, but not where it matters."""
        trajectory = self.trajectory
        found = [
            each for each in trajectory.evidence.since(0) if each.passage.document == need.document
        ]
        read = [each for each in trajectory.calls if each.call.tool == "read"]
        if not found or len(read) > 1 or not self._timely(need, ""):
            return None
        about = (
            need.ask
            if need.ask and not self._unknown(need.ask)
            else " ".join(
                word for word in self._lesson.question.rstrip("?").split() if content_words(word)
            )
        )
        call: dict[str, object] = {"source": found[0].key, "about": about}
        return None if any(each.call.arguments == call for each in read) else call

    def _unknown(self, text: str) -> bool:
        """Tell whether a text has words that nobody can have read yet."""
        seen = content_words(" ".join([self._lesson.question, *self._quoted()]))
        return not content_words(text) <= seen

    # What the teacher knows

    def _open_needs(self) -> list[Need]:
        """Return the documents that nothing was quoted of, in this turn or before."""
        quotes = [*self.trajectory.quotes, *self._turn_quotes()]
        return [
            need
            for need in self._lesson.needs
            if not any(self._of(quote, need) and need.met_by(quote.sentence) for quote in quotes)
        ]

    def _helps(self, quote: Quote) -> bool:
        """Tell whether a sentence is evidence for a need that is open, and its turn has come."""
        return any(
            self._of(quote, need)
            and need.met_by(quote.sentence)
            and self._timely(need, quote.sentence)
            for need in self._open_needs()
        )

    def _answers(self, quote: Quote) -> bool:
        """Tell whether a sentence of a document that is still needed states the answer.

        It is not the evidence: sources name one sentence where others may say the same.
        """
        lesson = self._lesson
        return (
            not is_verdict(lesson.question, lesson.answers[0])
            and any(
                self._of(quote, need) and not need.met_by(quote.sentence)
                for need in self._open_needs()
            )
            and any(states(quote.sentence, answer) for answer in lesson.answers)
        )

    def _timely(self, need: Need, sentence: str) -> bool:
        """Tell whether one can see by now what a document is good for."""
        if len(self._lesson.needs) == 1:
            return True
        seen = " ".join([self._lesson.question, *self._quoted()])
        if mentioned(need.name, seen) is not None or need.can_be_asked(seen):
            return True
        asked = content_words(self._lesson.question)
        return len(asked & content_words(f"{need.title} {sentence}")) >= _RELATED

    def _worth(self, quote: Quote) -> int:
        """Return how much a sentence says: the answer, or where the chain goes on."""
        others = [need.name for need in self._lesson.needs if not self._of(quote, need)]
        asks = (need.ask for need in self._lesson.needs if self._of(quote, need))
        asked = content_words(" ".join([self._lesson.question, *asks]))
        shared = asked & content_words(quote.sentence)
        states_answer = any(states(quote.sentence, answer) for answer in self._lesson.answers)
        goes_on = any(mentioned(name, quote.sentence) is not None for name in others)
        return len(shared) + _RELATED * (2 * states_answer + goes_on)

    def _of(self, quote: Quote, need: Need) -> bool:
        exhibit = self.trajectory.evidence.get(quote.key)
        return exhibit is not None and exhibit.passage.document == need.document

    def _quoted(self) -> list[str]:
        """Return the lines that were quoted, in this turn too."""
        trajectory = self.trajectory
        return [trajectory.line_of(quote) for quote in [*trajectory.quotes, *self._turn_quotes()]]

    def _turn_quotes(self) -> list[Quote]:
        quotable = self.trajectory.quotable
        return [quotable[line] for line in self._lines if line in quotable]

    def _finds(self, query: str, need: Need) -> bool:
        """Tell whether a search shows the document."""
        found = self._library.search(query, self._results)
        return any(hit.passage.document == need.document for _, hit in found)

    # The answer

    def _answer(self) -> str:
        """Return the answer that the passages in view allow."""
        reading = self.trajectory.reading
        assert reading is not None
        exhibits = (self.trajectory.evidence.get(key) for key in reading.keys)
        passages = [each.passage for each in exhibits if each is not None]
        if is_stated_elsewhere(self._lesson, passages):
            raise Unteachable("a passage that is no evidence states the answer")
        return answer_from(self._lesson, passages)


class Reader:
    """Answers a lesson from passages, and decides on nothing else."""

    is_learned = True

    def __init__(self, answer: str) -> None:
        """Answer `answer`."""
        self._answer = answer

    def choose(self, options: Sequence[str]) -> str:
        """Never asked: the answer is free text."""
        raise AssertionError("a reading leaves nothing to choose")

    def write(self, step: Sample) -> str:
        """Return the answer, and the end of its box."""
        return self._answer + "}"


def is_stated_elsewhere(lesson: Lesson, passages: Sequence[Passage]) -> bool:
    """Tell whether documents that are needed are missing, and those in view say it all the same.

    Corpora hold some texts twice: that nothing is found would be wrong then. Of the only document
    it is the answer; where several are needed, a passage with the words of the answer need not say
    that it is one, and the very sentences count. Where the evidence in view states the answer,
    others may only have been needed to be sure.
    """
    shown = {each.document for each in passages}
    missing = [need for need in lesson.needs if need.document not in shown]
    if missing and len(missing) < len(lesson.needs) and _is_told(lesson, passages):
        return True
    if len(lesson.needs) == 1 and missing:
        return any(states(each.text, answer) for each in passages for answer in lesson.answers)
    return bool(missing) and all(
        need.sentences and any(need.met_by(each.text) for each in passages) for need in missing
    )


def _is_told(lesson: Lesson, passages: Sequence[Passage]) -> bool:
    """Tell whether a sentence that is evidence, in its document, states an answer."""
    if is_verdict(lesson.question, lesson.answers[0]):
        return False
    parts = ((each.document, each.text) for each in passages)
    return any(
        need.document == document
        and sentence in " ".join(text.split())
        and states(sentence, answer)
        for document, text in parts
        for need in lesson.needs
        for sentence in need.sentences
        for answer in lesson.answers
    )


def answer_from(lesson: Lesson, passages: Sequence[Passage]) -> str:
    """Return the answer where all that it needs is among `passages`, else that it is not there."""
    text = " ".join(f"{passage.title}: {passage.text}" for passage in passages)
    if not all(_is_in(passages, need) for need in lesson.needs):
        return NOT_FOUND
    stated = [answer for answer in lesson.answers if states(text, answer)]
    spelt = [
        date for date in dates(text) if sorted(words(date)) == sorted(words(lesson.answers[0]))
    ]
    verdict = lesson.answers[:1] if is_verdict(lesson.question, lesson.answers[0]) else ()
    return next(iter((*stated, *spelt, *verdict)), NOT_FOUND)


def _is_in(passages: Sequence[Passage], need: Need) -> bool:
    """Tell whether what a document is needed for is in view, as far as that is known."""
    parts = [passage for passage in passages if passage.document == need.document]
    if not (need.sentences or need.says):
        return bool(parts)
    return any(need.met_by(passage.text) for passage in parts)
