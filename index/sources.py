"""A source: a folder or a file that documents come from, and what of it is wanted."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .documents import RecordFields
from .errors import LibraryError


@dataclass(frozen=True, slots=True)
class Source:
    """A folder or file; patterns are those of .gitignore, below the folder."""

    path: Path
    include: tuple[str, ...] = ()
    """Only files that match one of these are read; all, where there is none."""
    exclude: tuple[str, ...] = ()
    fields: RecordFields = field(default_factory=RecordFields)
    """Which fields of records (JSON, CSV) make a document."""


def as_source(given: Source | Path) -> Source:
    """Return a source; of a bare path everything is wanted."""
    return given if isinstance(given, Source) else Source(given)


def known_as(path: Path, known: Iterable[Path]) -> Path:
    """Return a whole path as it is known already, where only its letters are others.

    Some disks take capitals for small letters, and accents apart for those in one.
    """
    for other in known:
        if _letters(other) == _letters(path):
            with suppress(OSError):
                if other.samefile(path):
                    return other
    return path


def _letters(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def source_to_row(source: Source) -> dict[str, Any]:
    """Return the row of a source. Raises LibraryError for a path that is no UTF-8."""
    path = str(source.path.resolve())
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LibraryError(
            f"The name {path!a} is no UTF-8, so it cannot be cited. Rename it, then try again."
        ) from error
    wanted = {
        "include": source.include,
        "exclude": source.exclude,
        "fields": asdict(source.fields),
    }
    return {"path": path, "wanted": json.dumps(wanted, ensure_ascii=False)}


def source_from_row(row: dict[str, Any]) -> Source:
    """Return the source of a row."""
    wanted = json.loads(row["wanted"] or "{}")
    fields = wanted.get("fields", {})
    return Source(
        Path(row["path"]),
        tuple(wanted.get("include", ())),
        tuple(wanted.get("exclude", ())),
        RecordFields(fields.get("id"), fields.get("title"), tuple(fields.get("text", ()))),
    )
