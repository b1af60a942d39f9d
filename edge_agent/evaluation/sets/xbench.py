"""xbench-DeepSearch: `id`, `prompt`, `type`, `answer`, `canary`; prompt and answer are encrypted.

The key is the canary itself, not its hash.
"""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.encryption import decrypted
from edge_agent.evaluation.sets.format import Format, Record, has, is_given, text_of


def _recognises(record: Record) -> bool:
    return has(record, "prompt", "answer", "canary")


def _read(record: Record, number: int) -> Question:
    key = text_of(record, "canary").encode("utf-8")
    return Question(
        id=text_of(record, "id") if is_given(record, "id") else str(number),
        text=decrypted(text_of(record, "prompt"), key),
        answers=(decrypted(text_of(record, "answer"), key),),
        type=str(record.get("type") or ""),
    )


FORMAT = Format("xbench", _recognises, _read, judging="xbench")
