"""Puts an agent together: a model file, its session, a collection of libraries, a profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge_agent.agent import Agent, AgentSettings
from edge_agent.index import Collection
from edge_agent.models import EngineSettings, InstalledModel, InvalidModelFile, require_memory
from edge_agent.profiles import load_profile


@contextmanager
def assembled(
    model: InstalledModel,
    library: Collection,
    settings: AgentSettings,
    *,
    context: int,
    profile: str | None = None,
) -> Iterator[Agent]:
    """Load `model` with a window of `context` tokens and lend an agent; the end unloads it.

    `profile` is the model's own unless named. Raises ModelError when the model does not load or
    does not fit into memory, and ProfileError.
    """
    chosen = load_profile(profile or model.profile)
    if model.header is None:
        raise InvalidModelFile(
            f"The model '{model.name}' cannot write answers. Choose another: miro-edge models list"
        )
    engine_settings = EngineSettings(context=context)
    require_memory(model.path, model.header, engine_settings)
    # Imported here: llama.cpp takes half a second to load, and the checks above need none of it.
    from edge_agent.models.engine import Engine
    from edge_agent.models.session import Session

    with Engine(model.path, engine_settings) as engine:
        yield Agent(Session(engine), library, chosen, settings)
