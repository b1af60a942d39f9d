"""Libraries for a command: opened by name or path, with progress while they are indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from edge_agent.cli.output import diagnostics
from edge_agent.home import Home
from edge_agent.index import Collection, IndexProgress, Shelf


def open_libraries(names: tuple[str, ...], home: Home, *, quiet: bool) -> Collection:
    """Open libraries by name, or by the path of a folder or file, which is indexed on the fly."""
    shelf = Shelf(home.libraries)
    if quiet:
        return Collection(shelf.resolve(name) for name in names)
    with indexing_progress() as report:
        return Collection([shelf.resolve(name, report) for name in names])


@contextmanager
def indexing_progress() -> Iterator[Callable[[IndexProgress], None]]:
    """Show how far indexing is: a bar on a terminal, else one line when it begins."""
    console = diagnostics()
    if not console.is_terminal:
        said: list[bool] = []

        def tell(progress: IndexProgress) -> None:
            if not said:
                said.append(True)
                console.print(f"Indexing {progress.total} files…")

        yield tell
        return
    columns = (
        TextColumn("Indexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("indexing", total=None)

        def report(progress: IndexProgress) -> None:
            bar.update(task, completed=progress.done, total=progress.total)

        yield report
