"""Files of records: JSON lines, JSON, CSV, TSV and Excel sheets."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.sets.format import Record
from edge_agent.index.readers.csv_file import quoting_of
from edge_agent.installation import require_extra

_IN_A_FOLDER = (
    *("questions.jsonl", "metadata.jsonl", "standardized_data.jsonl", "MultiHopRAG.json"),
    *("test.tsv", "dev.json"),
)
"""What the file with the questions is called in a folder, the first that is there."""
_MOST_CHARACTERS = 1 << 27
"""Of a field of CSV: Python's own limit is less than some pictures in a table."""


def question_file(path: Path) -> Path:
    """Return the file with the questions: `path`, or the one in that folder.

    Raises EvaluationError where there is none.
    """
    try:
        path = path.expanduser()
        if path.is_file():
            return path
        if not path.is_dir():
            raise EvaluationError(f"There is no set of questions at {path}. Check the path.")
    except (OSError, RuntimeError) as error:  # a name too long, a home of nobody
        raise EvaluationError(f"There is no set of questions at {path}: {error}.") from error
    for name in _IN_A_FOLDER:
        if (path / name).is_file():
            return path / name
    raise EvaluationError(
        f"The folder {path} holds no questions: none of {', '.join(_IN_A_FOLDER)} is in it. "
        "Give the path of the file."
    )


def records_of(path: Path) -> list[Record]:
    """Return the records of a file. Raises EvaluationError where it cannot be read as such."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        raise EvaluationError(
            f"{path} is Parquet, which is not read here. Write it as JSON lines first, for "
            "example with: duckdb -c \"copy (from 'FILE.parquet') to 'FILE.jsonl'\""
        )
    reader = _READERS.get(suffix)
    if reader is None:
        raise EvaluationError(
            f"{path} is of no known kind. Sets of questions are read from: {', '.join(_READERS)}."
        )
    try:
        return list(reader(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"The questions in {path} cannot be read: {error}.") from error


def _json_lines(path: Path) -> Iterator[Record]:
    # Not splitlines: JSON may hold other line breaks than these within a text.
    for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), start=1):
        if line.strip():
            yield _record(_parsed(line, f"Line {number} of {path}"), f"Line {number} of {path}")


def _json(path: Path) -> Iterator[Record]:
    found = _parsed(path.read_text("utf-8-sig"), str(path))
    if isinstance(found, dict):  # a table of records by their ids, or a list under some name
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else list(found.values())
    if not isinstance(found, list):
        raise EvaluationError(f"{path} is not a list of questions.")
    for number, each in enumerate(found, start=1):
        yield _record(each, f"Record {number} of {path}")


def _separated(separator: str) -> Callable[[Path], Iterator[Record]]:
    def read(path: Path) -> Iterator[Record]:
        csv.field_size_limit(min(sys.maxsize, _MOST_CHARACTERS))
        with path.open(encoding="utf-8-sig", newline="") as lines:
            quoting = quoting_of(lines, separator)
            for row in csv.DictReader(lines, delimiter=separator, quoting=quoting):
                yield {key: value for key, value in row.items() if key}

    return read


def _sheet(path: Path) -> Iterator[Record]:
    require_extra("office", f"Reading {path} needs", EvaluationError)
    from openpyxl import load_workbook

    try:
        rows = load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
        heads = [str(head) for head in next(rows, ())]
        for row in rows:
            if any(value is not None for value in row):
                yield dict(zip(heads, row, strict=False))
    except Exception as error:  # what a broken file makes openpyxl raise is anything
        raise EvaluationError(f"{path} cannot be read as an Excel file: {error}.") from error


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{where} is not JSON: {error}.") from error


def _record(found: Any, where: str) -> Record:
    if not isinstance(found, dict):
        raise EvaluationError(f"{where} is not a JSON object with the fields of a question.")
    return found


_READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".xlsx": _sheet,
}
