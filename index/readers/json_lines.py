"""JSON lines: one record a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..documents import Document, Section
from ..errors import UnreadableDocument
from .text import decoded


def read_json_lines(path: Path, name: str) -> list[Document]:
    """Read each record as a document: its `id`, `title`, and `text` or list of `sentences`.

    Raises UnreadableDocument naming the first line that is no such record.
    """
    documents = []
    for number, line in enumerate(decoded(path).split("\n"), start=1):
        if line.strip():
            documents.append(_document(_record(line, number), number, path, name))
    return documents


def _record(line: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(f"line {number} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise UnreadableDocument(f"line {number} is no record, but {type(record).__name__}")
    # What is null is not there.
    record = {key: value for key, value in record.items() if value is not None}
    if not isinstance(record.get("text", ""), str):
        raise UnreadableDocument(f"line {number} has a `text` that is no string")
    if not isinstance(record.get("sentences", []), list):
        raise UnreadableDocument(f"line {number} has `sentences` that are no list")
    if not {"text", "sentences"} & record.keys():
        raise UnreadableDocument(f"line {number} is no record with `text` or `sentences`")
    return record


def _document(record: dict[str, Any], number: int, path: Path, name: str) -> Document:
    text = record.get("text")
    if text is None:
        text = " ".join(str(sentence) for sentence in record["sentences"])
    return Document(
        id=str(record.get("id", f"{name}:{number}")),
        title=str(record.get("title", f"{path.stem} {number}")),
        source=str(path),
        text=text,
        sections=(Section(0, len(text)),),
    )
