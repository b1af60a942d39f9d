"""A store in one SQLite file in write-ahead mode, with its tables made or brought up to date."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import sqlite_utils
from filelock import FileLock
from sqlite_utils.migrations import Migrations

from edge_agent.index import give_back, private_file, private_folder

_PATIENCE = 30.0
"""Seconds for which a writer waits for others."""


class Database(sqlite_utils.Database):
    """A database for all threads of this process, and for other processes."""

    def __init__(self, file: Path) -> None:
        """Open a file. Raises sqlite3.Error."""
        super().__init__(sqlite3.connect(file, timeout=_PATIENCE, check_same_thread=False))
        self._turn = RLock()
        self.execute("pragma secure_delete = on")  # what is deleted is not left in the file

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make all that is written in one transaction. Raises sqlite3.Error.

        It waits for others at its beginning: one that has read something by then is not made to
        wait by SQLite, but refused at once.
        """
        with self._turn:
            self.execute("begin immediate")
            try:
                yield
                self.execute("commit")
            except BaseException:
                self.rollback()
                raise

    def shrink(self) -> None:
        """Give the disk back what was deleted, where that is much of the file and can be done now.

        Nothing is lost where it cannot be.
        """
        with self._turn:
            give_back(self)


def opened(path: Path, locks: Path, migrations: Migrations) -> Database:
    """Open or make the database at `path`, whose locks lie in the folder `locks`.

    A new one is its owner's alone. Raises OSError and sqlite3.Error.
    """
    private_folder(locks)
    database = Database(private_file(path))
    database.enable_wal()
    if migrations.pending(database):
        with FileLock(locks / "store.lock"):  # another process may be at it
            migrations.apply(database)
    return database


def remedy(error: OSError | sqlite3.Error) -> str:
    """Return what helps against an error of a store, as the beginning of a sentence."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "disk is full" in str(error):
        return "Free some disk"
    if "disk I/O error" in str(error):  # so SQLite says, too, where it cannot make room for others
        return "See that there is room on the disk, and that it is sound"
    if "database is locked" in str(error):
        return "Wait until other processes have written there"
    return "Check the path, its permissions and the disk"
