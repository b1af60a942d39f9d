"""What can be done with libraries in the background, each told as it goes, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from edge_agent.evidence import Evidence, Exhibit
from edge_agent.index import SAMPLE, Collection, IndexProgress, IndexReport, Shelf
from edge_agent.profiles import load_profile
from edge_agent.tools import TOOLS, ToolContext

from .workbench import Told

_CHARACTERS_A_TOKEN = 4
"""Of English text, about: no model is loaded to search by hand."""


def add(shelf: Shelf, name: str, path: Path, told: Told) -> str:
    """Add a folder or a file to a library. Raises LibraryError."""
    return _in_words(name, shelf.add(name, [path], _reporting(told)))


def update(shelf: Shelf, name: str, told: Told) -> str:
    """Read what is new or changed in the documents of a library. Raises LibraryError."""
    if name == SAMPLE:
        shelf.resolve(name, _reporting(told)).close()
        return f"{name} is up to date."
    with closing(shelf.open(name)) as library:
        return _in_words(name, library.update(_reporting(told)))


def embed(shelf: Shelf, name: str, told: Told) -> str:
    """Embed all passages of a library. Raises LibraryError."""
    with closing(shelf.resolve(name)) as library:
        return f"{library.embed(_reporting(told))} passages of {name} are embedded."


def search(shelf: Shelf, name: str, query: str) -> tuple[str, tuple[Exhibit, ...]]:
    """Return the result of the agent's own search tool, and its passages whole.

    Raises LibraryError.
    """
    gathering = load_profile("generic").gathering
    evidence = Evidence()
    with closing(shelf.resolve(name)) as library:
        context = ToolContext(
            library=Collection([library]),
            evidence=evidence,
            question=query,
            count=lambda text: len(text) // _CHARACTERS_A_TOKEN,
            results=gathering.results,
            tokens=gathering.result_tokens,
        )
        result = TOOLS["search"].run({"query": query}, context)
    return result.text, evidence.since(0)


def path_fault(text: str) -> str | None:
    """Return what is wrong with a path that is to be added, or None."""
    try:
        there = bool(text.strip()) and Path(text).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        there = False
    return None if there else "There is nothing at that path."


def _reporting(told: Told) -> Callable[[IndexProgress], None]:
    def report(progress: IndexProgress) -> None:
        told(progress.doing, progress.done, progress.total)

    return report


def _in_words(name: str, done: IndexReport) -> str:
    problems = f", {len(done.problems)} problems: press o" if done.problems else ""
    return (
        f"{name}: {done.added} files added, {done.changed} changed, {done.removed} removed; "
        f"{done.documents} documents, {done.passages} passages{problems}"
    )
