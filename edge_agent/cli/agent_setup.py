"""An agent for a command: what it needs is opened with progress, and let go at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge_agent.agent import Agent, AgentSettings
from edge_agent.cli.libraries import open_searched
from edge_agent.cli.tools import opened_extras
from edge_agent.events import AttachedFile
from edge_agent.home import Home
from edge_agent.launch import web_beside
from edge_agent.model_opening import open_session
from edge_agent.models import EngineSettings, InstalledModel, RemoteModel
from edge_agent.profiles import Profile


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run searches and uses, by name and path, and how it is opened."""

    libraries: tuple[str, ...]
    files: tuple[AttachedFile, ...]
    tools: tuple[str, ...]
    web: bool
    offline: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Led:
    """A model, what it is loaded with, and how it is led."""

    model: InstalledModel | RemoteModel
    loading: EngineSettings
    profile: Profile


@contextmanager
def opened_agent(needs: Needs, led: Led, settings: AgentSettings, home: Home) -> Iterator[Agent]:
    """Open what a run needs, the model last, and lend the agent. Raises what opening them does."""
    offline, quiet = needs.offline, needs.quiet
    searched = open_searched(needs.libraries, needs.files, home, quiet=quiet, offline=offline)
    with searched as library:
        web = web_beside(library, home, wanted=needs.web, offline=offline)
        tools = opened_extras(needs.tools, led.profile, web, offline=offline, quiet=quiet)
        with tools as extras, open_session(led.model, led.loading) as session:
            yield Agent(library, session, profile=led.profile, settings=settings, extras=extras)
