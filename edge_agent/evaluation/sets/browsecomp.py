"""BrowseComp: `problem`, `answer` and `canary`, the first two encrypted with the third."""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.encryption import canary_key, decrypted
from edge_agent.evaluation.sets.format import Format, Record, has, text_of


def _recognises(record: Record) -> bool:
    return has(record, "problem", "answer", "canary")


def _read(record: Record, number: int) -> Question:
    key = canary_key(text_of(record, "canary"))
    return Question(
        id=str(number),
        text=decrypted(text_of(record, "problem"), key),
        answers=(decrypted(text_of(record, "answer"), key),),
        type=str(record.get("problem_topic") or ""),
    )


FORMAT = Format("browsecomp", _recognises, _read, judging="browsecomp")
