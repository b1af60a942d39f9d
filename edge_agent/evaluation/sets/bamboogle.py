"""Bamboogle: a table of `Question` and `Answer`, and in some copies a second answer."""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, has, is_given, text_of

_ANSWERS = ("Answer", "Answer 2")


def _recognises(record: Record) -> bool:
    return has(record, "Question", "Answer") and "canary" not in record


def _read(record: Record, number: int) -> Question:
    answers = [text_of(record, field) for field in _ANSWERS if is_given(record, field)]
    if not answers:
        raise KeyError(_ANSWERS[0])
    return Question(
        id=str(number), text=text_of(record, "Question"), answers=tuple(answers), hops=2
    )


FORMAT = Format("bamboogle", _recognises, _read)
