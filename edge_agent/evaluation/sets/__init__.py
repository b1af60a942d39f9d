"""Sets of questions: our own format and those of public benchmarks, told apart by what is in them.

A set is read from where the user has it. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.questions import QuestionSet
from edge_agent.evaluation.sets import (
    bamboogle,
    browsecomp,
    browsecomp_zh,
    frames,
    gaia,
    hle,
    miroflow,
    multihop_rag,
    own,
    simpleqa,
    webwalkerqa,
    xbench,
)
from edge_agent.evaluation.sets.files import question_file, records_of
from edge_agent.evaluation.sets.format import Format, LeftOut, Record
from edge_agent.models.hashing import sha256_of

_ALL = (
    *(miroflow.FORMAT, gaia.FORMAT, hle.FORMAT, browsecomp.FORMAT, browsecomp_zh.FORMAT),
    *(xbench.FORMAT, frames.FORMAT, simpleqa.FORMAT, webwalkerqa.FORMAT, multihop_rag.FORMAT),
    *(bamboogle.FORMAT, own.FORMAT),
)
FORMATS: dict[str, Format] = {each.name: each for each in _ALL}
"""All formats by name; one that is more particular stands before one that is less so."""


def read_set(path: Path, form: str | None = None) -> QuestionSet:
    """Return the questions of a file, or of a folder that holds one, in their order.

    The format is recognised by the fields of the first record, unless `form` names it. Raises
    EvaluationError that says what is wrong where.
    """
    file = question_file(path)
    records = records_of(file)
    if not records:
        raise EvaluationError(f"There are no questions in {file}.")
    chosen = _named(form) if form is not None else _recognised(records[0], file)
    questions, left_out, seen = [], [], set[str]()
    for number, record in enumerate(records, start=1):
        try:
            question = chosen.read(record, number)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(
                f"Record {number} of {file} is not in the format {chosen.name} "
                f"({_fault(error)}). Correct it, or name the format with --format."
            ) from error
        if isinstance(question, LeftOut):
            left_out.append(question.reason)
            continue
        if question.id in seen:
            raise EvaluationError(
                f"Two questions of {file} have the id '{question.id}'. Give each its own."
            )
        seen.add(question.id)
        questions.append(question)
    if not questions:
        raise EvaluationError(f"No question of {file} can be asked: {'; '.join(set(left_out))}.")
    return QuestionSet(
        name=_name(path, file, chosen),
        form=chosen.name,
        path=file,
        sha256=sha256_of(file),
        questions=tuple(questions),
        judging=chosen.judging_of(f"{file.resolve().parent.name} {file.stem}"),
        corpus=chosen.corpus(file),
        left_out=tuple(left_out),
    )


def _named(form: str) -> Format:
    if form not in FORMATS:
        raise EvaluationError(f"There is no format '{form}'. Use one of: {', '.join(FORMATS)}.")
    return FORMATS[form]


def _recognised(record: Record, file: Path) -> Format:
    for each in FORMATS.values():
        if each.recognises(record):
            return each
    fields = ", ".join(map(str, list(record)[:12]))
    raise EvaluationError(
        f"The questions in {file} are in no known format: their fields are {fields}. A question "
        "needs 'question' and 'answer' or 'answers', or --format with one of: "
        f"{', '.join(FORMATS)}."
    )


def _name(path: Path, file: Path, form: Format) -> str:
    """Return what to call a set: its folder or file, unless that only says `questions`."""
    stem = path.resolve().name if path.is_dir() else file.stem
    if stem in _GENERAL_NAMES:
        stem = file.resolve().parent.name
    return stem if stem not in _GENERAL_NAMES else form.name


_GENERAL_NAMES: Sequence[str] = ("questions", "metadata", "dev", "test", "data", "validation", "")


def _fault(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
