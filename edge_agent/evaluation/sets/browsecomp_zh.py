"""BrowseComp-ZH: `Topic`, `Question` and `Answer`, encrypted with `canary` as BrowseComp is."""

from __future__ import annotations

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.encryption import canary_key, decrypted
from edge_agent.evaluation.sets.format import Format, Record, has, is_given, text_of


def _recognises(record: Record) -> bool:
    return has(record, "Question", "Answer", "canary")


def _read(record: Record, number: int) -> Question:
    key = canary_key(text_of(record, "canary"))
    return Question(
        id=str(number),
        text=decrypted(text_of(record, "Question"), key),
        answers=(decrypted(text_of(record, "Answer"), key),),
        type=decrypted(text_of(record, "Topic"), key) if is_given(record, "Topic") else "",
    )


FORMAT = Format("browsecomp-zh", _recognises, _read, judging="browsecomp")
