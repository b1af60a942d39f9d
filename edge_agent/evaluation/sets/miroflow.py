"""The form in which MiroThinker's own benchmarks are handed on: `standardized_data.jsonl`.

Fields: `task_id`, `task_question`, `ground_truth`, `file_path`, `metadata`.
"""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import (
    WITH_FILE,
    Format,
    LeftOut,
    Record,
    has,
    is_given,
    text_of,
)


def _recognises(record: Record) -> bool:
    return has(record, "task_question", "ground_truth")


def _read(record: Record, number: int) -> Question | LeftOut:
    if is_given(record, "file_path"):
        return WITH_FILE
    metadata = record.get("metadata")
    level = metadata.get("Level") if isinstance(metadata, dict) else None
    return Question(
        id=text_of(record, "task_id") if is_given(record, "task_id") else str(number),
        text=text_of(record, "task_question"),
        answers=(text_of(record, "ground_truth"),),
        type=f"level {level}" if level else "",
    )


FORMAT = Format(
    "miroflow",
    _recognises,
    _read,
    benchmarks=("gaia", "hle", "browsecomp", "simpleqa", "xbench"),
)
