"""Opens models: one that is here is loaded if it fits, one behind a server is connected to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace

from edge_agent.home import Home
from edge_agent.models import (
    DEFAULT_CONTEXT,
    AnySession,
    EngineSettings,
    InstalledModel,
    InvalidModelFile,
    KvType,
    ModelStore,
    RemoteModel,
    TunedSettings,
    UnknownModel,
    load_catalog,
    remote_model,
    require_memory,
    settings_for,
)
from edge_agent.models.remote_model import KEY_VARIABLE
from edge_agent.provisioning import default_model, model_here


def model_at_hand(name: str | None, home: Home) -> InstalledModel | RemoteModel:
    """Return a model that can be opened without a download, by name, path or address.

    None is the default model, or a smaller one where memory is short. Raises UnknownModel where it
    is not here, InvalidModelFile, HashMismatch and ServerError.
    """
    store = ModelStore(home.models)
    given = name or default_model(store, may_pull=False).name
    model = remote_model(given) or model_here(given, store)
    if model is None:
        entry = store.catalog.get(given)
        raise UnknownModel(
            f"The model '{entry.name}' is not on this machine. "
            f"Pull it first: miro-edge models pull {entry.name}"
        )
    return model


def loading_settings(
    model: InstalledModel | RemoteModel,
    home: Home,
    context: int = DEFAULT_CONTEXT,
    kv_type: KvType | None = None,
    *,
    lock: bool = False,
) -> EngineSettings:
    """Return what to load a model with: what was asked for, then what was tuned, then defaults."""
    if isinstance(model, RemoteModel):
        return EngineSettings(context=context)
    tuned = TunedSettings(home.tuning).find(model)
    return settings_for(model, tuned, context=context, kv_type=kv_type, lock=lock)


def open_session(
    model: InstalledModel | RemoteModel, settings: EngineSettings
) -> AbstractContextManager[AnySession]:
    """Load `model`, or connect to it, and lend its session; the end lets it go.

    Of the settings only the window counts for a remote model. Entering raises ModelError when the
    model does not load or does not fit into memory, or the server cannot be used.
    """
    if isinstance(model, RemoteModel):
        return _connected(model, settings.context)
    return _loaded(model, settings)


@contextmanager
def _loaded(model: InstalledModel, settings: EngineSettings) -> Iterator[AnySession]:
    """Load a model that is here, if it fits."""
    if model.header is None:
        raise InvalidModelFile(
            f"The model '{model.name}' cannot write answers. Choose another: miro-edge models list"
        )
    require_memory(model.path, model.header, settings, _other_models(model.name))
    # Imported here: llama.cpp takes half a second to load, and the checks above need none of it.
    from edge_agent.models.engine import Engine
    from edge_agent.models.session import Session

    with Engine(model.path, settings) as engine:
        yield Session(engine)


@contextmanager
def _connected(model: RemoteModel, context: int) -> Iterator[AnySession]:
    """Connect to a model server."""
    from edge_agent.models.chat_server import ChatServer
    from edge_agent.models.remote_session import RemoteSession

    with closing(ChatServer(model)) as server:
        yield RemoteSession(server, context)


def reached(model: RemoteModel, key_variable: str = KEY_VARIABLE) -> RemoteModel:
    """Return a model behind a server that is there, with the name that it has there.

    The server's key, if it has one, is in the environment variable of that name. Raises
    ServerError.
    """
    from edge_agent.models.chat_server import ChatServer

    with closing(ChatServer(model, key_variable)) as server:
        server.reach()
        return replace(model, name=server.name)


def _other_models(name: str) -> dict[str, int]:
    """Return the sizes of the other models of the catalogue that can write answers."""
    catalog = load_catalog()
    return {
        entry.name: size
        for entry in catalog.models
        if entry.name != name and entry.profile and (size := catalog.bytes_of(entry)) is not None
    }
