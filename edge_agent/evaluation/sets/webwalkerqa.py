"""WebWalkerQA: `question`, `answer`, `root_url` and `info`, whatever the case of their names."""

from __future__ import annotations

from typing import Any

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, has, text_of


def _recognises(record: Record) -> bool:
    return has(_in_lower_case(record), "question", "answer", "root_url")


def _read(record: Record, number: int) -> Question:
    known = _in_lower_case(record)
    info = _in_lower_case(known.get("info"))
    return Question(
        id=str(number),
        text=text_of(known, "question"),
        answers=(text_of(known, "answer"),),
        type=str(info.get("difficulty_level") or "").lower(),
    )


def _in_lower_case(record: Any) -> Record:
    """Return a record with its fields' names in lower case; of anything else, an empty one."""
    if not isinstance(record, dict):
        return {}
    return {str(key).lower(): value for key, value in record.items()}


FORMAT = Format("webwalkerqa", _recognises, _read)
