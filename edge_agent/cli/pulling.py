"""Getting a model, with progress: what `ask` and `models` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from edge_agent import provisioning
from edge_agent.cli.output import diagnostics, warner
from edge_agent.home import Home
from edge_agent.models import (
    CatalogEntry,
    InstalledModel,
    ModelStore,
    PullProgress,
    RemoteModel,
    megabytes,
    pull,
)

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder


def pulled_model(name_or_path: str, home: Home, *, offline: bool) -> InstalledModel:
    """Return a model by name or path, pulled with progress if it is not here and may be.

    Raises as `provisioning.ensure_model`.
    """
    return provisioning.ensure_model(name_or_path, home, _puller(offline=offline, quiet=False))


def ensure_wanted(
    given: str | None, home: Home, *, offline: bool, quiet: bool
) -> InstalledModel | RemoteModel:
    """Return the model that is named, or the default one; see `pulled_usable`.

    Where memory is short the default is a smaller one, with a word about it unless `quiet`.
    """
    if given is not None:
        return pulled_usable(given, home, offline=offline, quiet=quiet)
    default = provisioning.default_model(ModelStore(home.models), may_pull=not offline)
    if default.note is not None and not quiet:
        diagnostics().print(default.note)
    return pulled_usable(default.name, home, offline=offline, quiet=quiet)


def pulled_usable(
    given: str, home: Home, *, offline: bool, quiet: bool = False
) -> InstalledModel | RemoteModel:
    """Return a model by name, path or address, pulled if it is not here and may be.

    How far that is is shown unless `quiet`. Raises as `provisioning.ensure_usable`.
    """
    return provisioning.ensure_usable(given, home, _puller(offline=offline, quiet=quiet))


def pulled_embedder(home: Home, *, offline: bool, quiet: bool = False) -> OnnxEmbedder | None:
    """Return the embedder, pulled now if it is not here; None, and a word, where that fails.

    Raises InvalidModelFile.
    """
    puller = _puller(offline=offline, quiet=quiet)
    return provisioning.ensure_embedder(home, puller, warner(quiet=quiet))


def _puller(*, offline: bool, quiet: bool) -> provisioning.Puller | None:
    if offline:
        return None
    return _pull_quietly if quiet else pull_with_progress


def _pull_quietly(entry: CatalogEntry, store: ModelStore) -> InstalledModel:
    return pull(entry, store, lambda _: None)


def pull_with_progress(entry: CatalogEntry, store: ModelStore) -> InstalledModel:
    """Pull a model, saying what and how large, and how far it is."""
    fetched = entry if entry.base is None else store.catalog.get(entry.base)
    count = store.catalog.bytes_of(fetched)
    size = "of a size the hub knows" if count is None else f"{megabytes(count)} MB"
    base = "" if fetched is entry else f"its base {fetched.name}, "
    diagnostics().print(f"Pulling {entry.name} ({base}{size}, {fetched.licence})")
    with download_progress() as report:
        return pull(entry, store, report)


@contextmanager
def download_progress() -> Iterator[Callable[[PullProgress], None]]:
    """Show progress as a bar on a terminal, else as a line for every tenth."""
    console = diagnostics()
    if not console.is_terminal:
        yield _LinePrinter()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        shown: dict[tuple[str, str], TaskID] = {}

        def report(progress: PullProgress) -> None:
            key = (progress.file, progress.doing)
            if key not in shown:  # one line at a time: what came before it has ended
                for ended in shown.values():
                    bar.remove_task(ended)
                shown.clear()
                shown[key] = bar.add_task(progress.doing, total=progress.total)
            bar.update(shown[key], completed=progress.done)

        yield report


class _LinePrinter:
    """Prints a line whenever something else begins, and for every tenth of a download."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str, int]] = set()

    def __call__(self, progress: PullProgress) -> None:
        downloading = progress.total and progress.doing.startswith("downloading")
        tenth = 10 * progress.done // progress.total if progress.total and downloading else 0
        line = (progress.file, progress.doing, tenth)
        if line not in self._said:
            self._said.add(line)
            share = f", {tenth * 10} %" if downloading else ""
            diagnostics().print(f"{progress.file}: {progress.doing}{share}")
