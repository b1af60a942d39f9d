"""Settings from the command line: shown, changed, and read by the commands as their defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from commands import call, said

from edge_agent.config import AskSettings, Config, McpServer, load_config, save_config, settings
from edge_agent.models import load_catalog

BROKEN = "[ask]\nseed = 7\ncontext = 1\n"


def words(result: Result) -> str:
    """Return what stands on standard output, on one line."""
    return " ".join(result.stdout.split())


@pytest.fixture
def path(home: Path) -> Path:
    home.mkdir()
    return home / "config.toml"


@pytest.fixture
def broken(path: Path) -> Path:
    path.write_text(BROKEN, encoding="utf-8")
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[AskSettings]:
    """What `ask` would have answered with."""
    wanted: list[AskSettings] = []

    def answered(question: str, settings: AskSettings, *_: Any) -> int:
        wanted.append(settings)
        return 0

    monkeypatch.setattr("edge_agent.cli.ask._answered", answered)
    return wanted


SET = AskSettings(
    libraries=("papers", "manuals"),
    model="smollm2-135m",
    profile="edge",
    context=2048,
    kv_type="q8_0",
    mlock=True,
    max_calls=8,
    max_time=60,
    max_tokens=9000,
    attempts=3,
    vote=True,
    web=True,
    seed=7,
    offline=True,
)


# Showing


def test_all_settings_are_shown(path: Path) -> None:
    save_config(Config(ask=AskSettings(libraries=("[red]", "b"), context=2048)), path)
    result = call("config")
    assert result.exit_code == 0
    for setting in settings():
        assert setting.key in result.stdout
    assert "[red], b" in result.stdout
    assert "ask.context 2048 4096 The model's window" in words(result)
    assert said(result) == f"They lie in {path}"


def test_nothing_is_cut_off_where_the_listing_is_piped_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = f"/srv/{'documents-of-ships-' * 3}end"
    server = McpServer(command="/opt/weather/bin/weather-server", args=("--from", folder))
    wanted = AskSettings(libraries=(folder,), tools=("weather",))
    save_config(Config(ask=wanted, mcp={"weather": server}), path)
    monkeypatch.setenv("COLUMNS", "40")
    lines = call("config").stdout.splitlines()
    for setting in settings():
        assert sum(line.startswith(f" {setting.key} ") for line in lines) == 1
    assert "…" not in "".join(lines)
    (first,) = (line for line in lines if line.startswith(" ask.libraries "))
    assert folder in first
    assert lines[-1] == f"mcp.weather: {server.command} --from {folder}"


def test_keys_are_whole_in_a_narrow_terminal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal has it
    monkeypatch.setenv("COLUMNS", "40")
    shown = call("config").stdout
    for setting in settings():
        assert f" {setting.key} " in shown


def test_all_settings_as_json(path: Path) -> None:
    save_config(Config(ask=AskSettings(model="smollm2-135m", offline=True)), path)
    result = call("config", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    record = json.loads(result.stdout)
    assert record["file"] == str(path)
    shown = {each["key"]: each for each in record["settings"]}
    assert list(shown) == [setting.key for setting in settings()]
    assert shown["ask.model"]["value"] == "smollm2-135m"
    assert shown["ask.model"]["default"] is None
    assert shown["ask.offline"]["value"] is True
    assert shown["ask.libraries"]["value"] == ["sample"]
    assert shown["ask.context"] == {
        "key": "ask.context",
        "value": 4096,
        "default": 4096,
        "description": "The model's window, in tokens.",
    }


def test_a_key_is_not_shown(path: Path) -> None:
    results = [
        *(call("config"), call("config", "--json")),
        *(call("config", "set", "web.key", "s3cret"), call("config"), call("config", "--json")),
    ]
    assert load_config(path).web.key == "s3cret"
    assert all(result.exit_code == 0 and "s3cret" not in result.output for result in results)
    values = [
        {each["key"]: each["value"] for each in json.loads(results[n].stdout)["settings"]}
        for n in (1, 4)
    ]
    assert [each["web.key"] for each in values] == [None, "(hidden)"]


# Changing


def test_a_setting_is_set_and_unset(path: Path) -> None:
    for key, value in (("ask.context", "2048"), ("ask.seed", "-5"), ("ask.libraries", "a, b")):
        result = call("config", "set", key, value)
        assert result.exit_code == 0
        assert said(result) == f"{key} is {value} from now on."
    expected = AskSettings(context=2048, seed=-5, libraries=("a", "b"))
    assert load_config(path).ask == expected
    result = call("config", "unset", "ask.seed")
    assert (result.exit_code, said(result)) == (0, "ask.seed has its default again.")
    assert load_config(path).ask == AskSettings(context=2048, libraries=("a", "b"))


def test_the_folder_is_made_with_the_first_setting(home: Path) -> None:
    assert call("config", "set", "ask.offline", "yes").exit_code == 0
    assert load_config(home / "config.toml").ask.offline


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set", "ask.context", "12"), "ask.context cannot be '12': it should be"),
        (("set", "ask.contxt", "12"), "Did you mean: ask.context?"),
        (("unset", "ask.contxt"), "Did you mean: ask.context?"),
    ],
)
def test_a_slip_changes_nothing(path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = call("config", *arguments)
    assert result.exit_code == 1
    assert message in said(result)
    assert not path.exists()


# Being read


def test_ask_reads_every_setting(path: Path, asked: list[AskSettings]) -> None:
    save_config(Config(ask=SET), path)
    assert call("ask", "Who?").exit_code == 0
    assert asked == [SET]


def test_ask_without_settings_has_the_same_defaults(home: Path, asked: list[AskSettings]) -> None:
    assert call("ask", "Who?").exit_code == 0
    assert asked == [AskSettings()]


def test_the_command_line_goes_before_the_settings(path: Path, asked: list[AskSettings]) -> None:
    save_config(Config(ask=SET), path)
    typed = (
        *("-l", "sample", "-m", "gemma3-270m", "--profile", "generic", "--context", "512"),
        *("--kv-type", "f16", "--max-calls", "1", "--max-time", "2", "--max-tokens", "3"),
        *("--attempts", "4", "--seed", "0"),
    )
    assert call("ask", *typed, "Who?").exit_code == 0
    (wanted,) = asked
    assert wanted == AskSettings(
        libraries=("sample",),
        model="gemma3-270m",
        profile="generic",
        context=512,
        kv_type="f16",
        mlock=True,
        max_calls=1,
        max_time=2,
        max_tokens=3,
        attempts=4,
        vote=True,
        web=True,
        seed=0,
        offline=True,
    )


def test_the_help_of_ask_shows_the_defaults_that_are_set(path: Path) -> None:
    before = words(call("ask", "--help"))
    model = f"[default:{load_catalog().default}]"
    assert model in before.replace(" ", "")  # a line may end at its hyphen
    save_config(Config(ask=SET), path)
    after = words(call("ask", "--help"))
    for shown in ("papers, manuals", "smollm2-135m", "edge", "2048; x>=64", "q8_0", "8; x>=1"):
        assert f"[default: {shown}]" in after
    assert model not in after.replace(" ", "")
    assert "[default: the profile's own]" not in after
    path.unlink()
    assert words(call("ask", "--help")) == before


@pytest.mark.parametrize("command", [("resume", "r-1"), ("fork", "r-1", "--at", "1")])
def test_offline_is_read_by_what_goes_on_with_a_run(
    command: tuple[str, ...], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bool] = []

    def go_on(*_: Any, offline: bool) -> int:
        heard.append(offline)
        return 0

    class Store:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: [self] if name == "events" else self

    monkeypatch.setattr("edge_agent.cli.runs.go_on", go_on)
    monkeypatch.setattr("edge_agent.cli.runs._check_can_go_on", lambda *_, **__: None)
    monkeypatch.setattr("edge_agent.cli.runs._store", Store)
    assert call("runs", *command).exit_code == 0
    save_config(Config(ask=SET), path)
    assert call("runs", *command).exit_code == 0
    assert heard == [False, True]


# A broken file


@pytest.mark.parametrize(
    "command",
    [
        ("config",),
        ("config", "--json"),
        ("config", "set", "ask.seed", "8"),
        ("ask", "Who?"),
        ("runs", "resume", "r-1"),
        ("runs", "fork", "r-1", "--at", "1"),
    ],
)
def test_broken_settings_are_told_and_kept(command: tuple[str, ...], broken: Path) -> None:
    result = call(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"ask.context in {broken} is 1, and should be" in said(result)
    assert "miro-edge config unset ask.context" in said(result)
    assert broken.read_text(encoding="utf-8") == BROKEN


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("ask", "--help"),
        ("config", "--help"),
        ("config", "set", "--help"),
        ("runs", "list"),
        ("models", "list"),
        ("doctor",),
    ],
)
def test_what_needs_no_settings_minds_no_broken_ones(
    command: tuple[str, ...], broken: Path
) -> None:
    assert call(*command).exit_code == 0


def test_unset_repairs_broken_settings(broken: Path) -> None:
    assert call("config", "unset", "ask.context").exit_code == 0
    assert load_config(broken).ask == AskSettings(seed=7)


def test_unset_takes_out_what_is_no_setting(path: Path) -> None:
    path.write_text("[ask]\nseed = 7\ncontxt = 1\n", encoding="utf-8")
    result = call("config", "unset", "ask.contxt")
    assert (result.exit_code, said(result)) == (0, "ask.contxt is taken out of the file.")
    assert load_config(path).ask == AskSettings(seed=7)


def test_what_is_not_toml_has_to_be_edited(path: Path) -> None:
    path.write_text("[ask", encoding="utf-8")
    for command in (("config",), ("config", "unset", "ask.seed"), ("ask", "Who?")):
        result = call(*command)
        assert result.exit_code == 1
        assert "Edit the file, or delete it." in said(result)
    assert path.read_text(encoding="utf-8") == "[ask"
