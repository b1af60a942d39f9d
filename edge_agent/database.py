"""A store in one SQLite file in write-ahead mode, with its tables made or brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlite_utils
from filelock import FileLock
from sqlite_utils.migrations import Migrations

from edge_agent.index import private_file


def opened(path: Path, locks: Path, migrations: Migrations) -> sqlite_utils.Database:
    """Open or make the database at `path`, whose locks lie in the folder `locks`; for any thread.

    A new one is its owner's alone. Raises OSError and sqlite3.Error.
    """
    locks.mkdir(parents=True, exist_ok=True)
    file = private_file(path)
    database = sqlite_utils.Database(sqlite3.connect(file, timeout=30, check_same_thread=False))
    database.enable_wal()
    if migrations.pending(database):
        with FileLock(locks / "store.lock"):  # another process may be at it
            migrations.apply(database)
    return database
