"""MultiHop-RAG: `query`, `answer`, `question_type`, `evidence_list`; articles are in `corpus.json`.

Evidence is known by the titles of the articles. The right answer to a `null_query` is none.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, has, text_of
from edge_agent.index import RecordFields, Source

_CORPUS = "corpus.json"
_UNANSWERABLE = "null_query"


def _recognises(record: Record) -> bool:
    return has(record, "query", "answer", "evidence_list")


def _read(record: Record, number: int) -> Question:
    kind = str(record.get("question_type") or "")
    evidence = [text_of(each, "title") for each in record["evidence_list"]]
    return Question(
        id=str(number),
        text=text_of(record, "query"),
        answers=() if kind == _UNANSWERABLE else (text_of(record, "answer"),),
        gold=frozenset(evidence),
        gold_by="title",
        type=kind.removesuffix("_query"),
        hops=len(set(evidence)) or None,
    )


def _corpus(file: Path) -> Source | None:
    corpus = file.parent / _CORPUS
    return (
        Source(corpus, fields=RecordFields(title="title", text=("body",)))
        if (corpus.is_file())
        else None
    )


FORMAT = Format("multihop-rag", _recognises, _read, corpus=_corpus)
