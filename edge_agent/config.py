"""The one file from which commands and the terminal interface read their defaults."""

from __future__ import annotations

import difflib
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from edge_agent.errors import ConfigError
from edge_agent.models import DEFAULT_CONTEXT, KvType
from edge_agent.models.whole_file import whole_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HEADING = "# Settings of miro-edge. What is not here has its default: miro-edge config\n"
_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,]+))')
"""An item of a list: in quotes, where a quote is written twice, or as it is up to the comma."""

_HIDDEN = "(hidden)"
"""What is shown in place of a key."""

_EXPECTED = {
    "bool_parsing": "yes or no",
    "bool_type": "yes or no",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number with an end",
    "dict_type": "a table",
    "model_type": "a table",
    "string_pattern_mismatch": "an address: http://… or https://…",
    "string_type": "a text",
    "tuple_type": "a list of texts",
    "too_short": "a list of one text or more",
}
"""What Pydantic's kinds of faults mean to people who know no Python; others say it well."""


def _named(value: object) -> object:
    """Return the name in `value`; a blank one is none."""
    return value.strip() or None if isinstance(value, str) else value


_Name = Annotated[str | None, BeforeValidator(_named)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskSettings(_Frozen):
    """How a question is answered, where its asker does not say otherwise."""

    libraries: tuple[str, ...] = Field(
        default=("sample",), min_length=1, description="Libraries by name, or folders and files."
    )
    """What is searched."""
    model: _Name = Field(
        default=None, description="A model by name, a GGUF file, or a server's address."
    )
    """The model; none is the catalogue's default."""
    profile: _Name = Field(
        default=None, description="How the model is led, by name, or a TOML file."
    )
    """The profile; none is the model's own."""
    context: int = Field(
        default=DEFAULT_CONTEXT, ge=64, description="The model's window, in tokens."
    )
    """Size of the window, in tokens."""
    kv_type: KvType | None = Field(default=None, description="Type of the key-value cache.")
    """Type of the cache; none is f16 while it fits into memory, else q8_0."""
    mlock: bool = Field(default=False, description="Ask the system never to swap the model out.")
    """Whether the model is kept from being swapped out."""
    max_calls: int | None = Field(default=None, ge=1, description="Most tool calls of an attempt.")
    """Most tool calls of an attempt; none is the profile's own limit."""
    max_time: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Seconds after which it answers from what was found.",
    )
    """Seconds after which it answers; none is no limit."""
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens after which it answers from what was found."
    )
    """Tokens, read and written, after which it answers; none is no limit."""
    attempts: int | None = Field(
        default=None, ge=1, description="Most attempts while no answer is found, or votes."
    )
    """Most attempts; none is one, or three that vote."""
    vote: bool = Field(
        default=False, description="Make all attempts, and take the majority's answer."
    )
    """Whether the attempts vote."""
    tools: tuple[str, ...] = Field(
        default=(), description="Tools beside those that the model has anyway."
    )
    """What the model may use beside its profile's own tools."""
    web: bool = Field(
        default=False, description="Search the web where the libraries do not answer."
    )
    """Whether the web is searched after the libraries."""
    seed: int = Field(
        default=0, description="Same seed, machine and number of threads: same answer."
    )
    """Where the drawing of tokens begins."""
    offline: bool = Field(default=False, description="Never download, and use no server elsewhere.")
    """Whether the network is left alone."""


class WebSettings(_Frozen):
    """How the web is searched, where that was asked for."""

    engine: Literal["ddgs", "searxng", "serper", "tavily", "brave"] = Field(
        default="ddgs", description="Search engine; all but ddgs and searxng want a key."
    )
    """Who is asked."""
    address: _Name = Field(
        default=None, description="Where the search engine is, if not at its own address."
    )
    """Where the engine is; none is its own address, which SearXNG has not."""
    key: _Name = Field(
        default=None,
        description="Key of the search engine.",
        repr=False,
        json_schema_extra={"secret": True},
    )
    """The engine's key, which an environment variable may hold instead."""
    allow: tuple[str, ...] = Field(
        default=(), description="Hosts and networks to read from that are not public."
    )
    """What may be visited besides the public web: hosts, IP addresses, networks."""
    pages: int = Field(default=4, ge=1, le=10, description="Pages that are read for a search.")
    """How many pages are read for a search; of the others the engine's words count."""
    page_seconds: float = Field(
        default=10, gt=0, le=120, description="Longest that the fetching of a page may take."
    )
    """Seconds that a page may take to come, all redirects included."""
    cache_days: float = Field(
        default=7,
        ge=0,
        allow_inf_nan=False,
        description="Days until what was found is looked up again.",
    )
    """Days for which an answer or a page is not asked for again."""
    cache_mb: float = Field(
        default=200,
        gt=0,
        allow_inf_nan=False,
        description="Most megabytes that are kept of the web.",
    )
    """Megabytes of answers and pages; the oldest make room."""


class InterfaceSettings(_Frozen):
    """How the terminal interface looks."""

    theme: Literal["dark", "light", "contrast"] = Field(
        default="dark", description="Colours of the terminal interface."
    )
    """The colours."""
    motion: bool = Field(
        default=True, description="Whether anything moves: spinners, smooth scrolling."
    )
    """Whether anything moves by itself."""
    ascii: bool = Field(default=False, description="Draw lines and signs in plain ASCII.")
    """Whether lines and signs are plain ASCII."""


class McpServer(_Frozen):
    """A server of tools over MCP: a program that is started, or an address."""

    command: str | None = Field(default=None, min_length=1)
    """The program, by its name on the path or its own path."""
    args: tuple[str, ...] = ()
    """Its arguments."""
    env: dict[str, str] = {}
    """Variables of its environment, beside the few that every program needs."""
    cwd: str | None = None
    """The folder that it is started in; none is the present one."""
    url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+")
    """The address of a server that runs already (streamable HTTP)."""
    headers: dict[str, str] = {}
    """Headers of every request to it."""
    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Seconds that it may take to be ready, and for each call."""
    tools: tuple[str, ...] = ()
    """The tools that it may be asked for; none is all of them."""

    @model_validator(mode="after")
    def _reached_one_way(self) -> McpServer:
        """Refuse what is neither a program nor an address, or both."""
        if (self.command is None) == (self.url is None):
            raise ValueError("a table with either a command or a url")
        if self.command is None and (self.args or self.env or self.cwd):
            raise ValueError("a table with headers, and not args, env or cwd, beside its url")
        if not all(each.isprintable() for each in self.headers.values()):
            raise ValueError("a table with headers, each in one line, beside its url")
        if self.url is None and self.headers:
            raise ValueError("a table with args, env and cwd, and not headers, beside its command")
        return self


_ServerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class Config(_Frozen):
    """All settings, a table of the file each, and the servers of tools, which are none."""

    ask: AskSettings = AskSettings()
    """How questions are answered."""
    web: WebSettings = WebSettings()
    """How the web is searched."""
    tui: InterfaceSettings = InterfaceSettings()
    """How the terminal interface looks."""
    mcp: dict[_ServerName, McpServer] = {}
    """Servers of tools that a run may choose, by name: only written by hand."""


Kind: TypeAlias = Literal["text", "number", "switch", "choice", "list"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What can be set, and how a face asks for it."""

    key: str
    """Table and name, as in `ask.context`."""
    description: str
    """What it is, in one short sentence."""
    kind: Kind
    """How its text is read."""
    choices: tuple[str, ...]
    """What it may be, where its kind is a choice."""
    optional: bool
    """Whether it may be left without a value."""
    default: str
    """Its default, as text."""
    secret: bool
    """Whether its value is shown to nobody."""


# Settings, each as text


@cache
def settings() -> tuple[Setting, ...]:
    """Return all settings, in the order of their declaration."""
    return tuple(
        _setting(table, name)
        for table, section in Config()
        if isinstance(section, _Frozen)
        for name in type(section).model_fields
    )


def value_of(config: Config, key: str) -> str:
    """Return a setting's value as text, which `changed` reads; raise ConfigError for a slip."""
    _known(key)
    table, name = key.split(".")
    return _text(getattr(getattr(config, table), name))


def shown_value(config: Config, key: str) -> str:
    """Return a setting's value as people may see it; raise ConfigError for a slip."""
    value = value_of(config, key)
    return _HIDDEN if value and _known(key).secret else value


def changed(config: Config, key: str, text: str) -> Config:
    """Return `config` with a setting read from `text`; a blank one resets it to its default.

    An item of a list that has a comma in it is put into double quotes. Raises ConfigError for a
    key that does not exist and for a value that it cannot have.
    """
    setting = _known(key)
    table, name = key.split(".")
    section = getattr(config, table)
    values = section.model_dump(exclude={name})
    if text.strip():
        values[name] = _items(text) if setting.kind == "list" else text.strip()
    try:
        fresh = type(section).model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{key} cannot be '{text}': it should be {_expected(error)}.") from error
    return config.model_copy(update={table: fresh})


def _known(key: str) -> Setting:
    """Return the setting of that key; raise ConfigError that names what is like it."""
    for setting in settings():
        if setting.key == key:
            return setting
    raise ConfigError(f"There is no setting '{key}'.{_hint(key)} See all: miro-edge config")


def _setting(table: str, name: str) -> Setting:
    """Return what faces are told about a field."""
    field = type(getattr(Config(), table)).model_fields[name]
    # What a field may be besides None, which is in none of the kinds.
    union = field.annotation if NoneType in get_args(field.annotation) else None
    (kept,) = (each for each in get_args(union) or (field.annotation,) if each is not NoneType)
    return Setting(
        key=f"{table}.{name}",
        description=field.description or "",
        kind=_kind(kept),
        choices=get_args(kept) if get_origin(kept) is Literal else (),
        optional=union is not None or field.default == (),
        default=_text(field.default),
        secret=bool((field.json_schema_extra or {}).get("secret")),
    )


def _kind(annotation: object) -> Kind:
    if get_origin(annotation) is Literal:
        return "choice"
    if get_origin(annotation) is tuple:
        return "list"
    if annotation is bool:
        return "switch"
    return "number" if annotation in (int, float) else "text"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_quoted, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _quoted(item: str) -> str:
    """Return an item of a list so that it is read as it is."""
    plain = item and item == item.strip() and "," not in item and not item.startswith('"')
    return item if plain else '"' + item.replace('"', '""') + '"'


def _items(text: str) -> tuple[str, ...]:
    """Return the items of a list; nothing between two commas is none."""
    found = []
    for match in _ITEM.finditer(text):
        quoted, plain = match.groups()
        if quoted is not None:
            found.append(quoted.replace('""', '"'))
        elif plain.strip():
            found.append(plain.strip())
    return tuple(found)


# The file


def load_config(path: Path) -> Config:
    """Return the settings in a file, or the defaults where there is none.

    Raises ConfigError that says what is wrong in it, and how to put it right.
    """
    try:
        return Config.model_validate(_read(path))
    except ValidationError as error:
        raise ConfigError(_fault(error, path)) from error


def save_config(config: Config, path: Path) -> None:
    """Write what differs from the defaults in place of the file, comments in it included.

    A crash leaves the old file or the new one. Raises ConfigError where it cannot be written.
    """
    _write(config.model_dump(exclude_defaults=True), path)


def forget(key: str, path: Path) -> None:
    """Take a key out of a file, and leave the rest as it is, also where that is wrong.

    So what is wrong can be taken out piece by piece. Comments are lost. Raises ConfigError for a
    key that does not exist, and for a file that is not TOML or cannot be written.
    """
    values = _read(path)
    if not _taken_out(key, values):
        _known(key)
        return
    _write({name: value for name, value in values.items() if value != {}}, path)


def _taken_out(key: str, values: dict[str, Any]) -> bool:
    """Take a key out of tables in tables, and tell whether it was there."""
    for table, section in values.items():
        inside = key.startswith(f"{table}.") and isinstance(section, dict)
        if inside and _taken_out(key[len(table) + 1 :], section):
            return True
    return values.pop(key, None) is not None


def _read(path: Path) -> dict[str, Any]:
    """Return what a file says, whether it makes sense or not; nothing where there is none."""
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return values
    except (FileNotFoundError, NotADirectoryError):  # what the home lacks is told by who needs it
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"The settings in {path} cannot be read: {error}. Edit the file, or delete it."
        ) from error


def _write(values: Mapping[str, Any], path: Path) -> None:
    try:
        path = path.resolve()  # a link stays one
        with whole_file(path, private=True) as file:  # there may be a key in it
            file.write(f"{_HEADING}\n{tomli_w.dumps(values)}")
    except OSError as error:
        raise ConfigError(
            f"The settings cannot be written to {path}: {error}. "
            "Check the path, its permissions and the free disk."
        ) from error


def _fault(error: ValidationError, path: Path) -> str:
    """Return the first thing that is wrong in a file, and how to put it right."""
    first = error.errors()[0]
    parts = [part for part in first["loc"] if isinstance(part, str)]
    key = ".".join(part for part in parts if part != "[key]")
    if first["type"] == "extra_forbidden":
        said = f"There is no setting '{key}', which is in {path}.{_hint(key)}"
    elif parts[-1] == "[key]":
        said = f"{key} in {path} is not named with letters, digits, - and _ (at most 40)."
    elif parts[0] == "mcp":  # what is wrong may hold a secret
        said = f"{key} in {path} should be {_expected(error)}."
    else:
        is_secret = any(each.secret and each.key == key for each in settings())
        shown = _HIDDEN if is_secret else repr(first["input"])
        said = f"{key} in {path} is {shown}, and should be {_expected(error)}."
    return f"{said} Take it out: miro-edge config unset {shlex.quote(key)}; or edit the file."


def _expected(error: ValidationError) -> str:
    """Return what a value should be, as the rest of a sentence."""
    first = error.errors()[0]
    said = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return _EXPECTED.get(first["type"], said)


def _hint(key: str) -> str:
    keys = [setting.key for setting in settings()]
    near = [each for each in keys if each.endswith(f".{key}")]
    near = near or difflib.get_close_matches(key, keys, cutoff=0.7)
    return f" Did you mean: {', '.join(near)}?" if near else ""
