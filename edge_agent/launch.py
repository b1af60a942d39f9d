"""How a question becomes a run: what was asked for, checked and made into an agent's settings."""

from __future__ import annotations

from pathlib import Path

from edge_agent.agent import AgentSettings
from edge_agent.config import AskSettings
from edge_agent.events import AttachedFile
from edge_agent.home import Home
from edge_agent.index import SAMPLE, Shelf
from edge_agent.models import InstalledModel, RemoteModel
from edge_agent.profiles import Profile, load_profile, shipped_profiles

VOTERS = 3
"""Attempts where a vote is asked for, and their number is not."""


def check_names(wanted: AskSettings, home: Home) -> Profile | None:
    """Return the profile that is asked for, if one is, before anything is downloaded or loaded.

    Raises UnknownLibrary for a slip in a library's name, and ProfileError.
    """
    for name in wanted.libraries:
        Shelf(home.libraries).check(name)
    return None if wanted.profile is None else load_profile(wanted.profile)


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
        model=chosen.title if isinstance(chosen, RemoteModel) else chosen.name,
        model_source=_model_source(chosen, wanted.model),
        libraries=tuple(_library_source(name, home) for name in wanted.libraries),
        files=files,
        profile_source=_profile_source(wanted.profile, chosen),
        tools=wanted.tools,
        prefixes=home.prefixes,
    )


def _model_source(chosen: InstalledModel | RemoteModel, given: str | None) -> str:
    """Return how a model can be asked for again, from any folder."""
    if isinstance(chosen, RemoteModel):
        return given or chosen.url
    return str(chosen.path.resolve()) if chosen.sha256 is None else chosen.name


def _library_source(given: str, home: Home) -> str:
    """Return how a library can be asked for again, from any folder."""
    is_name = given in (SAMPLE, *Shelf(home.libraries).names())
    return given if is_name else str(Path(given).expanduser().resolve())


def _profile_source(given: str | None, chosen: InstalledModel | RemoteModel) -> str:
    """Return how a profile can be asked for again, from any folder; the model's own has a name."""
    if given is None:
        return chosen.profile
    return given if given in shipped_profiles() else str(Path(given).expanduser().resolve())
