"""Our own format: JSON lines of `question` and `answer` or `answers`, with `gold` if it is known.

More fields are understood: `id`, `split`, `answer_aliases`, `answerable` (or SQuAD's
`is_impossible`), `gold_titles`, `type`, `hops`. An empty list of answers means that the documents
do not say; one of nothing but blanks, that the answer is not there to compare with. `answer` may be
a list as well. A `corpus.jsonl` beside the questions is what they are asked over.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, LeftOut, Record, is_given, text_of
from edge_agent.index import Source

_CORPUS = "corpus.jsonl"
_BLANK = LeftOut("their answers are blank")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


def _recognises(record: Record) -> bool:
    return "question" in record and ("answer" in record or "answers" in record)


def _read(record: Record, number: int) -> Question | LeftOut:
    is_answerable = not _is_unanswerable(record)
    if is_answerable and any(_is_blank(record.get(field)) for field in ("answers", "answer")):
        return _BLANK
    titles = _texts(record, "gold_titles")
    return Question(
        id=text_of(record, "id") if is_given(record, "id") else str(number),
        text=text_of(record, "question"),
        answers=_answers(record) if is_answerable else (),
        gold=frozenset(titles or _texts(record, "gold")),
        gold_by="title" if titles else "id",
        split=str(record.get("split") or ""),
        type=str(record.get("type") or ""),
        hops=int(record["hops"]) if is_given(record, "hops") else None,
    )


def _is_blank(found: object) -> bool:
    """Tell whether something is a list of nothing but blanks."""
    if not isinstance(found, list) or not found:
        return False
    return all(isinstance(each, str) and not each.strip() for each in found)


def _answers(record: Record) -> tuple[str, ...]:
    found = _texts(record, "answers")
    if not found and ("answer" in record or record.get("answers") is None):
        several = isinstance(record["answer"], list)
        found = _texts(record, "answer") if several else _said(record["answer"], "answer")
    return tuple(dict.fromkeys([*found, *_texts(record, "answer_aliases")])) if found else ()


def _is_unanswerable(record: Record) -> bool:
    return _affirms(record, "answerable") is False or _affirms(record, "is_impossible") is True


def _affirms(record: Record, field: str) -> bool | None:
    """Return whether a field says yes or no, as JSON does or as a table; None where it is blank.

    Raises ValueError where it says something else.
    """
    if not is_given(record, field):
        return None
    word = str(record[field]).strip().lower()
    if word not in (*_YES, *_NO):
        raise ValueError(f"its '{field}' says neither yes nor no")
    return word in _YES


def _texts(record: Record, field: str) -> tuple[str, ...]:
    """Return the texts of a list. Raises ValueError for anything else, and where one is blank."""
    found = record.get(field) or ()
    if not isinstance(found, list | tuple):
        raise ValueError(f"its '{field}' is no list")
    return tuple(text for each in found for text in _said(each, field))


def _said(value: object, field: str) -> tuple[str, ...]:
    """Return a value as text; JSON's true and false both as an answer and as they are written.

    Raises ValueError where it is blank, or holds several.
    """
    text = text_of({field: value}, field)
    return ("yes" if value else "no", text) if isinstance(value, bool) else (text,)


def _corpus(file: Path) -> Source | None:
    corpus = file.parent / _CORPUS
    return Source(corpus) if corpus.is_file() else None


FORMAT = Format("own", _recognises, _read, corpus=_corpus)
