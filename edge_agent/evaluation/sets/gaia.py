"""GAIA: `metadata.jsonl` of the validation split, and the list of its 103 questions without files.

Fields: `task_id`, `Question`, `Level`, `Final answer` (`answer` in the list of 103), `file_name`.
Questions that come with a file are left out, and those of the test split, whose answers are `?`.
"""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import (
    WITH_FILE,
    WITHOUT_ANSWER,
    Format,
    LeftOut,
    Record,
    has,
    is_given,
    text_of,
)

_ANSWERS = ("Final answer", "Final Answer", "answer")


def _recognises(record: Record) -> bool:
    return has(record, "Question", "Level") and any(field in record for field in _ANSWERS)


def _read(record: Record, number: int) -> Question | LeftOut:
    if is_given(record, "file_name"):
        return WITH_FILE
    answer = text_of(record, *_ANSWERS)
    if answer == "?":
        return WITHOUT_ANSWER
    return Question(
        id=text_of(record, "task_id", "id") if has(record, "task_id") else str(number),
        text=text_of(record, "Question"),
        answers=(answer,),
        type=f"level {text_of(record, 'Level')}",
    )


FORMAT = Format("gaia", _recognises, _read, judging="gaia")
