"""Reads files in a process of its own: a bad file costs a line in the report, not the program."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from .documents import Document
from .errors import UnreadableDocument

_SECONDS = 60.0
"""Longest that one file may take."""
_MEMORY = 3 * 1024**3
"""Most address space of the process, in bytes."""
_TOO_LARGE = "needs more memory than one file may take"


class ReaderProcess:
    """One process that reads file after file; it is replaced when a file kills or stalls it."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        """Start when the first file is read; `seconds` is the most that one may take."""
        self._seconds = seconds
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def read(self, path: Path, name: str) -> list[Document]:
        """Return the documents in a file. Raises UnreadableDocument, whatever the file does."""
        connection = self._started()
        try:
            connection.send((path, name))
            if not connection.poll(self._seconds):
                self.close()
                raise UnreadableDocument(f"took longer than {self._seconds:.0f} seconds to read")
            answer = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            raise UnreadableDocument("ended the reader: too large, or broken") from error
        if isinstance(answer, str):
            raise UnreadableDocument(answer)
        documents: list[Document] = answer
        return documents

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None

    def __enter__(self) -> ReaderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> Connection:
        if self._connection is None:
            # Spawned, not forked: a fork would copy a loaded model and its threads' locks.
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._connection, self._process = ours, process
        return self._connection


def _serve(connection: Connection) -> None:
    """Answer every (path, name) with documents, or with the reason why there are none."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _limit_memory()
    # A parent that was killed is no reason for a traceback on its terminal.
    with suppress(EOFError, BrokenPipeError):
        while True:
            _send(connection, _answer(*connection.recv()))


def _answer(path: Path, name: str) -> list[Document] | str:
    from .readers import read

    try:
        return read(path, name)
    except UnreadableDocument as error:
        return str(error)
    except MemoryError:
        return _TOO_LARGE
    except Exception as error:  # a reader's library may raise anything
        return f"cannot be read: {type(error).__name__}: {error}"


def _send(connection: Connection, answer: list[Document] | str) -> None:
    try:
        connection.send(answer)
    except MemoryError:
        connection.send(_TOO_LARGE)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
