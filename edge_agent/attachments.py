"""Files that a question is asked about: searched beside the libraries, in one run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from edge_agent.errors import AttachmentError
from edge_agent.events import ATTACHED, AttachedFile
from edge_agent.home import typed_path
from edge_agent.index import (
    Embedder,
    EmptyLibrary,
    IndexProgress,
    Library,
    Problem,
    content_hash,
    fault_of,
)
from edge_agent.temporary import temporary_folder


def named_files(paths: Iterable[str]) -> tuple[AttachedFile, ...]:
    """Return files so that they can be asked for again from any folder, each once.

    Raises AttachmentError that names all that are not there or are no files.
    """
    given = [typed_path(path).absolute() for path in paths]
    faults = [Problem(str(path), fault) for path in given if (fault := _fault(path))]
    if faults:
        raise AttachmentError(_unsearchable(faults))
    whole = dict.fromkeys(path.resolve() for path in given)
    return tuple(AttachedFile(str(path), content_hash(path)) for path in whole)


def changes(before: Sequence[AttachedFile], now: Sequence[AttachedFile]) -> tuple[str, ...]:
    """Return a sentence for each of those files whose content is not what it was before."""
    return tuple(
        f"{file.path} has changed since the run began: it is searched as it is now. What was found "
        "in it before stays."
        for file in now
        if file not in before
    )


@contextmanager
def attached(
    files: Sequence[AttachedFile],
    embedder: Embedder | None,
    report: Callable[[IndexProgress], None] | None = None,
) -> Iterator[tuple[Library, ...]]:
    """Lend a library of the files, indexed now; of none, no library. The end deletes it.

    Raises AttachmentError that names all of which nothing can be read.
    """
    if not files:
        yield ()
        return
    with (
        temporary_folder() as folder,
        closing(Library(folder / ATTACHED, embedder)) as library,
    ):
        try:
            library.add([Path(file.path) for file in files], report)
        except EmptyLibrary as error:
            raise AttachmentError(_unsearchable(library.unread()) or str(error)) from error
        if library.unread():
            raise AttachmentError(_unsearchable(library.unread()))
        yield (library,)


def _fault(path: Path) -> str | None:
    """Return why there is no file to read at a path, or None."""
    if (fault := fault_of(path)) is not None:
        return fault
    try:
        if path.is_dir():
            return f"is a folder; to search all of it: -l '{path}'"
        with path.open("rb"):
            return None
    except OSError as error:
        return f"cannot be opened: {error.strerror}"


def _unsearchable(faults: Sequence[Problem]) -> str:
    """Return what is wrong with which files; nothing where there are none."""
    if not faults:
        return ""
    reasons = "; ".join(f"{fault.file} {fault.reason}" for fault in faults)
    return f"What the question is about cannot be searched: {reasons}."
