"""SimpleQA: `problem`, `answer` and `metadata`, a Python dictionary with `topic`, as text."""

from __future__ import annotations

import ast

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, has, text_of


def _recognises(record: Record) -> bool:
    return has(record, "problem", "answer") and "canary" not in record


def _read(record: Record, number: int) -> Question:
    return Question(
        id=str(number),
        text=text_of(record, "problem"),
        answers=(text_of(record, "answer"),),
        type=_topic(record),
    )


def _topic(record: Record) -> str:
    metadata = record.get("metadata") or {}
    if isinstance(metadata, str):
        try:
            metadata = ast.literal_eval(metadata)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return ""
    topic = metadata.get("topic") if isinstance(metadata, dict) else None
    return str(topic or record.get("topic") or "")


FORMAT = Format("simpleqa", _recognises, _read, judging="simpleqa")
