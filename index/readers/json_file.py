"""JSON: its list of records, a document each; what has none is one document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ..documents import Document, Flaw, RecordFields, Section
from ..errors import UnreadableDocument
from .json_lines import read_json_lines
from .records import Records, described
from .text import decoded


def read_json(path: Path, name: str, fields: RecordFields) -> Iterable[Document | Flaw]:
    """Read the records of a list, or of the one list in an object; else all as `path: value`.

    What stands beside that list is a document too, where it has words and nobody chose `fields` of
    a text. An object that has a text itself is one record.
    Raises UnreadableDocument for what is no JSON.
    """
    text = decoded(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _is_json_lines(text):
            return read_json_lines(path, name, fields)
        raise UnreadableDocument(f"is not JSON: {error}") from error
    found = _records(content, fields.text or ("text", "sentences"))
    if found is None:
        return [_whole(content, name, path)]
    beside = {} if fields.text else _beside(content, found)
    documents = _documents(found, Records(path, name, fields, by_line=False))
    return chain([_whole(beside, name, path)], documents) if _has_words(beside) else documents


def _documents(found: list[Any], records: Records) -> Iterator[Document | Flaw]:
    for number, record in enumerate(found, start=1):
        document = records.document(record, number)
        if document is not None:
            yield document
    yield from records.flaws()


def _whole(content: Any, name: str, path: Path) -> Document:
    whole = "\n".join(described(content))
    sections = (Section(0, len(whole)),)
    return Document(name, path.stem, str(path), whole, sections, is_extracted=True)


def _beside(content: Any, found: list[Any]) -> dict[str, Any]:
    """Return what an object has beside the list of its records."""
    if not isinstance(content, dict) or found[0] is content:
        return {}
    return {key: value for key, value in content.items() if value is not found}


def _has_words(content: Any) -> bool:
    """Return whether there is a letter in any text within; names of fields say nothing alone."""
    pending = [content]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and any(map(str.isalpha, value)):
            return True
    return False


def _records(content: Any, texts: Sequence[str]) -> list[Any] | None:
    """Return the list of objects that a file is, or has one of; or the one that it is."""
    if isinstance(content, dict):
        own = [content[name] for name in texts if content.get(name)]
        if own and not any(map(_is_list_of_objects, own)):
            return [content]
        lists = [value for value in content.values() if _is_list_of_objects(value)]
        return lists[0] if len(lists) == 1 else None
    return content if _is_list_of_objects(content) else None


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, dict) for part in value)


def _is_json_lines(text: str) -> bool:
    """Return whether the first line is an object by itself: many files have the wrong suffix."""
    first = text.lstrip().partition("\n")[0]
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
