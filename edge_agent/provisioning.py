"""What a run needs, found on this machine or downloaded: models and the embedder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from edge_agent.home import Home
from edge_agent.models import (
    CatalogEntry,
    DownloadError,
    InstalledModel,
    ModelStore,
    OfflineError,
    RemoteModel,
    load_catalog,
    remote_model,
)

if TYPE_CHECKING:
    from edge_agent.models.embedder import OnnxEmbedder

Puller: TypeAlias = Callable[[CatalogEntry, ModelStore], InstalledModel]
"""Downloads a model of the catalogue, and shows how far it is; None instead of one: nobody may."""


def ensure_model(name_or_path: str, home: Home, pull: Puller | None) -> InstalledModel:
    """Return a model by name or path, pulled now if it is in the catalogue and not yet here.

    Raises UnknownModel, InvalidModelFile, DownloadError, and OfflineError where nobody may pull.
    """
    store = ModelStore(home.models)
    model = store.resolve(name_or_path)
    if model is not None:
        return model
    entry = store.catalog.get(name_or_path)
    if pull is None:
        raise OfflineError(
            f"The model '{entry.name}' is not on this machine, and --offline forbids to download "
            f"it. Pull it while there is a network: miro-edge models pull {entry.name}"
        )
    return pull(entry, store)


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


def installed_embedder(home: Home) -> OnnxEmbedder | None:
    """Return the embedder if it is on this machine. Raises InvalidModelFile."""
    model = ModelStore(home.models).find(load_catalog().embedder)
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
        return _opened(ensure_model(load_catalog().embedder, home, pull))
    except (DownloadError, OfflineError) as error:
        warn(f"Searching by words alone. {error}")
        return None


def _opened(model: InstalledModel) -> OnnxEmbedder:
    from edge_agent.models.embedder import OnnxEmbedder

    return OnnxEmbedder(model.name, model.path)
