"""Profiles: what a model sees and how it is led, one TOML file each."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_agent.errors import ProfileError
from edge_agent.models import Sampling

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prompts(_Frozen):
    """The sentences that a model reads; `{…}` are filled in by the agent."""

    system: str
    """Who it is while it gathers, and what it may do; `{tools}` is the list of tools."""
    question: str
    """The user's message; `{question}`."""
    reader: str
    """Who it is while it reads the answer from the passages."""
    reading: str
    """The last message: `{passages}` and then `{question}`."""
    answer: str
    """How the answer begins, before its box."""
    unknown: str
    """The answer that says that the passages do not say."""
    repeated: str
    """What it is told when it searched for the same thing again."""


class Gathering(_Frozen):
    """How evidence is gathered before the answer is read from it."""

    steps: int = Field(gt=0)
    """Most tool calls that the model makes by itself before it reads."""
    results: int = Field(gt=0)
    """Passages in a search result."""
    result_tokens: int = Field(gt=0)
    """Tokens of a tool result."""
    argument_tokens: int = Field(gt=0)
    """Most tokens of the arguments of a call."""
    rollbacks: int = Field(gt=0)
    """Most turns that are rolled back in a row."""


class Reading(_Frozen):
    """How the answer is read from the passages."""

    passages: int = Field(gt=0)
    """Most passages in view when the answer is written."""
    tokens: int = Field(gt=0)
    """Most tokens of passages in view when the answer is written."""
    answer_tokens: int = Field(gt=0)
    """Most tokens of an answer."""


class Profile(_Frozen):
    """All that the agent adapts to a model."""

    name: str
    prompts: Prompts
    sampling: Sampling
    gathering: Gathering
    reading: Reading


def load_profile(name: str) -> Profile:
    """Return the profile that ships under `name`.

    Raises ProfileError when there is none, or it does not satisfy the schema.
    """
    folder = resources.files(__name__)
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = sorted(
            Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml")
        )
        raise ProfileError(f"There is no profile '{name}'. Use one of: {', '.join(known)}")
    try:
        return Profile(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ProfileError(f"The profile '{name}' cannot be used: {error}") from error
