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

from edge_agent.cli.output import diagnostics
from edge_agent.home import Home
from edge_agent.models import (
    CatalogEntry,
    DownloadError,
    InstalledModel,
    ModelStore,
    OfflineError,
    PullProgress,
    RemoteModel,
    load_catalog,
    pull,
    remote_model,
)

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder


def ensure_model(name_or_path: str, home: Home, *, offline: bool) -> InstalledModel:
    """Return a model by name or path, pulled now if it is in the catalogue and not yet here.

    Raises UnknownModel, InvalidModelFile, DownloadError, and OfflineError where `offline`.
    """
    store = ModelStore(home.models)
    model = store.resolve(name_or_path)
    if model is not None:
        return model
    entry = store.catalog.get(name_or_path)
    if offline:
        raise OfflineError(
            f"The model '{entry.name}' is not on this machine, and --offline forbids to download "
            f"it. Pull it while there is a network: miro-edge models pull {entry.name}"
        )
    return pull_with_progress(entry, store)


def installed_embedder(home: Home) -> OnnxEmbedder | None:
    """Return the embedder if it is on this machine. Raises InvalidModelFile."""
    model = ModelStore(home.models).find(load_catalog().embedder)
    return None if model is None else _opened(model)


def ensure_embedder(home: Home, *, offline: bool, quiet: bool = False) -> OnnxEmbedder | None:
    """Return the embedder, pulled now if it is not here; None, and a word, where that fails.

    Raises InvalidModelFile.
    """
    embedder = installed_embedder(home)
    if embedder is not None:
        return embedder
    try:
        return _opened(ensure_model(load_catalog().embedder, home, offline=offline))
    except (DownloadError, OfflineError) as error:
        if not quiet:
            diagnostics().print(f"Searching by words alone. {error}", markup=False)
        return None


def _opened(model: InstalledModel) -> OnnxEmbedder:
    from edge_agent.models.embedder import OnnxEmbedder

    return OnnxEmbedder(model.name, model.path)


def ensure_usable(given: str, home: Home, *, offline: bool) -> InstalledModel | RemoteModel:
    """Return a model by name, path or address; see `ensure_model`.

    Raises OfflineError where `offline` and the address is not on this machine.
    """
    remote = remote_model(given)
    if remote is None:
        return ensure_model(given, home, offline=offline)
    if offline and not remote.is_on_this_machine:
        raise OfflineError(
            f"--offline allows only model servers on this machine, which {remote.url} is not. "
            "Leave --offline out, or use a local model: miro-edge models list"
        )
    return remote


def pull_with_progress(entry: CatalogEntry, store: ModelStore) -> InstalledModel:
    """Pull a model, saying what and how large, and how far it is."""
    size = "of a size the hub knows" if entry.bytes is None else f"{entry.bytes / 1e6:,.0f} MB"
    diagnostics().print(f"Pulling {entry.name} ({size}, {entry.licence})")
    with shown_progress() as report:
        return pull(entry, store, report)


@contextmanager
def shown_progress() -> Iterator[Callable[[PullProgress], None]]:
    """Show progress as a bar on a terminal, else as a line for every tenth."""
    console = diagnostics()
    if not console.is_terminal:
        yield _LinePrinter()
        return
    columns = (
        TextColumn("{task.description}"),
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
