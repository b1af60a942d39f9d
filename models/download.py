"""Pulling a model: sources in order, hash before name, and nothing half that is trusted later."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .catalog import CatalogEntry, CatalogFile, Source
from .errors import DownloadError
from .hashing import sha256_of
from .sources import fetch
from .store import InstalledModel, ModelStore

_PARTIAL = ".partial"
_SPARE = 64 * 1024**2
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a file is: bytes there, bytes in all (None: unknown), and what is being done."""

    file: str
    done: int
    total: int | None
    doing: str
    """`downloading (hf)`, `checking`, `waiting for another process`, …"""


Report = Callable[[PullProgress], None]


def pull(entry: CatalogEntry, store: ModelStore, report: Report) -> InstalledModel:
    """Return the model, downloaded now if it is not here.

    What an interrupted pull left is used by the next. Two processes that pull the same model take
    turns, and the second finds it there. Raises DownloadError, naming each source and its reason.
    """
    folder = store.root / entry.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / "pull.lock", lambda: report(_waiting(entry))):
            found = store.find(entry.name)
            if found is not None:
                return found
            for file in entry.files:
                if not (store.has(entry, file) and _is_right(folder / file.name, file, report)):
                    _pull_file(file, folder, report)
            shutil.rmtree(folder / _PARTIAL, ignore_errors=True)
            return store.keep(entry)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DownloadError(
            f"The disk is full: {entry.name} could not be written to {folder}. "
            "Free some space and pull again: what was downloaded is kept."
        ) from error


@contextmanager
def _alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a model; say so before waiting for another process."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _waiting(entry: CatalogEntry) -> PullProgress:
    return PullProgress(entry.name, 0, entry.bytes, "waiting for another process")


def _pull_file(file: CatalogFile, folder: Path, report: Report) -> None:
    """Fetch a file from the first source that gives the right bytes, then give it its name."""
    reasons = []
    for source in file.sources:
        partial = folder / _PARTIAL / source.kind
        partial.mkdir(parents=True, exist_ok=True)
        try:
            _require_space(file, partial)
            path = _fetch_checked(source, file, partial, report)
        except DownloadError as error:
            reasons.append(f"{source.kind}: {error}")
            continue
        path.replace(folder / file.name)
        return
    raise DownloadError(
        f"{file.name} cannot be downloaded. {'; '.join(reasons)}. "
        "Check the network, or copy the file here and add it: miro-edge models add NAME PATH"
    )


def _fetch_checked(source: Source, file: CatalogFile, partial: Path, report: Report) -> Path:
    """Fetch from one source; bytes that are wrong are deleted."""

    def downloading(there: int) -> None:
        # A part that is being unpacked is there twice for a moment.
        done = there if file.bytes is None else min(there, file.bytes)
        report(PullProgress(file.name, done, file.bytes, f"downloading ({source.kind})"))

    fetched = fetch(source, file, partial, downloading)
    expected = file.sha256 or fetched.sha256
    if expected is None:
        raise DownloadError("no hash is known for the file, so it cannot be trusted")
    if _digest(fetched.path, file, report) != expected:
        fetched.path.unlink()
        raise DownloadError("the bytes are not those of the catalogue (their SHA-256 differs)")
    return fetched.path


def _is_right(path: Path, file: CatalogFile, report: Report) -> bool:
    return file.sha256 is not None and _digest(path, file, report) == file.sha256


def _digest(path: Path, file: CatalogFile, report: Report) -> str:
    size = path.stat().st_size
    return sha256_of(path, lambda done: report(PullProgress(file.name, done, size, "checking")))


def _require_space(file: CatalogFile, partial: Path) -> None:
    """Refuse to begin what cannot end: parts and the whole are on the disk at the same time."""
    if file.bytes is None:
        return
    there = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
    needed = 2 * file.bytes - there + _SPARE
    free = shutil.disk_usage(partial).free
    if needed > free:
        raise DownloadError(
            f"{needed / _MIB:,.0f} MiB of disk are needed and {free / _MIB:,.0f} are free: "
            f"free {(needed - free) / _MIB:,.0f} MiB more"
        )
