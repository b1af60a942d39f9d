"""Reads files in processes of their own: a bad file costs a line in the report, not the program."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import psutil

from .documents import Document, Flaw, RecordFields
from .end_with_parent import end_with_parent
from .errors import UnreadableDocument
from .safe_path import without_current_folder

if TYPE_CHECKING:
    from .readers import Reader

_SECONDS = 60.0
"""Longest that a file may take until it has something to show."""
_LOOK = 1.0
"""Seconds between looks at clock and memory: a longer pause is not the readers' doing."""
_MEMORY = 3 * 1024**3
"""Most address space of a process, in bytes; where that cannot be limited, most resident memory."""
_AT_ONCE = 1_000_000
"""Characters of text that are sent together: one by one is slow, and a file may have a million."""
_TOO_LARGE = "needs more memory than one file may take"


@dataclass(frozen=True, slots=True)
class ReadingTask:
    """A file to be read; `name` is the id of a document that is the whole file."""

    path: Path
    name: str
    fields: RecordFields = field(default_factory=RecordFields)
    known: frozenset[str] = frozenset()
    """Hashes of contents that need not be read again."""


@dataclass(frozen=True, slots=True)
class DocumentsRead:
    """Some documents of a file; there may be more."""

    task: ReadingTask
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file is done."""

    task: ReadingTask
    digest: str
    """SHA-256 of its content; empty where it could not be read."""
    problem: str | None = None
    """Why it could not be read, or what of it could not."""
    known: bool = False
    """Whether it was not read, since its content is known."""


Reading = DocumentsRead | FileRead


class ReaderPool:
    """Processes that read files side by side; one is replaced when a file kills or stalls it.

    A file whose reader was killed before it had shown anything is tried once more.
    """

    def __init__(self, processes: int, seconds: float = _SECONDS) -> None:
        """Start processes as they are needed; `seconds` is the most that a file may be silent."""
        self._wanted = processes
        self._seconds = seconds
        self._workers: list[_Worker] = []

    def read(self, tasks: Iterable[ReadingTask]) -> Iterator[Reading]:
        """Yield what is in files, whatever they do; each ends with one FileRead."""
        waiting = iter(tasks)
        tried: set[ReadingTask] = set()
        busy: dict[Connection, _Worker] = {}
        idle = list(self._workers)
        while True:
            while len(busy) < self._wanted and (task := next(waiting, None)) is not None:
                worker = idle.pop() if idle else self._started()
                worker.begin(task, self._seconds)
                busy[worker.connection] = worker
            if not busy:
                return
            for worker in _ready(busy):
                reading = worker.receive(self._seconds)
                if isinstance(reading, FileRead):
                    del busy[worker.connection]
                    if worker.is_alive:
                        idle.append(worker)
                    else:
                        self._workers.remove(worker)
                    # What killed it may have been the system, short of memory for a moment.
                    if worker.broke_off and reading.task not in tried:
                        tried.add(reading.task)
                        waiting = chain([reading.task], waiting)
                        continue
                begun = time.monotonic()
                yield reading
                # While the caller was at work nobody listened to them.
                for other in busy.values():
                    other.deadline += time.monotonic() - begun

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> _Worker:
        worker = _Worker()
        self._workers.append(worker)
        return worker


def _ready(busy: dict[Connection, _Worker]) -> list[_Worker]:
    """Wait until a worker has something to say, or has been silent or grown for too long.

    What a short wait takes longer than it was meant to, the program was stopped for, as by Ctrl-Z,
    and the workers with it: they get that time back.
    """
    while True:
        begun = time.monotonic()
        nearest = min(worker.deadline for worker in busy.values())
        longest = min(_LOOK, max(0.0, nearest - begun))
        said = connections.wait(list(busy), longest)
        now = time.monotonic()
        for worker in busy.values():
            worker.deadline += max(0.0, now - begun - longest)
        ready = [
            worker
            for connection, worker in busy.items()
            if connection in said or worker.deadline <= now or worker.is_too_large
        ]
        if ready:
            return ready


class _Worker:
    """One process, and the file that it is reading."""

    def __init__(self) -> None:
        # Spawned, not forked: a fork would copy a loaded model and its threads' locks.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _without_main(), without_current_folder():
            self._process.start()
        theirs.close()
        self.deadline = 0.0
        self.is_alive = True
        self.broke_off = False
        """Whether it ended by itself, with nothing shown of its file."""
        self._watched = psutil.Process(self._process.pid)
        self._task: ReadingTask | None = None
        self._has_shown = False

    @property
    def is_too_large(self) -> bool:
        """Whether it has more memory than one file may take: not every system limits that."""
        with suppress(psutil.Error):  # it has ended, as `receive` finds out
            resident: int = self._watched.memory_info().rss
            return resident > _MEMORY
        return False

    def begin(self, task: ReadingTask, seconds: float) -> None:
        """Hand over a file."""
        self._task = task
        self._has_shown = False
        self.deadline = time.monotonic() + seconds
        # If it has ended between two files, `receive` finds out.
        with suppress(OSError):
            self.connection.send(task)

    def receive(self, seconds: float) -> Reading:
        """Return what it says of its file; one that is silent for too long is ended."""
        assert self._task is not None
        try:
            if not self.connection.poll(0):
                too_large = self.is_too_large
                self.end()
                too_slow = f"took longer than {seconds:.0f} seconds to read"
                return FileRead(self._task, "", _TOO_LARGE if too_large else too_slow)
            message: Reading = self.connection.recv()
        except (EOFError, OSError):
            self.end()
            self.broke_off = not self._has_shown
            return FileRead(self._task, "", "ended the reader: too large, or broken")
        self.deadline = time.monotonic() + seconds
        self._has_shown = True
        return message

    def end(self) -> None:
        """Kill the process."""
        self.is_alive = False
        self._process.kill()
        self._process.join()
        self.connection.close()


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the program's main module: a spawned process runs it, and readers have no need of it.

    A script that adds to a library outside of `if __name__ == "__main__"` would do so again in
    every reader.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(connection: Connection) -> None:
    """Answer every task with what is in the file."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end_with_parent()
    _limit_memory()
    # A parent that was killed is no reason for a traceback on its terminal.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task: ReadingTask = connection.recv()
            try:
                for reading in _read(task):
                    connection.send(reading)
            except MemoryError:
                connection.send(FileRead(task, "", _TOO_LARGE))


def _read(task: ReadingTask) -> Iterator[Reading]:
    from .files import content_hash
    from .readers import reader_of

    digest = ""
    try:
        # Before anything else: a film is not hashed to find out that it is none of ours.
        reader = reader_of(task.path, task.fields)
        digest = content_hash(task.path)
        if digest in task.known:
            yield FileRead(task, digest, known=True)
            return
        flaws: list[str] = []
        yield from _documents(reader, task, flaws)
        yield FileRead(task, digest, "; ".join(flaws) or None)
    except UnreadableDocument as error:
        yield FileRead(task, digest, str(error))
    except OSError as error:
        yield FileRead(task, "", f"cannot be opened: {error.strerror}")
    except Exception as error:  # a reader's library may raise anything
        if isinstance(error, MemoryError):
            raise
        yield FileRead(task, digest, f"cannot be read: {type(error).__name__}: {error}")


def _documents(reader: Reader, task: ReadingTask, flaws: list[str]) -> Iterator[DocumentsRead]:
    """Yield the documents of a file, some at a time; what could not be read goes to `flaws`."""
    from .readers import read_with

    pending: list[Document] = []
    size = 0
    for found in read_with(reader, task.path, task.name):
        if isinstance(found, Flaw):
            flaws.append(found.reason)
            continue
        pending.append(found)
        size += len(found.text)
        if size >= _AT_ONCE:
            yield DocumentsRead(task, tuple(pending))
            pending, size = [], 0
    if pending:
        yield DocumentsRead(task, tuple(pending))


def _limit_memory() -> None:
    """Limit the address space of this process, where that can be done."""
    import resource

    _, allowed = resource.getrlimit(resource.RLIMIT_AS)
    most = _MEMORY if allowed == resource.RLIM_INFINITY else min(_MEMORY, allowed)
    with suppress(ValueError, OSError):  # macOS refuses: more is mapped there from the start
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
