"""Settings: what is written is read again, and what is wrong in the file is said in a sentence."""

from __future__ import annotations

import errno
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config import (
    AskSettings,
    Config,
    InterfaceSettings,
    WebSettings,
    changed,
    forget,
    load_config,
    save_config,
    settings,
    shown_value,
    value_of,
)
from edge_agent.errors import ConfigError

KEYS = [setting.key for setting in settings()]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
positive = st.none() | st.integers(1, 2**63 - 1)
ask_settings = st.builds(
    AskSettings,
    libraries=st.lists(text, min_size=1, max_size=4).map(tuple),
    model=st.none() | text,
    profile=st.none() | text,
    context=st.integers(64, 2**31),
    kv_type=st.sampled_from([None, "f16", "q8_0"]),
    mlock=st.booleans(),
    max_calls=positive,
    max_time=st.none() | st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False),
    max_tokens=positive,
    attempts=positive,
    vote=st.booleans(),
    seed=st.integers(-(2**63), 2**63 - 1),
    offline=st.booleans(),
    web=st.booleans(),
)
web_settings = st.builds(
    WebSettings,
    engine=st.sampled_from(["ddgs", "searxng", "serper", "tavily", "brave"]),
    address=st.none() | text,
    key=st.none() | text,
    allow=st.lists(text, max_size=3).map(tuple),
    pages=st.integers(1, 10),
    page_seconds=st.floats(0, 120, exclude_min=True),
)
interface_settings = st.builds(
    InterfaceSettings,
    theme=st.sampled_from(["dark", "light", "contrast"]),
    motion=st.booleans(),
    ascii=st.booleans(),
)
configs = st.builds(Config, ask=ask_settings, web=web_settings, tui=interface_settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "config.toml"


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


# Values as text


@given(configs, configs, st.sampled_from(KEYS))
def test_a_value_as_text_is_read_as_the_same_value(config: Config, other: Config, key: str) -> None:
    table, name = key.split(".")
    fresh = changed(config, key, value_of(other, key))
    assert getattr(getattr(fresh, table), name) == getattr(getattr(other, table), name)
    assert changed(fresh, key, value_of(config, key)) == config


@given(st.sampled_from(KEYS), text)
def test_any_text_is_a_value_or_is_refused_in_a_sentence(key: str, typed: str) -> None:
    try:
        changed(Config(), key, typed)
    except ConfigError as error:
        assert str(error).startswith(f"{key} cannot be '")  # noqa: PT017


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("papers", ("papers",)),
        ("papers,manuals", ("papers", "manuals")),
        (" papers , , ~/my documents,", ("papers", "~/my documents")),
        ('"a, b", c', ("a, b", "c")),
        ('say "hi"', ('say "hi"',)),
        ("  ", ("sample",)),
    ],
)
def test_a_list_is_split_at_commas(typed: str, read: tuple[str, ...]) -> None:
    assert changed(Config(), "ask.libraries", typed).ask.libraries == read


@pytest.mark.parametrize("typed", ["yes", "true", "on", "YES", " on "])
def test_a_switch_is_on(typed: str) -> None:
    assert changed(Config(), "ask.offline", typed).ask.offline


@pytest.mark.parametrize("typed", ["no", "false", "off", "No"])
def test_a_switch_is_off(typed: str) -> None:
    assert not changed(Config(), "tui.motion", typed).tui.motion


def test_a_blank_text_resets_a_value() -> None:
    config = Config(ask=AskSettings(context=2048, model="smollm2-135m"))
    config = changed(changed(config, "ask.context", " "), "ask.model", "")
    assert config == Config()


def test_a_blank_name_is_none() -> None:
    assert AskSettings(model="", profile=" ") == AskSettings()


@pytest.mark.parametrize(
    ("key", "typed", "expected"),
    [
        ("ask.context", "12", "greater than or equal to 64"),
        ("ask.context", "4,096", "a whole number"),
        ("ask.seed", "1.5", "a whole number"),
        ("ask.max_time", "0", "greater than 0"),
        ("ask.max_time", "nan", "a number with an end"),
        ("web.cache_mb", "inf", "a number with an end"),
        ("web.cache_days", "inf", "a number with an end"),
        ("ask.max_time", "long", "a number"),
        ("ask.vote", "perhaps", "yes or no"),
        ("ask.kv_type", "f32", "'f16' or 'q8_0'"),
        ("ask.libraries", ",", "a list of one text or more"),
        ("web.engine", "altavista", "'ddgs', 'searxng', 'serper', 'tavily' or 'brave'"),
        ("web.pages", "0", "greater than or equal to 1"),
        ("tui.theme", "pink", "'dark', 'light' or 'contrast'"),
    ],
)
def test_a_value_that_it_cannot_have(key: str, typed: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        changed(Config(), key, typed)
    assert str(caught.value) == f"{key} cannot be '{typed}': it should be {expected}."


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("ask.contxt", " Did you mean: ask.context?"),
        ("context", " Did you mean: ask.context?"),
        ("tui.them", " Did you mean: tui.theme?"),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_a_key_that_does_not_exist(key: str, hint: str) -> None:
    expected = f"There is no setting '{key}'.{hint} See all: miro-edge config"
    for slip in (
        lambda: value_of(Config(), key),
        lambda: changed(Config(), key, "1"),
        lambda: forget(key, Path("no-such-file")),
    ):
        with pytest.raises(ConfigError) as caught:
            slip()
        assert str(caught.value) == expected


# What faces are told


def test_every_setting_is_described_and_its_default_is_its_value() -> None:
    for setting in settings():
        assert setting.description.endswith(".")
        assert setting.default == value_of(Config(), setting.key)
        assert (setting.kind == "choice") == bool(setting.choices)
        assert setting.optional or setting.default


def test_what_is_told_of_a_setting() -> None:
    told = {setting.key: setting for setting in settings()}
    assert list(told)[:2] == ["ask.libraries", "ask.model"]
    assert list(told)[-1] == "tui.ascii"
    kinds = {key: told[key].kind for key in KEYS}
    assert kinds["ask.libraries"] == "list"
    assert kinds["ask.model"] == "text"
    assert kinds["ask.context"] == kinds["ask.max_time"] == "number"
    assert kinds["ask.vote"] == "switch"
    assert (told["ask.kv_type"].kind, told["ask.kv_type"].choices) == ("choice", ("f16", "q8_0"))
    assert told["ask.kv_type"].optional
    assert not told["tui.theme"].optional
    assert [key for key in KEYS if told[key].secret] == ["web.key"]


def test_a_key_is_shown_to_nobody(path: Path) -> None:
    config = changed(Config(), "web.key", "do not tell")
    assert (value_of(config, "web.key"), shown_value(config, "web.key")) == (
        "do not tell",
        "(hidden)",
    )
    assert shown_value(Config(), "web.key") == ""
    assert shown_value(config, "web.engine") == "ddgs"
    assert "do not tell" not in repr(config)
    save_config(config, path)
    assert path.stat().st_mode & 0o077 == 0
    assert "12345" not in fault(written(path.parent / "new" / "a.toml", "[web]\nkey = 12345"))


# The file


def test_no_file_is_the_defaults(path: Path) -> None:
    assert load_config(path) == Config()


@given(configs)
def test_what_is_saved_is_loaded(config: Config) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / "config.toml"
        save_config(config, path)
        assert load_config(path) == config


def test_only_what_differs_is_saved(path: Path) -> None:
    save_config(Config(ask=AskSettings(context=2048)), path)
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# Settings of miro-edge.")
    assert rest == ["", "[ask]", "context = 2048"]
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    kept = written(path, "").rename(tmp_path / "kept.toml")
    path.symlink_to(kept)
    save_config(Config(ask=AskSettings(seed=5)), path)
    assert path.is_symlink()
    assert "seed = 5" in kept.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written(path: Path) -> None:
    path.parent.write_text("a file where the folder should be", encoding="utf-8")
    assert load_config(path) == Config()
    with pytest.raises(ConfigError, match=r"The settings cannot be written to .*free disk"):
        save_config(Config(), path)


def test_what_cannot_be_written_leaves_no_draft_with_a_part_of_a_key(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    class Full(io.TextIOWrapper):
        """A file for which the disk has room only for a part of what is written."""

        def write(self, text: str) -> int:
            super().write(text[:-1])
            self.flush()
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(self: Path, mode: str, encoding: str) -> Full:
        assert (mode, encoding) == ("w", "utf-8")
        return Full(opened(self, "wb"), encoding)

    written(path, "")
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ConfigError, match="No space left"):
        save_config(Config(web=WebSettings(key="secret")), path)
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[ask]\ncontext = 12", "ask.context in FILE is 12, and should be greater than or equal"),
        ("[ask]\nlibraries = 'papers'", "is 'papers', and should be a list of texts"),
        ("[ask]\nlibraries = []", "ask.libraries in FILE is [], and should be a list of one text"),
        ("[ask]\nlibraries = [1]", "ask.libraries in FILE is 1, and should be a text"),
        ("[ask]\nmodel = 5", "ask.model in FILE is 5, and should be a text"),
        ("[ask]\nmax_time = nan", "ask.max_time in FILE is nan, and should be a number with"),
        ("[tui]\nmotion = 'now'", "tui.motion in FILE is 'now', and should be yes or no"),
        ("ask = 1", "ask in FILE is 1, and should be a table"),
        (
            "[ask]\ncontxt = 1",
            "no setting 'ask.contxt', which is in FILE. Did you mean: ask.context",
        ),
        ("context = 1", "no setting 'context', which is in FILE. Did you mean: ask.context"),
        ("[aks]\nseed = 1", "There is no setting 'aks', which is in FILE. Take it out"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_and_can_be_taken_out(
    path: Path, content: str, said: str
) -> None:
    message = fault(written(path, content))
    assert said.replace("FILE", str(path)) in message
    _, _, key = message.partition("miro-edge config unset ")
    forget(key.removesuffix("; or edit the file."), path)
    assert load_config(path) == Config()


@pytest.mark.parametrize("content", ["[ask", "[ask]\nseed = 1\nseed = 2", b"\xff", "seed: 1"])
def test_a_file_that_is_not_toml(path: Path, content: str | bytes) -> None:
    written(path, content)
    before = path.read_bytes()
    message = fault(path)
    assert message.startswith(f"The settings in {path} cannot be read: ")
    assert message.endswith("Edit the file, or delete it.")
    with pytest.raises(ConfigError, match="cannot be read"):
        forget("ask.seed", path)
    assert path.read_bytes() == before


def test_a_folder_in_place_of_the_file(path: Path) -> None:
    path.mkdir(parents=True)
    assert "cannot be read" in fault(path)


def test_a_file_that_must_not_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    written(path, "")
    monkeypatch.setattr(Path, "read_text", closed)
    message = fault(path)
    assert "cannot be read" in message
    assert "Permission denied" in message


values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from([key.split(".")[1] for key in KEYS]) | text


@given(st.dictionaries(st.sampled_from(["ask", "tui"]) | text, st.dictionaries(names, values)))
def test_whatever_a_file_says_is_used_or_refused_in_a_sentence(tables: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "new" / "config.toml", tomli_w.dumps(tables))
        try:
            load_config(path)
        except ConfigError as error:
            assert str(path) in str(error)  # noqa: PT017


def test_what_else_is_wrong_stays_in_the_file(path: Path) -> None:
    written(path, "[ask]\nseed = 7\ncontext = 1\ncontxt = 2")
    forget("ask.contxt", path)
    assert "ask.context" in fault(path)
    forget("ask.context", path)
    assert load_config(path).ask == AskSettings(seed=7)


def test_what_is_not_in_the_file_is_forgotten_already(path: Path) -> None:
    forget("ask.seed", path)
    assert not path.exists()


# Servers of tools

SERVERS = {
    "sea": {"command": "uvx", "args": ["sea"], "env": {"KEY": "s3cret"}, "timeout": 5.0},
    "far_1": {"url": "http://example.org/mcp", "headers": {"A": "s3cret"}, "tools": ["tides"]},
}


def test_servers_are_kept_when_a_setting_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps({"mcp": SERVERS}))
    before = load_config(path)
    save_config(changed(before, "ask.context", "2048"), path)
    after = load_config(path)
    assert after.mcp == before.mcp
    assert (after.ask.context, after.mcp["sea"].env) == (2048, {"KEY": "s3cret"})
    assert not [key for key in KEYS if key.startswith("mcp")]
    forget("mcp.sea.env", path)
    assert load_config(path).mcp["sea"].env == {}
    forget("mcp.sea", path)
    assert list(load_config(path).mcp) == ["far_1"]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({"comand": "x"}, "There is no setting 'mcp.sea.comand'"),
        ({}, "mcp.sea in .* should be a table with either a command or a url"),
        ({"command": "x", "url": "http://a/b"}, "either a command or a url"),
        ({"command": "x", "headers": {"A": "s3cret"}}, "and not headers, beside its command"),
        ({"url": "http://a/b", "env": {"A": "s3cret"}}, "and not args, env or cwd, beside its url"),
        ({"url": "ftp://s3cret"}, r"mcp.sea.url in .* should be an address: http://"),
        ({"command": "x", "env": {"A": 9731}}, r"mcp.sea.env.A in .* should be a text"),
        ({"command": "x", "env": "s3cret"}, r"mcp.sea.env in .* should be a table"),
        ({"command": "x", "timeout": 0}, r"mcp.sea.timeout in .* should be greater than 0"),
        ({"command": "x", "tools": "a"}, r"mcp.sea.tools in .* should be a list of texts"),
    ],
)
def test_a_fault_in_a_server_is_said_without_its_secrets(
    server: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps({"mcp": {"sea": server}}))
    with pytest.raises(ConfigError, match=said) as refused:
        load_config(path)
    assert "s3cret" not in str(refused.value)
    assert "9731" not in str(refused.value)
    forget("mcp.sea", path)
    assert load_config(path) == Config()


@pytest.mark.parametrize("name", ["a/b", "", "a.b", "x" * 41, "<s>"])
def test_the_name_of_a_server_is_plain(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps({"mcp": {name: {"command": "x"}}}))
    with pytest.raises(ConfigError, match="is not named with letters, digits, - and _"):
        load_config(path)
    forget(f"mcp.{name}", path)
    assert load_config(path) == Config()
