"""Soundness: whether a library's texts, indexes and documents still belong together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

from .files import content_hash
from .lexical import LexicalIndex
from .updating import IndexProgress, Report


@dataclass(frozen=True, slots=True)
class Soundness:
    """What was found; a library is sound while its own parts agree, whatever documents do."""

    database: str | None
    """What SQLite finds wrong with the texts; None where nothing is."""
    is_outdated: bool
    """Whether another version made the search index: an update makes it anew."""
    not_indexed: int
    """Passages that the search index lacks, unless it is made anew."""
    not_stored: int
    """Passages of the search index that are no more."""
    not_embedded: int
    """Passages without a vector, in a library that was embedded."""
    changed: tuple[str, ...]
    """Documents that differ from what was read."""
    missing: tuple[str, ...]
    """Documents that are not where they were."""

    @property
    def is_sound(self) -> bool:
        """Whether searches can be trusted; an update mends what is wrong."""
        return self.database is None and not (
            self.is_outdated or self.not_indexed or self.not_stored
        )


def examined(
    database: sqlite_utils.Database,
    lexical: LexicalIndex,
    embedded: set[int] | None,
    report: Report | None,
) -> Soundness:
    """Compare the texts with the keys that the indexes have, and the documents with their hashes.

    `embedded` is None where there are no vectors.
    """
    (finding,) = database.execute("pragma quick_check(1)").fetchone()
    keys = {int(key) for (key,) in database.execute("select key from passages")}
    is_outdated = lexical.is_outdated
    indexed = keys if is_outdated else lexical.keys() or set()
    changed, missing = _compared(database, report)
    return Soundness(
        database=None if finding == "ok" else str(finding),
        is_outdated=is_outdated,
        not_indexed=len(keys - indexed),
        not_stored=len(indexed - keys),
        not_embedded=0 if embedded is None else len(keys - embedded),
        changed=changed,
        missing=missing,
    )


def _compared(
    database: sqlite_utils.Database, report: Report | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the documents that have changed, and those that are gone."""
    rows = list(database.table("files").rows_where("hash <> ''", order_by="path"))
    changed, missing = [], []
    for done, row in enumerate(rows):
        if report is not None:
            report(IndexProgress("Comparing documents", done, len(rows), 0))
        try:
            if content_hash(Path(row["path"])) != row["hash"]:
                changed.append(row["path"])
        except OSError:
            missing.append(row["path"])
    return tuple(changed), tuple(missing)
