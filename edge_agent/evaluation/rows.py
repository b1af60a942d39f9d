"""What came of one question under one condition, scored; a line of the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from edge_agent.evaluation.metrics import exact_match, f1
from edge_agent.evaluation.questions import Question
from edge_agent.events import (
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    Status,
    StepMeasured,
    TokenCounts,
)
from edge_agent.index.passages import short_title


@dataclass(frozen=True, slots=True)
class Row:
    """A question, its answer, how right that is and what it cost; scores are shares from 0 to 1."""

    id: str
    """Of the question."""
    question: str
    type: str
    """The kind of the question."""
    answers: tuple[str, ...]
    """The accepted ones; none where the right thing is to give none."""
    status: Status
    answer: str | None
    gold: int
    """Documents that are known to hold the evidence; 0 where that is not known."""
    evidence_recall: float | None
    """Share of them that was found; None where they are not known."""
    cited: int
    """Passages that the answer cites."""
    cited_gold: int
    """Passages among these that belong to documents with the evidence."""
    citation_recall: float | None
    """Share of the documents with the evidence that the answer cites."""
    calls: int
    seconds: float
    tokens: TokenCounts
    peak: int
    """The most resident memory at the end of a step, in bytes; 0 where it was not measured."""
    reason: str
    """Why the run ended."""
    run: str
    judged: bool | None = None
    """What the judge says, if there is one and it can be understood."""
    verdict: str = ""
    """What the judge wrote."""
    judge_failed: str = ""
    """Why the judge could not be asked; older versions kept that as the verdict."""
    taken_from: str = ""
    """The evaluation that this run was made in, where it would be the same run here."""
    cut_from: str = ""
    """The evaluation whose run, allowed more, this one was cut from; its answer may be its own."""

    @property
    def em(self) -> bool:
        """Whether the answer is an accepted one; a run that failed is not saying that none is."""
        return self.status != "failed" and exact_match(self.answer, self.answers)

    @property
    def f1(self) -> float:
        """The F1 of the words of the answer against the nearest accepted one."""
        return 0.0 if self.status == "failed" else f1(self.answer, self.answers)

    @property
    def is_answerable(self) -> bool:
        """Whether there is a right answer."""
        return bool(self.answers)

    @property
    def abstained(self) -> bool:
        """Whether it was said that there is no answer; a run that failed said nothing."""
        return self.answer is None and self.status != "failed"


def scored(question: Question, events: Sequence[Event]) -> Row:
    """Score a finished run over a question."""
    started, done = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert isinstance(done, RunFinished)
    found = {event.key: event for event in events if isinstance(event, EvidenceAdded)}
    cited = [found[each.key] for each in done.citations if each.key in found]
    measured = [event.resident for event in events if isinstance(event, StepMeasured)]
    gold = question.gold
    return Row(
        id=question.id,
        question=question.text,
        type=question.kind,
        answers=question.answers,
        status=done.status,
        answer=done.answer,
        gold=len(gold),
        evidence_recall=_recall(found.values(), question),
        cited=len(cited),
        cited_gold=sum(_name(each, question) in _names(question) for each in cited),
        citation_recall=_recall(cited, question),
        calls=done.calls,
        seconds=done.seconds,
        tokens=done.tokens,
        peak=max(measured, default=0),
        reason=done.reason,
        run=started.run,
    )


def to_line(row: Row) -> dict[str, Any]:
    """Return a row as a JSON-ready dictionary, with its scores for whoever reads the lines."""
    return {**asdict(row), "em": row.em, "f1": row.f1}


def from_line(line: dict[str, Any]) -> Row:
    """Return the row of a dictionary made by `to_line`, also after a trip through JSON.

    What is not known here is left out, and scores are reckoned anew: rows of all versions are
    scored alike. Raises KeyError and TypeError for what is no row.
    """
    known = {each.name: line[each.name] for each in fields(Row) if each.name in line}
    tokens = TokenCounts(**line["tokens"])
    return Row(**{**known, "answers": tuple(line["answers"]), "tokens": tokens})


def _recall(shown: Iterable[EvidenceAdded], question: Question) -> float | None:
    names = _names(question)
    if not names:
        return None
    return len(names & {_name(each, question) for each in shown}) / len(names)


def _names(question: Question) -> frozenset[str]:
    if question.gold_by == "id":
        return question.gold
    return frozenset(map(_title, question.gold))


def _name(evidence: EvidenceAdded, question: Question) -> str:
    """Return what a passage's document is known by."""
    return evidence.document if question.gold_by == "id" else _title(evidence.title)


def _title(title: str) -> str:
    """Return what a title is compared by, also one that an older version has put into an index."""
    return short_title(title).casefold()
