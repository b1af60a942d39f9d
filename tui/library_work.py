"""What can be done with libraries in the background, and in words what came of it."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import count
from pathlib import Path

from edge_agent.evidence import Evidence, Exhibit
from edge_agent.home import typed_path
from edge_agent.index import (
    SAMPLE,
    Collection,
    IndexReport,
    Library,
    LibraryError,
    Shelf,
    check_name,
)
from edge_agent.profiles import GatheringSettings
from edge_agent.tools import TOOLS, ToolContext

from .workbench import ReportProgress, indexing

_CHARACTERS_A_TOKEN = 4
"""Of English text, about: no model is loaded to search by hand."""

LEFT = "What is stored already stays; a new library that has nothing yet is not kept."
"""What there is where reading documents is stopped."""

PATH_HINT = "As in ~/Documents"


# What is asked for


def path_of(text: str) -> Path:
    """Return the whole path that was typed."""
    return typed_path(text.strip()).resolve()


def path_fault(text: str) -> str | None:
    """Return what is wrong with a path that is to be added, or None."""
    try:
        there = bool(text.strip()) and path_of(text).exists()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null byte
        there = False
    return None if there else "There is nothing at that path."


def name_fault(text: str) -> str | None:
    """Return what is wrong with the name of a library that is to be added to, or None."""
    try:
        check_name(text.strip())
    except LibraryError as error:
        return str(error)
    return None


def name_for(shelf: Shelf, path: Path) -> str:
    """Return a name for the library of a folder or file: that of the one it has, or a new one."""
    stem = path.name if path.is_dir() else path.stem
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:60] or "library"
    made = {name.casefold(): name for name in (*shelf.names(), SAMPLE)}
    for number in count(1):
        name = base if number == 1 else f"{base}-{number}"
        # One that differs only in case is refused: on some disks it is the same.
        other = made.get(name.casefold())
        if other is None:
            return name
        if other != SAMPLE and _is_from(shelf, other, path):
            return other
    raise AssertionError("there is always another number")


def _is_from(shelf: Shelf, name: str, path: Path) -> bool:
    """Tell whether a library has documents of `path`, and of nothing else."""
    try:
        with closing(shelf.open(name)) as library:
            return [source.path for source in library.sources] == [path]
    except LibraryError:
        return False


# What is done


def add(shelf: Shelf, name: str, path: Path, report: ReportProgress) -> str:
    """Add a folder or a file to a library. Raises LibraryError."""
    return _in_words(name, shelf.add(name, [path], indexing(report)))


def update(shelf: Shelf, name: str, report: ReportProgress) -> str:
    """Read what is new or changed in the documents of a library. Raises LibraryError."""
    if name == SAMPLE or name not in shelf.names():
        _resolved(shelf, name, report).close()
        return f"{name} is up to date."
    with closing(shelf.open(name)) as library:
        return _in_words(name, library.update(indexing(report)))


def embed(shelf: Shelf, name: str, report: ReportProgress) -> str:
    """Embed all passages of a library. Raises LibraryError."""
    with closing(_resolved(shelf, name, report)) as library:
        return f"{library.embed(indexing(report))} passages of {name} are embedded."


def search(
    shelf: Shelf, name: str, query: str, gathering: GatheringSettings, report: ReportProgress
) -> tuple[str, tuple[Exhibit, ...]]:
    """Return the result of the agent's own search tool, and its passages whole.

    Raises LibraryError.
    """
    evidence = Evidence()
    with closing(shelf.resolve(name, indexing(report), report)) as library:
        context = ToolContext(
            library=Collection([library]),
            evidence=evidence,
            question=query,
            count=lambda text: len(text) // _CHARACTERS_A_TOKEN,
            results=gathering.results,
            named=gathering.named,
            tokens=gathering.result_tokens,
        )
        result = TOOLS["search"].run({"query": query}, context)
    return result.text, evidence.since(0)


def _resolved(shelf: Shelf, name: str, report: ReportProgress) -> Library:
    """Open a library, made now where there is none yet. Raises LibraryError."""
    return shelf.resolve(name, indexing(report))


def _in_words(name: str, done: IndexReport) -> str:
    problems = f", {times(len(done.problems), 'problem')}: press o" if done.problems else ""
    return (
        f"{name}: {times(done.added, 'file')} added, {done.changed} changed, "
        f"{done.removed} removed; {times(done.documents, 'document')}, "
        f"{times(done.passages, 'passage')}{problems}"
    )


def times(number: int, what: str) -> str:
    """Return a number of things, in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
