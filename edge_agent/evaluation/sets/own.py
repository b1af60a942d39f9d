"""Our own format: JSON lines of `question` and `answer` or `answers`, with `gold` if it is known.

More fields are understood: `id`, `split`, `answer_aliases`, `answerable` (or SQuAD's
`is_impossible`), `gold_titles`, `type`, `hops`. An empty list of answers means that the documents
do not say; one of nothing but blanks, that the answer is not there to compare with. `answer` may be
a list as well. A `corpus.jsonl` beside the questions is what they are asked over.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import (
    Format,
    LeftOut,
    Record,
    as_text,
    is_given,
    text_of,
)
from edge_agent.index import Source

_CORPUS = "corpus.jsonl"
_BLANK = LeftOut("their answers are blank")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


def _recognises(record: Record) -> bool:
    return "question" in record and ("answer" in record or "answers" in record)


def _read(record: Record, number: int) -> Question | LeftOut:
    is_answerable = not _is_unanswerable(record)
    if is_answerable and _has_only_blanks(record):
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


def _has_only_blanks(record: Record) -> bool:
    """Tell whether a list of answers holds nothing but blanks, and no other field gives any."""
    values = [record.get(field) for field in ("answers", "answer")]
    return all(map(_gives_none, values)) and any(isinstance(each, list) and each for each in values)


def _gives_none(value: object) -> bool:
    """Tell whether a value gives no answer: it is nothing, a blank, or a list of such."""
    each = value if isinstance(value, list) else [value]
    return all(one is None or not str(one).strip() for one in each)


def _answers(record: Record) -> tuple[str, ...]:
    """Return the accepted answers: `answers`, or where these give none, `answer`; and aliases.

    JSON's true and false count both as yes and no and as they are written.
    """
    field = "answer" if _gives_none(record.get("answers")) else "answers"
    if field == "answers" or isinstance(record.get(field), list):
        found, values = _texts(record, field), record[field]
    elif field in record or record.get("answers") is None:
        found, values = (text_of(record, field),), [record[field]]
    else:
        return ()
    words = ["yes" if each else "no" for each in values if isinstance(each, bool)]
    aliases = filter(None, _listed(record, "answer_aliases"))
    return tuple(dict.fromkeys([*words, *found, *aliases])) if found else ()


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
    texts = _listed(record, field)
    if not all(texts):
        raise ValueError(f"its '{field}' has a blank in it")
    return texts


def _listed(record: Record, field: str) -> tuple[str, ...]:
    """Return what a list holds as text, blanks as well. Raises ValueError for anything else."""
    found = record.get(field) or ()
    if not isinstance(found, list | tuple):
        raise ValueError(f"its '{field}' is no list")
    return tuple(as_text(each, field) for each in found)


def _corpus(file: Path) -> Source | None:
    corpus = file.parent / _CORPUS
    return Source(corpus) if corpus.is_file() else None


FORMAT = Format("own", _recognises, _read, corpus=_corpus)
