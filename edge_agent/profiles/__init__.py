"""Profiles: what a model sees and how it is led, one TOML file each."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from edge_agent.errors import ProfileError
from edge_agent.home import typed_path
from edge_agent.models import Sampling

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SUFFIX = ".toml"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prompts(_Frozen):
    """The sentences that a model reads; `{…}` are filled in by the agent."""

    system: str
    """Who it is while it gathers, and what it may do; `{tools}` is the list of tools,
    and `{trained_tools}` the same as MiroThinker models know it."""
    question: str
    """The user's message; `{question}`, and `{date}` of today."""
    steered: str
    """What the user says later on; `{text}`."""
    notes: str
    """What was found before the window was cleared; `{notes}`, a line each."""
    retry: str
    """How the attempt before went; `{searches}` that were made, a line each, and `{notes}`."""
    web: str
    """What an attempt on the web is told of those over the libraries: `{notes}`, a line each."""
    more_tools: str
    """Follows the system prompt where a run has more tools than the profile's own; `{tools}` are
    those. Empty says nothing: `system` lists all."""
    tool_examples: dict[str, str] = {}
    """Follow that: examples for tools that a user may choose, by the name that this model knows."""
    reader: str
    """Who it is while it reads the answer from the passages."""
    reading: str
    """The last message: `{passages}` and then `{question}`."""
    finish: str
    """Asks for the answer where it is given in the window itself; `{question}`."""
    answer: str
    """How the answer begins, before its box."""
    unknown: str
    """The answer that says that the passages do not say."""


class Told(_Frozen):
    """What the model is told by each guard; empty says nothing."""

    malformed: str
    """`{fault}` is what is wrong with the call."""
    duplicate_query: str
    duplicate_result: str
    refusal: str
    repetition: str

    @model_validator(mode="before")
    @classmethod
    def _as_older_files_say(cls, said: object) -> object:
        """Take `no_progress`, too, of which no model is told anything: older profiles say it."""
        if not isinstance(said, dict):
            return said
        return {guard: text for guard, text in said.items() if guard != "no_progress"}


GuardName = Literal[
    "malformed", "duplicate_query", "duplicate_result", "refusal", "repetition", "no_progress"
]


class Guarding(_Frozen):
    """Which guards watch over a run."""

    guards: tuple[GuardName, ...]
    rollbacks: int = Field(ge=0)
    """Most turns that are rolled back in a row."""
    patience: int = Field(gt=0)
    """Calls in a row that may bring nothing that is quoted before the gathering ends."""


class GatheringSettings(_Frozen):
    """How evidence is gathered before the answer is read from it."""

    calls: int = Field(gt=0)
    """Most tool calls of an attempt, where the person who asks does not say otherwise."""
    thoughts: Literal["quoted", "written", "free"]
    """A sentence chosen among those shown; a line of the model's own; or a whole message."""
    quotes: int = Field(gt=0)
    """Most sentences that a turn quotes."""
    leads: Literal["always", "stuck", "never"]
    """When a search begins with a name that was read and not yet looked up: `always`, where quotes
    keep to what was looked up last, too; `stuck`, where nothing helps or a call was made before; or
    `never`."""
    search_first: bool
    """Whether the first step is a search for the question itself."""
    results: int = Field(gt=0)
    """Passages in a search result."""
    named: int = Field(ge=0)
    """Most passages beside them, of documents that those or the question name by their titles."""
    result_tokens: int = Field(gt=0)
    """Tokens of a tool result."""
    thought_tokens: int = Field(gt=0)
    """Most tokens that the model writes by itself before a call."""
    argument_tokens: int = Field(gt=0)
    """Most tokens of the arguments of a call."""

    @field_validator("leads", mode="before")
    @classmethod
    def _as_older_files_say(cls, when: object) -> object:
        """Take yes and no, too: profiles of older runs say so, and are loaded again to go on."""
        return ("never", "always")[when] if isinstance(when, bool) else when


class ReadingSettings(_Frozen):
    """How the answer is read from the passages."""

    at_end: bool
    """Whether it is read with nothing in view but whole passages; else in the window as it is."""
    passages: int = Field(gt=0)
    """Most passages in view when the answer is written."""
    beside: int = Field(ge=0)
    """Most of them that were found and not quoted, where any was quoted."""
    later: int = Field(ge=0)
    """Most passages in view besides, of those that calls after the first found."""
    tokens: int = Field(gt=0)
    """Most tokens of passages in view when the answer is written."""
    answer_tokens: int = Field(gt=0)
    """Most tokens of an answer."""
    reluctance: float = Field(ge=0)
    """By how many nats it must be likelier than any answer that the passages do not say."""
    dates: bool
    """Whether a date that is asked for is chosen among those that stand in the passages."""
    tries: int = Field(gt=0)
    """Most times that it is asked for where none was given in a box."""


class WindowMarks(_Frozen):
    """How full the window may become, as shares of it."""

    high: float = Field(gt=0, le=1)
    """Filled further than this, spans are cut."""
    low: float = Field(gt=0, lt=1)
    """What stays filled after that: cuts are seldom and large."""
    notes: float = Field(ge=0, lt=1)
    """Most that notes of what was found may take."""


class Profile(_Frozen):
    """All that the agent adapts to a model."""

    name: str
    tools: tuple[str, ...] = Field(min_length=1)
    """The tools that it may call, by name."""
    surfaces: dict[str, str] = {}
    """Tools that a user may choose, by name, and the names of those that this model knows them
    as."""
    prompts: Prompts
    told: Told
    sampling: Sampling
    vote_temperature: float = Field(gt=0)
    """Temperature of attempts that vote: without chance all would be the same."""
    gathering: GatheringSettings
    guarding: Guarding
    window: WindowMarks
    reading: ReadingSettings


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that ship with the program."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(Path(name).stem for name in names if name.endswith(_SUFFIX)))


def load_profile(name: str) -> Profile:
    """Return the profile that ships under `name`, or the one in the TOML file of that path.

    A file may begin with `based_on = "generic"` and say only what is different. Raises ProfileError
    when there is none, or it does not satisfy the schema.
    """
    try:
        return Profile(**_values(name))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"The profile '{name}' cannot be read: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ProfileError(
            f"The profile '{name}' cannot be used: {faults}{_hint(error)}"
        ) from error


def _hint(error: ValidationError) -> str:
    """Return what helps a profile that does not say all: later versions have more to say."""
    if all(fault["type"] != "missing" for fault in error.errors()):
        return ""
    return (
        '. Begin the file with based_on = "generic" (or the name of another profile): what it does '
        "not say is taken from there, also what later versions add"
    )


def _values(name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the values of a profile, on top of those that it is based on."""
    if name in seen:
        raise ProfileError(f"The profile '{seen[0]}' is based on itself: {' on '.join(seen)}")
    values: dict[str, Any] = tomllib.loads(_text(name))
    base = values.pop("based_on", None)
    if base is None:
        return values
    return _merged(_values(str(base), (*seen, name)), values)


def _text(name: str) -> str:
    if name in shipped_profiles():
        return (resources.files(__name__) / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    path = typed_path(name)
    if path.suffix != _SUFFIX and not path.is_file():
        raise ProfileError(
            f"There is no profile '{name}'. Use one of: {', '.join(shipped_profiles())}; "
            "or the path of a TOML file of your own."
        )
    return path.read_text(encoding="utf-8")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` made, table by table."""
    result = dict(base)
    for key, value in changes.items():
        before = result.get(key)
        tables = isinstance(value, dict) and isinstance(before, dict)
        result[key] = _merged(before or {}, value) if tables else value
    return result
