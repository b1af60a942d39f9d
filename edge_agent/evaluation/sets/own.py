"""Our own format: JSON lines of `question` and `answer` or `answers`, with `gold` if it is known.

More fields are understood: `id`, `split`, `answer_aliases`, `answerable` (or SQuAD's
`is_impossible`), `gold_titles`, `type`, `hops`. An empty list of answers means that the documents
do not say; `answer` may be a list as well. A `corpus.jsonl` beside the questions is what they are
asked over.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, as_text, is_given, text_of
from edge_agent.index import Source

_CORPUS = "corpus.jsonl"


def _recognises(record: Record) -> bool:
    return "question" in record and ("answer" in record or "answers" in record)


def _read(record: Record, number: int) -> Question:
    titles = _texts(record, "gold_titles")
    return Question(
        id=text_of(record, "id") if is_given(record, "id") else str(number),
        text=text_of(record, "question"),
        answers=() if _is_unanswerable(record) else _answers(record),
        gold=frozenset(titles or _texts(record, "gold")),
        gold_by="title" if titles else "id",
        split=str(record.get("split") or ""),
        type=str(record.get("type") or ""),
        hops=int(record["hops"]) if is_given(record, "hops") else None,
    )


def _answers(record: Record) -> tuple[str, ...]:
    found = _texts(record, "answers")
    if not found and ("answer" in record or record.get("answers") is None):
        several = isinstance(record["answer"], list)
        found = _texts(record, "answer") if several else (text_of(record, "answer"),)
    return tuple(dict.fromkeys([*found, *_texts(record, "answer_aliases")])) if found else ()


def _is_unanswerable(record: Record) -> bool:
    return _says(record, "answerable", "false") or _says(record, "is_impossible", "true")


def _says(record: Record, field: str, word: str) -> bool:
    """Tell whether a field says yes or no, as JSON does or as a table."""
    return str(record.get(field)).strip().lower() == word


def _texts(record: Record, field: str) -> tuple[str, ...]:
    """Return the texts of a list. Raises ValueError for anything else."""
    found = record.get(field) or ()
    if not isinstance(found, list | tuple):
        raise ValueError(f"its '{field}' is no list")
    return tuple(as_text(each, field) for each in found)


def _corpus(file: Path) -> Source | None:
    corpus = file.parent / _CORPUS
    return Source(corpus) if corpus.is_file() else None


FORMAT = Format("own", _recognises, _read, corpus=_corpus)
