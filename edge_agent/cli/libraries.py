"""Libraries for a command: opened by name or path, with progress while they are indexed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from edge_agent.attachments import attached
from edge_agent.cli.ending import closing_when_ended
from edge_agent.cli.output import diagnostics, warner
from edge_agent.cli.pulling import pulled_embedder
from edge_agent.events import AttachedFile
from edge_agent.home import Home
from edge_agent.index import Collection, IndexProgress, Shelf
from edge_agent.models import InvalidModelFile
from edge_agent.provisioning import installed_embedder
from edge_agent.showing import in_one_line

_SECONDS_BETWEEN_LINES = 5.0


def open_shelf(home: Home) -> Shelf:
    """Return the libraries of this machine, searched by meaning too if the embedder is here.

    Where its file is damaged that is told: most can be done without it.
    """
    try:
        embedder = installed_embedder(home)
    except InvalidModelFile as error:
        warner(quiet=False)(f"The embedder cannot be used. {error}")
        embedder = None
    return Shelf(home.libraries, embedder)


def open_libraries(
    names: tuple[str, ...], home: Home, *, quiet: bool, offline: bool = False
) -> Collection:
    """Open libraries by name, or by the path of a folder or file, which is indexed on the fly.

    The embedder is pulled if it is not here, unless `offline`; without it words alone count.
    """
    shelf = Shelf(home.libraries, pulled_embedder(home, offline=offline, quiet=quiet))
    with _reporting(quiet=quiet) as report:
        return Collection([shelf.resolve(name, report, warner(quiet=quiet)) for name in names])


@contextmanager
def open_searched(
    names: tuple[str, ...],
    files: Sequence[AttachedFile],
    home: Home,
    *,
    quiet: bool,
    offline: bool = False,
) -> Iterator[Collection]:
    """Lend libraries as `open_libraries` opens them, and before them `files`, indexed for the time.

    Raises AttachmentError.
    """
    embedder = pulled_embedder(home, offline=offline, quiet=quiet)
    with ExitStack() as opened:
        if files:
            opened.enter_context(closing_when_ended())  # what they say is not to be left behind
        with _reporting(quiet=quiet) as report:
            libraries = opened.enter_context(attached(files, embedder, report))
            shelf = Shelf(home.libraries, embedder)
            warn = warner(quiet=quiet)
            named = (shelf.resolve(name, report, warn) for name in names)
            collection = Collection([*libraries, *named])
        yield collection


def _reporting(*, quiet: bool) -> AbstractContextManager[Callable[[IndexProgress], None]]:
    """Show how far indexing is, unless nothing is to be shown."""
    return nullcontext(lambda _: None) if quiet else indexing_progress()


@contextmanager
def indexing_progress() -> Iterator[Callable[[IndexProgress], None]]:
    """Show how far indexing is: a bar on a terminal, else a line now and then."""
    console = diagnostics()
    if not console.is_terminal:
        yield _LinePrinter()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("{task.fields[passages]:,} passages"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task("Reading files", total=None, passages=0)

        def report(progress: IndexProgress) -> None:
            bar.update(
                shown,
                description=in_one_line(progress.doing),
                completed=progress.done,
                total=progress.total,
                passages=progress.passages,
            )

        yield report


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing before there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class _LinePrinter:
    """Prints a line when indexing begins, and every few seconds while it lasts."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._started = 0.0

    def __call__(self, progress: IndexProgress) -> None:
        now = time.monotonic()
        if self._last is None:
            self._last = self._started = now
            diagnostics().print(in_one_line(f"{progress.doing}: {progress.total:,} to do"))
        elif now - self._last >= _SECONDS_BETWEEN_LINES and progress.done:
            self._last = now
            rate = progress.done / (now - self._started)
            left = (progress.total - progress.done) / rate
            diagnostics().print(
                f"{progress.doing}: {progress.done:,} of {progress.total:,}, "
                f"{progress.passages:,} passages, {rate:,.0f}/s, {left:,.0f} s left"
            )
