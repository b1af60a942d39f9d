"""JSON lines: one record a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..documents import Document, Flaw, RecordFields
from .failures import Fault
from .records import Records
from .text import opened

_NOT_JSON = Fault("is not JSON", "are not JSON")


def read_json_lines(path: Path, name: str, fields: RecordFields) -> Iterator[Document | Flaw]:
    """Yield each record as a document: its `id`, `title`, and `text` or list of `sentences`.

    A record that has neither is a document of `field: value` lines. Raises UnreadableDocument
    where the file cannot be opened, or is no text.
    """
    records = Records(path, name, fields, by_line=True)
    with opened(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                records.faulty.add(number, _NOT_JSON, error)
                continue
            document = records.document(record, number)
            if document is not None:
                yield document
    yield from records.flaws()
