"""Air gap: real commands with a real model open no socket, and work where no interface is."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sealed import Attempt, namespace, sealed, why_not

import edge_agent.index
from edge_agent.config import AskSettings, Config, InterfaceSettings, save_config
from edge_agent.home import HOME_VARIABLE, Home
from edge_agent.models import InstalledModel, ModelStore

PROGRAM = (sys.executable, "-m", "edge_agent.cli")
QUESTION = "Who designed the Fram?"
SHORT = Path(__file__).parent / "short_answers.toml"
"""A profile that reads and writes little: the smallest model is slow all the same."""
TWO_SOCKETS = """
import ctypes, socket, subprocess, sys
socket.socketpair()
ctypes.CDLL(None).socket(socket.AF_INET, socket.SOCK_STREAM, 0)
again = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
subprocess.run([sys.executable, "-c", again], stderr=subprocess.DEVNULL)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _allowed() -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    model_store: ModelStore,
    smollm2: Path,
    embedder_model: InstalledModel,
) -> Home:
    """A home with the smallest model and the embedder, and settings that do not say `offline`."""
    home = Home(tmp_path_factory.mktemp("gap"))
    home.models.mkdir(parents=True)
    for name in (smollm2.parent.name, embedder_model.name):
        (home.models / name).symlink_to(model_store.root / name, target_is_directory=True)
    ask = AskSettings(model="smollm2-135m", profile=str(SHORT), max_calls=1)
    save_config(Config(ask=ask, tui=InterfaceSettings(motion=False)), home.config)
    return home


def surroundings(home: Home) -> Mapping[str, str]:
    """Return an environment that tells no library to be quiet: some phone home unless they are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR")
            if name in os.environ}  # fmt: skip
    return {**kept, HOME_VARIABLE: str(home.root), "TERM": "xterm", "LC_ALL": "C.UTF-8"}


def done(home: Home, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Carry out a command of the program, sealed, and check that it did not try to get out."""
    command, pipe = (*PROGRAM, *arguments), subprocess.PIPE
    with sealed(command, stdin=pipe, stdout=pipe, stderr=pipe, env=surroundings(home)) as watch:
        out, err = watch.process.communicate(said.encode(), timeout=300)
    assert watch.attempts == []
    assert b"Traceback" not in out + err
    return subprocess.CompletedProcess(
        command, watch.process.returncode, out.decode(), err.decode()
    )


def test_every_attempt_is_seen_of_any_code_in_any_process() -> None:
    with sealed([sys.executable, "-c", TWO_SOCKETS]) as watch:
        pass
    assert [attempt.family for attempt in watch.attempts] == [2, 2]
    assert all(isinstance(attempt, Attempt) for attempt in watch.attempts)


def test_in_the_namespace_there_is_no_interface_that_is_up() -> None:
    if not namespace():
        pytest.skip("network namespaces are not allowed here")
    shown = subprocess.run(
        [*namespace(), "cat", "/proc/net/route", "/proc/net/dev"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert re.findall(r"^\s*(\w+):", shown, re.MULTILINE) in (["lo"], [])


def test_libraries_are_made_and_questions_answered_without_a_network(
    place: Home, tmp_path: Path
) -> None:
    sample = Path(edge_agent.index.__path__[0]) / "sample" / "documents"
    for name in ("fram.md", "gjoa.pdf", "larvik.txt", "dundee.html"):
        shutil.copy(sample / name, tmp_path)
    added = done(place, "index", "add", "papers", str(tmp_path), "--json")
    assert json.loads(added.stdout)["documents"] == 4
    assert json.loads(added.stdout)["problems"] == []
    found = done(place, "index", "search", "papers", "who designed the Fram", "--json")
    assert "fram.md" in {each["document"] for each in json.loads(found.stdout)["results"]}
    asked = done(place, "ask", "--json", QUESTION)
    answer = json.loads(asked.stdout)
    assert answer["status"] in ("answered", "partial", "not_found")
    assert answer["calls"] == 1
    assert done(place, "runs", "export", answer["run"], "--format", "html").returncode == 0
    assert done(place, "doctor").returncode == 0


def test_the_interface_line_by_line_needs_no_network(place: Home) -> None:
    said = done(place, "tui", "--plain", said=f"/libraries\n{QUESTION}\n/runs\n/quit\n").stdout
    assert "sample, in use" in said
    assert "call of search" in said
    assert re.search(r"^Run \d+", said, re.MULTILINE)


def test_the_terminal_interface_needs_no_network(place: Home) -> None:
    main, other = pty.openpty()
    fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with sealed(
        [*PROGRAM, "tui"], stdin=other, stdout=other, stderr=other,
        env=surroundings(place), start_new_session=True,
    ) as watch:  # fmt: skip
        os.close(other)
        drawn = Drawn(main)
        drawn.until(lambda text: "Ask a question" in text)
        os.write(main, QUESTION.encode() + b"\r")
        drawn.until(lambda text: "Ended: " in text)
        os.write(main, b"\x11")  # Ctrl+Q
        drawn.until(lambda _: watch.process.poll() is not None)
    os.close(main)
    assert watch.attempts == []
    assert watch.process.returncode == 0


class Drawn:
    """What a program has drawn on a terminal, its escapes left out."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._bytes = b""

    def until(self, holds: Callable[[str], bool], seconds: float = 180) -> None:
        """Read what is drawn until something holds."""
        deadline = time.monotonic() + seconds
        while not holds(re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", self._bytes.decode(errors="replace"))):
            assert time.monotonic() < deadline, self._bytes[-2000:]
            if select.select([self._terminal], [], [], 0.2)[0]:
                try:
                    self._bytes += os.read(self._terminal, 65536)
                except OSError:  # the program has ended
                    time.sleep(0.1)
