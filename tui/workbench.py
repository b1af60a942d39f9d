"""What stays open between questions: the model in memory, the embedder, the libraries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge_agent.errors import AgentError
from edge_agent.home import Home
from edge_agent.index import Collection, IndexProgress, Library, Shelf
from edge_agent.model_opening import loading_settings, open_session
from edge_agent.models import (
    AnySession,
    InstalledModel,
    KvType,
    ModelStore,
    PullProgress,
    RemoteModel,
    Tuned,
    TunedSettings,
    pull,
)
from edge_agent.provisioning import (
    DefaultModel,
    Puller,
    default_model,
    ensure_embedder,
    ensure_usable,
)

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder

PULL_LEFT = "What is downloaded already stays: the next pull goes on from there."
"""What there is where a pull is stopped."""


class WorkbenchTaken(AgentError):
    """Something else needs the model too."""


class ReportProgress(Protocol):
    """What takes reports of how far something is."""

    def __call__(self, doing: str, done: int = 0, total: int | None = None) -> None:
        """Take note of what is being done, and how much of it is."""


@dataclass(frozen=True, slots=True)
class Loading:
    """How a model is to be loaded; what is left open the memory that is free then decides."""

    context: int
    """Window, in tokens."""
    kv_type: KvType | None
    """Type of the cache; None is what fits."""
    lock: bool
    """Whether the system is asked never to swap the model out."""


class Workbench:
    """Opens what a run needs and keeps it; used by one thread at a time."""

    def __init__(self, home: Home) -> None:
        """Keep what lies under `home`; nothing is loaded before it is needed."""
        self.home = home
        self._session_in = ExitStack()
        self._session: AnySession | None = None
        self._loaded: tuple[InstalledModel | RemoteModel, Loading, Tuned | None] | None = None
        self._default: DefaultModel | None = None
        self._embedder: OnnxEmbedder | None = None
        self._libraries: tuple[Library, ...] = ()
        self._taken = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have the workbench to oneself. Raises WorkbenchTaken where another thread has it."""
        if not self._taken.acquire(blocking=False):
            raise WorkbenchTaken(
                "The model is needed by something that is still being done: a run, or a "
                "measurement. Wait until that has ended, or stop it."
            )
        try:
            yield
        finally:
            self._taken.release()

    def default_model(self, store: ModelStore, *, offline: bool) -> DefaultModel:
        """Return the model for questions where none is named, chosen once by the memory free then.

        Later it would count as taken what this model takes itself.
        """
        if self._default is None:
            self._default = default_model(store, may_pull=not offline)
        return self._default

    def model(
        self, name: str, report: ReportProgress, *, offline: bool
    ) -> InstalledModel | RemoteModel:
        """Return a model, pulled now if it is not here. Raises ModelError."""
        return ensure_usable(name, self.home, None if offline else puller(report))

    def session(self, model: InstalledModel | RemoteModel, loading: Loading) -> AnySession:
        """Return the session of a model; it stays loaded until something else is wanted.

        Raises ModelError where it cannot be loaded or does not fit.
        """
        wanted = (model, loading, self._tuned(model))
        if self._session is None or self._loaded != wanted:
            self.let_go()  # first: what it takes would count as taken when it is seen what fits
            settings = loading_settings(
                model, self.home, loading.context, loading.kv_type, lock=loading.lock
            )
            self._session = self._session_in.enter_context(open_session(model, settings))
            self._loaded = wanted
        return self._session

    def _tuned(self, model: InstalledModel | RemoteModel) -> Tuned | None:
        """Return what was measured for a model on this machine, which may be new."""
        if isinstance(model, RemoteModel):
            return None
        return TunedSettings(self.home.tuning).find(model)

    def libraries(
        self,
        names: Iterable[str],
        report: ReportProgress,
        warn: Callable[[str], None],
        *,
        offline: bool,
    ) -> Collection:
        """Return libraries by name or path, indexed now where they are not.

        Where there is no embedder to be had, or another process is writing one of them, `warn` is
        told. Raises LibraryError.
        """
        self._close_libraries()
        if self._embedder is None:
            self._embedder = ensure_embedder(self.home, None if offline else puller(report), warn)
        shelf = Shelf(self.home.libraries, self._embedder)
        self._libraries = tuple(shelf.resolve(name, indexing(report), warn) for name in names)
        return Collection(self._libraries)

    @property
    def embedder(self) -> OnnxEmbedder | None:
        """What libraries are searched by meaning with, known once some were opened."""
        return self._embedder

    def let_go(self) -> None:
        """Free the memory that the model takes."""
        self._session, self._loaded = None, None
        self._session_in.close()

    def _close_libraries(self) -> None:
        for library in self._libraries:
            library.close()
        self._libraries = ()


def indexing(report: ReportProgress) -> Callable[[IndexProgress], None]:
    """Return what takes note of how far a library is indexed, reporting it."""
    return lambda progress: report(progress.doing, progress.done, progress.total)


def puller(report: ReportProgress) -> Puller:
    """Return what downloads a model, reporting how far it is."""

    def pulling(progress: PullProgress) -> None:
        report(f"{progress.file}: {progress.doing}", progress.done, progress.total)

    return lambda entry, store: pull(entry, store, pulling)
