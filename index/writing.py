"""One writer at a time: a second one is told, not kept waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import LibraryBusy


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the lock of the library in `folder`. Raises LibraryBusy where another process does."""
    lock = FileLock(folder / "write.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LibraryBusy(
            f"{busy_with(folder.name)}. Wait until it has finished, then try again."
        ) from error
    try:
        yield
    finally:
        lock.release()


def busy_with(name: str) -> str:
    """Return what is told of a library of which another process holds the lock."""
    return f"Another process is writing or checking the library '{name}'"
