"""How a question becomes a run: what was asked for, checked and made into an agent's settings."""

from __future__ import annotations

from edge_agent.agent import AgentSettings, source_of, title_of
from edge_agent.attachments import named_files
from edge_agent.config import AskSettings, load_config
from edge_agent.events import AttachedFile, RunStarted
from edge_agent.extras import check_tools
from edge_agent.home import Home, typed_path
from edge_agent.index import SAMPLE, Collection, Searched, Shelf
from edge_agent.models import InstalledModel, RemoteModel
from edge_agent.profiles import Profile, load_profile, shipped_profiles

VOTERS = 3
"""Attempts where a vote is asked for, and their number is not."""


def check_names(wanted: AskSettings, home: Home) -> Profile | None:
    """Return the profile that is asked for, if one is, before anything is downloaded or loaded.

    Raises UnknownLibrary for a slip in a library's name, ProfileError, ToolboxError for a tool that
    cannot be had, and ConfigError where the web that is wanted lacks something.
    """
    for name in wanted.libraries:
        Shelf(home.libraries).check(name)
    check_tools(wanted.tools, offline=wanted.offline)
    if wanted.web and not wanted.offline:
        # Imported here: who does not ask for the web does not load what talks to it.
        from edge_agent.web import check_engine

        check_engine(load_config(home.config).web)
    return None if wanted.profile is None else load_profile(wanted.profile)


def check_at_hand(started: RunStarted, home: Home, *, offline: bool) -> tuple[AttachedFile, ...]:
    """Return the files that a run was asked about as they are now, all else being at hand too.

    The model is not looked for. Raises AttachmentError where a file is gone, and what `check_names`
    raises.
    """
    begun_with = {
        "libraries": started.libraries,
        "profile": started.profile_source or started.profile,
        "tools": started.tools,
        "web": started.web,
        "offline": offline,
    }
    check_names(AskSettings().model_copy(update=begun_with), home)
    return named_files(file.path for file in started.files)


def web_beside(library: Collection, home: Home, *, wanted: bool, offline: bool) -> Searched | None:
    """Return the web, to be searched where `library` does not answer; None where it is not wanted.

    With `offline` it is what is kept of the web. Raises ConfigError where something that it needs
    is not set or not installed, and AgentError.
    """
    if not wanted:
        return None
    # Imported here: who does not ask for the web does not load what talks to it.
    from edge_agent.web import open_web

    return open_web(load_config(home.config).web, home, library.embedder, offline=offline)


def agent_settings(
    wanted: AskSettings,
    chosen: InstalledModel | RemoteModel,
    home: Home,
    files: tuple[AttachedFile, ...] = (),
) -> AgentSettings:
    """Return an agent's settings for what is wanted, with `chosen` as the model."""
    return AgentSettings(
        max_calls=wanted.max_calls,
        max_seconds=wanted.max_time,
        max_tokens=wanted.max_tokens,
        attempts=wanted.attempts or (VOTERS if wanted.vote else 1),
        vote=wanted.vote,
        seed=wanted.seed,
        model=title_of(chosen),
        model_source=_model_source(chosen, wanted.model),
        libraries=tuple(_library_source(name, home) for name in wanted.libraries),
        files=files,
        profile_source=_profile_source(wanted.profile, chosen),
        tools=wanted.tools,
        prefixes=home.prefixes,
    )


def _model_source(chosen: InstalledModel | RemoteModel, given: str | None) -> str:
    """Return how a model can be asked for again, from any folder."""
    return given if given and isinstance(chosen, RemoteModel) else source_of(chosen)


def _library_source(given: str, home: Home) -> str:
    """Return how a library can be asked for again, from any folder."""
    is_name = given in (SAMPLE, *Shelf(home.libraries).names())
    return given if is_name else str(typed_path(given).resolve())


def _profile_source(given: str | None, chosen: InstalledModel | RemoteModel) -> str:
    """Return how a profile can be asked for again, from any folder; the model's own has a name."""
    if given is None:
        return chosen.profile
    return given if given in shipped_profiles() else str(typed_path(given).resolve())
