"""Puts an agent together: a model, its session, a collection of libraries, a profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from edge_agent.agent import Agent, AgentSettings
from edge_agent.index import Collection
from edge_agent.models import (
    AnySession,
    EngineSettings,
    InstalledModel,
    InvalidModelFile,
    RemoteModel,
    load_catalog,
    require_memory,
)
from edge_agent.profiles import load_profile


@contextmanager
def assembled(
    model: InstalledModel | RemoteModel,
    library: Collection,
    settings: AgentSettings,
    engine_settings: EngineSettings,
    *,
    profile: str | None = None,
) -> Iterator[Agent]:
    """Load `model`, or connect to it, and lend an agent; the end unloads it.

    Of the engine's settings only the window counts for a remote model. `profile` is the model's own
    unless named. Raises ModelError when the model does not load or does not fit into memory, or the
    server cannot be used, and ProfileError.
    """
    chosen = load_profile(profile or model.profile)
    opened = (
        _connected(model, engine_settings.context)
        if isinstance(model, RemoteModel)
        else _loaded(model, engine_settings)
    )
    with opened as session:
        yield Agent(session, library, chosen, settings)


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


def _other_models(name: str) -> dict[str, int]:
    """Return the sizes of the other models of the catalogue that can write answers."""
    return {
        entry.name: entry.bytes
        for entry in load_catalog().models
        if entry.name != name and entry.profile and entry.bytes is not None
    }
