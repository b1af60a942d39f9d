"""The program without a command: in a terminal the interface opens, elsewhere there is help."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import call

from edge_agent.cli import main
from edge_agent.errors import ConfigError
from edge_agent.tui import command

NO_COMMAND = (sys.executable, "-m", "edge_agent.cli")


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int]], None]:
    """Have the interface do something else than open, in what passes for a terminal."""
    monkeypatch.setattr("edge_agent.tui.terminal.in_terminal", lambda: True)
    monkeypatch.delenv("TERM", raising=False)

    def opened(do: Callable[[], int]) -> None:
        monkeypatch.setattr(command, "_opened", do)

    return opened


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("arguments", [(), ("tui",)])
def test_in_a_terminal_the_interface_opens(
    opened: Callable[[Callable[[], int]], None], arguments: tuple[str, ...], code: int
) -> None:
    opened(lambda: code)
    result = call(*arguments)
    assert (result.exit_code, result.output) == (code, "")


def test_how_the_interface_opens_can_be_said_without_its_name(
    opened: Callable[[Callable[[], int]], None],
) -> None:
    opened(lambda: pytest.fail("it opened in this terminal"))
    said = CliRunner().invoke(main, ["--plain"], input="/quit\n")
    assert (said.exit_code, "line by line" in said.output) == (0, True)
    both = call("--serve", "--plain")
    assert (both.exit_code, "exclude each other" in both.output) == (2, True)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp437"])
def test_what_a_terminal_cannot_write_is_written_otherwise(home: Path, encoding: str) -> None:
    assert call("config", "set", "ask.model", "łódź é 😀 “a”").exit_code == 0
    done = subprocess.run(
        (*NO_COMMAND, "config", "--json"),
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "łódź é 😀 “a”" in str(json.loads(done.stdout.decode(encoding)))


def test_broken_settings_are_one_sentence(opened: Callable[[Callable[[], int]], None]) -> None:
    def broken() -> int:
        raise ConfigError("The settings are broken.")

    opened(broken)
    result = call()
    assert (result.exit_code, result.output) == (1, "miro-edge: The settings are broken.\n")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("runs", "list"), ("bogus",)])
def test_with_anything_else_it_does_not_open(
    opened: Callable[[Callable[[], int]], None], arguments: tuple[str, ...]
) -> None:
    opened(lambda: pytest.fail("it opened"))
    assert call(*arguments).exit_code == (2 if arguments == ("bogus",) else 0)


def test_elsewhere_there_is_help(home: Path) -> None:
    result = call()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == call("--help").stdout
    assert "without a command opens the terminal interface" in " ".join(result.stderr.split())
    assert not home.exists()


@pytest.fixture
def terminal() -> Iterator[int]:
    """The inner end of a terminal."""
    with ExitStack() as stack:
        for descriptor in (ends := pty.openpty()):
            stack.callback(os.close, descriptor)
        yield ends[1]


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_half_a_terminal_is_none(home: Path, terminal: int, stream: str) -> None:
    done = subprocess.run(
        NO_COMMAND,
        stdin=terminal if stream == "stdin" else subprocess.DEVNULL,
        stdout=terminal if stream == "stdout" else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_closed_streams_are_no_terminal(home: Path, closed: str) -> None:
    shell = ["sh", "-c", f'"$@" {closed}', "sh", *NO_COMMAND]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (["tui", "--help"], {"textual", "llama_cpp", "onnxruntime"}),
        (["config"], {"edge_agent.index", "llama_cpp", "numpy"}),
    ],
)
def test_nothing_is_loaded_that_takes_long_and_is_not_needed(
    command: list[str], heavy: set[str], home: Path
) -> None:
    check = (
        "import sys\nfrom edge_agent.cli import main\n"
        f"try: main({command})\n"
        "except SystemExit: pass\n"
        f"print('loaded:', sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: []\n")


INTERRUPTED_AT = """
import importlib.abc
import signal
import sys

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            signal.raise_signal(signal.SIGINT)

class Named:
    def __set_name__(self, owner, name):
        signal.raise_signal(signal.SIGINT)

class Making(Interrupting):  # as Python up to 3.11 has it, there is another error then
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            type("Made", (), {"named": Named()})

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
sys.meta_path.insert(0, (Making if sys.argv[2] == "class" else Interrupting)())
from edge_agent.cli import main
main(["runs", "list"])
"""


@pytest.mark.parametrize("where", ["module", "class"])
@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("click", ""),
        ("rich.console", ""),
        ("edge_agent.cli.runs", "miro-edge: interrupted"),
    ],
)
def test_ctrl_c_while_it_is_imported_is_no_traceback(
    module: str, told: str, where: str, home: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, module, where],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", told)


def test_the_doctor_says_what_would_not_fit_and_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.cli.doctor.free_memory", lambda: 10**8)
    models = json.loads(call("doctor", "--json").stdout)["models"]
    told = call("doctor").stdout
    large = [each for each in models if each["problem"]]
    assert 0 < len(large) < len(models)
    for each in models:
        assert (each in large) == (each["memory"] is not None and each["memory"] > 10**8)
    for each in large:
        assert re.fullmatch(r"needs [\d,]+ MB of memory, 100 MB are free", each["problem"])
        assert f"  {each['name']}: not here; would not fit: {each['problem']}\n" in told
    assert told.count("would not fit") == len(large)


def test_windows_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    result = call("doctor")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "on Windows, in WSL" in result.stderr
