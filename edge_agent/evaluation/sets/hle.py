"""Humanity's Last Exam: `id`, `question`, `answer`, `answer_type`, `category`, `image`.

Questions that come with a picture are left out: the rest is what is reported as its text part.
"""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import (
    WITH_PICTURE,
    Format,
    LeftOut,
    Record,
    has,
    is_given,
    text_of,
)


def _recognises(record: Record) -> bool:
    return has(record, "question", "answer", "answer_type")


def _read(record: Record, number: int) -> Question | LeftOut:
    if is_given(record, "image"):
        return WITH_PICTURE
    return Question(
        id=text_of(record, "id") if has(record, "id") else str(number),
        text=text_of(record, "question"),
        answers=(text_of(record, "answer"),),
        type=str(record.get("category") or ""),
    )


FORMAT = Format("hle", _recognises, _read, judging="hle")
