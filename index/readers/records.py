"""Records (of JSON, JSON lines, CSV) as documents: one record, one document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..documents import Document, Flaw, RecordFields, Section
from .failures import Fault, FaultyParts, listed

_TITLE_LENGTH = 100
_LONGEST_ID = 1_000
"""Characters of an id: it stands in each passage of its document."""
_FIELDS_TOLD = 20

_NOT_A_RECORD = Fault("is no record", "are no records")
_TEXT_IS_NO_STRING = Fault("has a `text` that is no string", "have a `text` that is no string")
_NO_LIST = Fault("has `sentences` that are no list", "have `sentences` that are no list")


class Records:
    """Makes documents of the records of one file, and remembers what was wrong with them."""

    def __init__(self, path: Path, name: str, fields: RecordFields, *, by_line: bool) -> None:
        """Begin a file, whose records are numbered by line, or else by their places in a list."""
        self._by_line = by_line
        self._path = path
        self._name = name
        self._fields = fields
        self._missing = {field for field in (fields.id, fields.title, *fields.text) if field}
        self._seen: dict[str, None] = {}
        self.faulty = FaultyParts("line" if by_line else "record")

    def document(self, record: object, number: int) -> Document | None:
        """Return a record as a document; None where it has no text, or is no record."""
        if not isinstance(record, dict):
            self.faulty.add(number, _NOT_A_RECORD, f"it is {_kind(record)}")
            return None
        # What is null is not there.
        record = {str(key): value for key, value in record.items() if value is not None}
        self._note(record)
        fault = None if self._fields.text else _fault(record)
        if fault is not None:
            self.faulty.add(number, fault)
            return None
        text = self._text(record)
        if not text.strip():
            if not self._fields.text:
                self.faulty.add(number, _NOT_A_RECORD, "it has nothing to read")
            return None
        id_ = _one_line(_value(record, self._fields.id or "id"))[:_LONGEST_ID]
        title = self._title(record) or f"{self._path.stem} {number}"
        id_ = id_ or f"{self._name}:{number}"
        sections = (Section(0, len(text)),)
        source = str(self._path)
        if self._by_line:
            return Document(id_, title, source, text, sections, line=number)
        return Document(id_, title, source, text, sections, is_extracted=True)

    def flaws(self) -> Iterator[Flaw]:
        """Yield what could not be read, and which fields were asked for in vain."""
        if self._missing and self._seen:
            asked = listed([f"`{field}`" for field in sorted(self._missing)])
            names = list(self._seen)
            there = ", ".join(names[:_FIELDS_TOLD]) + (", …" if len(names) > _FIELDS_TOLD else "")
            yield Flaw(f"has no record with {asked}; its fields are {there}")
        yield from self.faulty.flaws()

    def _note(self, record: dict[str, Any]) -> None:
        """Take note of which fields there are."""
        if self._missing:
            self._missing -= {name for name in self._missing if _value(record, name) is not None}
            if len(self._seen) <= _FIELDS_TOLD:
                self._seen |= dict.fromkeys(record)

    def _text(self, record: dict[str, Any]) -> str:
        if self._fields.text:
            values = (_value(record, field) for field in self._fields.text)
            return "\n\n".join(_plain(value) for value in values if value is not None)
        known = _value(record, "text")
        if known is None:
            known = _value(record, "sentences")
        return "\n".join(described(record)) if known is None else _plain(known)

    def _title(self, record: dict[str, Any]) -> str:
        title = _one_line(_value(record, self._fields.title or "title"))
        if title or self._fields.title:
            return title
        used = {"id", "text", "sentences", self._fields.id, *self._fields.text}
        others = (
            value
            for key, value in record.items()
            if key.lower() not in used and key not in used and isinstance(value, str)
        )
        return next((" ".join(value.split()) for value in others if _is_like_a_title(value)), "")


def described(value: Any) -> Iterator[str]:
    """Yield a line `path: value` for each text, number and truth value in a JSON value."""
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        path, found = pending.pop()
        inner: list[tuple[str, Any]] = []
        if isinstance(found, dict):
            inner = [(f"{path}.{key}" if path else str(key), below) for key, below in found.items()]
        elif isinstance(found, list):
            inner = [(path, below) for below in found]
        elif found is not None and (shown := _plain(found).strip()):
            yield f"{path}: {shown}" if path else shown
        pending += reversed(inner)


def _value(record: dict[str, Any], name: str) -> Any:
    """Return a field: by its name, whatever its case, or by a path into objects: `a.b`."""
    if name in record:
        return record[name]
    for key, value in record.items():
        if key.casefold() == name.casefold():
            return value
    found: Any = record
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _plain(value: Any) -> str:
    """Return a value as text: a list's parts one after the other, an object line by line."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        separator = " " if all(isinstance(part, str) for part in value) else "\n"
        return separator.join(
            part if isinstance(part, str) else "\n".join(described(part)) for part in value
        )
    return "\n".join(described(value)) if isinstance(value, dict) else str(value)


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _one_line(value: Any) -> str:
    return "" if value is None else " ".join(_plain(value).split())


def _is_like_a_title(value: str) -> bool:
    is_short = len(value) <= _TITLE_LENGTH and "\n" not in value.strip()
    return is_short and "://" not in value and any(map(str.isalpha, value))


def _fault(record: dict[str, Any]) -> Fault | None:
    if not isinstance(record.get("text", ""), str):
        return _TEXT_IS_NO_STRING
    is_listed = "text" in record or isinstance(record.get("sentences", []), list)
    return None if is_listed else _NO_LIST
