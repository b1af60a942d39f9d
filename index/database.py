"""The databases of a library: opened in one way, and no larger than they have to be."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import sqlite_utils

_MOST_FREE = 0.25
"""Of a database that lies idle: what is written next is put there."""
_MOST_COPIED = 1_000_000_000
"""Bytes."""


def open_database(path: Path, timeout: float) -> sqlite_utils.Database:
    """Open a database that many read while one writes; what is deleted is overwritten.

    `timeout` is how many seconds are waited while another process writes. Raises sqlite3.Error.
    """
    database = sqlite_utils.Database(
        sqlite3.connect(path, timeout=timeout, check_same_thread=False)
    )
    database.enable_wal()
    database.execute("pragma secure_delete = on")
    return database


def give_back(database: sqlite_utils.Database) -> None:
    """Give the disk back what was deleted, where that is much of a database.

    It takes room for a copy, and that nobody else writes: where it cannot be done, it is left. So
    it is where others that want to write would have to wait for the copy for too long.
    """
    (patience,) = database.execute("pragma busy_timeout").fetchone()
    with suppress(sqlite3.Error):
        database.execute("pragma busy_timeout = 0").fetchone()  # nobody waits for this
        pages, free, size = (
            int(database.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        if free > _MOST_FREE * pages and (pages - free) * size <= _MOST_COPIED:
            database.execute("vacuum")
        database.execute("pragma wal_checkpoint(truncate)").fetchone()  # it has the deleted, too
    database.execute(f"pragma busy_timeout = {patience}").fetchone()
