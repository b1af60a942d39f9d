"""What a run needs, found on this machine or downloaded: models and the embedder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from edge_agent.home import Home
from edge_agent.models import (
    CatalogEntry,
    DownloadError,
    EngineSettings,
    InstalledModel,
    ModelStore,
    OfflineError,
    RemoteModel,
    free_memory,
    memory_need,
    remote_model,
)

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder

Puller: TypeAlias = Callable[[CatalogEntry, ModelStore], InstalledModel]
"""Downloads a model of the catalogue, and shows how far it is; None instead of one: nobody may."""


@dataclass(frozen=True, slots=True)
class DefaultModel:
    """The model that answers where none is named."""

    name: str
    note: str | None = None
    """Why it is a smaller one than usual, in words; None where it is not."""


def default_model(store: ModelStore, *, may_pull: bool) -> DefaultModel:
    """Return the default model, or a smaller one where less memory is free than the default wants.

    One that is not on this machine answers only where it may be pulled, and where the default is
    not here either, or cannot be loaded: who pulled that, may have no network now.
    """
    catalog, free = store.catalog, free_memory()
    small = catalog.default_small and catalog.find(catalog.default_small)
    if not small or free >= catalog.default_memory:
        return DefaultModel(catalog.default)
    if store.without_download(small) is None and (not may_pull or _can_be_loaded(store, free)):
        return DefaultModel(catalog.default)
    return DefaultModel(
        small.name,
        f"{free / 1e9:.1f} GB of memory are free, and {catalog.default} is for "
        f"{catalog.default_memory / 1e9:.1f} GB or more: {small.name} answers instead. "
        f"Name {catalog.default} to use it all the same.",
    )


def _can_be_loaded(store: ModelStore, free: int) -> bool:
    """Tell whether the default model is on this machine and fits into what is free."""
    model = store.without_download(store.catalog.get(store.catalog.default))
    if model is None or model.header is None:
        return False
    smallest = EngineSettings(kv_type="q8_0")
    return memory_need(model.bytes, model.header, smallest).total <= free


def ensure_model(name_or_path: str, home: Home, pull: Puller | None) -> InstalledModel:
    """Return a model by name or path, pulled now if it is in the catalogue and not yet here.

    Raises UnknownModel, InvalidModelFile, DownloadError, and OfflineError where nobody may pull.
    """
    store = ModelStore(home.models)
    model = model_here(name_or_path, store)
    if model is not None:
        return model
    entry = store.catalog.get(name_or_path)
    if pull is None:
        raise OfflineError(
            f"The model '{entry.name}' is not on this machine, and --offline forbids to download "
            f"it. Pull it while there is a network: miro-edge models pull {entry.name}"
        )
    return pull(entry, store)


def model_here(name_or_path: str, store: ModelStore) -> InstalledModel | None:
    """Return a model by name or path, or None for one of the catalogue that has to be pulled.

    A student is here as soon as its base is. Raises UnknownModel, InvalidModelFile, HashMismatch.
    """
    entry = store.catalog.find(name_or_path)
    return store.resolve(name_or_path) if entry is None else store.without_download(entry)


def ensure_usable(given: str, home: Home, pull: Puller | None) -> InstalledModel | RemoteModel:
    """Return a model by name, path or address; see `ensure_model`.

    Raises OfflineError where nothing may be downloaded and the address is not on this machine.
    """
    remote = remote_model(given)
    if remote is None:
        return ensure_model(given, home, pull)
    if pull is None and not remote.is_on_this_machine:
        raise OfflineError(
            f"--offline allows only model servers on this machine, which {remote.url} is not. "
            "Leave --offline out, or use a local model: miro-edge models list"
        )
    return remote


def lost_without(name: str, store: ModelStore) -> str:
    """Say which models on this machine could not be used without one; nothing where none is."""
    needing = ", ".join(store.needing(name))
    return needing and f"It is the base of {needing}, which cannot be used without it."


def installed_embedder(home: Home) -> OnnxEmbedder | None:
    """Return the embedder if it is on this machine. Raises InvalidModelFile."""
    store = ModelStore(home.models)
    model = store.find(store.catalog.embedder)
    return None if model is None else _opened(model)


def ensure_embedder(
    home: Home, pull: Puller | None, warn: Callable[[str], None]
) -> OnnxEmbedder | None:
    """Return the embedder, pulled now if it is not here; None, and a warning, where that fails.

    Raises InvalidModelFile.
    """
    embedder = installed_embedder(home)
    if embedder is not None:
        return embedder
    try:
        name = ModelStore(home.models).catalog.embedder
        return _opened(ensure_model(name, home, pull))
    except (DownloadError, OfflineError) as error:
        warn(f"Searching by words alone. {error}")
        return None


def _opened(model: InstalledModel) -> OnnxEmbedder:
    from edge_agent.models.embedder import OnnxEmbedder

    return OnnxEmbedder(model.name, model.path)
