"""The real program with a real model in a real terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.cells import cell_len

from edge_agent.config import AskSettings, Config, InterfaceSettings, load_config, save_config
from edge_agent.home import HOME_VARIABLE, Home
from edge_agent.models import InstalledModel, ModelStore

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

QUESTION = "Where was the designer of the Fram born?"
DOCUMENTS = {
    "fram.md": "# Fram\n\nThe Fram was designed by Colin Archer. She was launched in 1892.",
    "archer.md": "# Colin Archer\n\nColin Archer, designer, was born in Larvik.",
    "cjk.md": "# 弗拉姆号 Fram\n\n弗拉姆号是一艘探险船,由科林·阿彻设计。Fram designer born。",
    "arabic.md": "# سفينة فرام Fram\n\nسفينة فرام صممها كولين آرتشر. Fram designer born.",
}
PROMPT = "shell> "
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)[;m]")
"""A code that sets a colour; 39 and 49 set the terminal's own."""
LEFT, RIGHT = "│║╭╰╔╚|+", "│║╮╯╗╝|+"
"""Borders of panes."""


@dataclass
class Terminal:
    """A shell in a terminal that nobody else uses."""

    home: Home
    environment: dict[str, str]
    server: str

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.server, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=self.environment,
            timeout=30,
        )
        return done.stdout

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tmux("send-keys", key)
            time.sleep(0.2)  # Escape and a letter at once would be another key

    def lines(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def pane(self) -> str:
        return "\n".join(self.lines())

    def until(self, holds: str | Callable[[str], bool], seconds: float = 30) -> str:
        """Wait until something stands in the terminal, and return all that does."""
        deadline = time.monotonic() + seconds
        while True:
            pane = self.pane()
            if holds in pane if isinstance(holds, str) else holds(pane):
                return pane
            assert time.monotonic() < deadline, f"waited for {holds}, and there was:\n{pane}"
            time.sleep(0.1)

    def open(self, before: str = "") -> None:
        """Open the interface, with variables set before the command."""
        self.until(PROMPT.strip())
        self.type(f"{before} go")
        self.until("Ask a question")

    def ask(self) -> None:
        """Ask, and wait until the run has begun."""
        self.type(QUESTION)
        self.until(lambda pane: "Say something to the model" in pane)
        self.until(lambda pane: "Begins" in pane or "Step 1" in pane)

    def answer(self) -> None:
        """Ask, and wait for the end of the run."""
        self.ask()
        self.until("Ended: ", 180)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))
        self.until(lambda _: self.is_whole(width, height))

    def is_whole(self, width: int, height: int) -> bool:
        """Whether all is drawn: a title, a line of state, and panes with their right borders."""
        lines = self.lines()
        panes = [line for line in lines if line and line[0] in LEFT]
        return (
            len(lines) == height
            and "miro-edge" in lines[0]
            and "f1 Keys" in lines[-1]
            and len(panes) >= height - 5
            and all(cell_len(line) == width and line[-1] in RIGHT for line in panes)
        )

    def check_left(self) -> None:
        """Check that the shell is back, in a terminal that is as it was."""
        self.until(lambda pane: pane.rstrip().endswith(PROMPT.strip()))
        flags = "#{alternate_on} #{mouse_any_flag} #{keypad_flag} #{cursor_flag}"
        assert self.tmux("display-message", "-p", flags) == "0 0 0 1\n"
        self.type("stty -a | tr ' ;' '\\n\\n' | grep -Ex '(icanon|echo)'; echo al''ive")
        pane = self.until("alive\n")
        assert {"icanon", "echo"} <= set(pane.splitlines())
        assert "Traceback" not in pane


@pytest.fixture
def terminal(
    tmp_path: Path, smollm2: Path, model_store: ModelStore, embedder_model: InstalledModel
) -> Iterator[Terminal]:
    """A terminal of 80 by 24 with the program as `go`, its home, and a library in use."""
    home = Home(tmp_path / "home")
    home.models.mkdir(parents=True)
    embedder = model_store.root / embedder_model.name
    (home.models / embedder.name).symlink_to(embedder, target_is_directory=True)
    documents = tmp_path / "ships"
    documents.mkdir()
    for name, text in DOCUMENTS.items():
        (documents / name).write_text(text, encoding="utf-8")
    ask = AskSettings(libraries=(str(documents),), model=str(smollm2), offline=True)
    save_config(Config(ask=ask, tui=InterfaceSettings(motion=False)), home.config)
    command = tmp_path / "go"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m edge_agent.cli "$@"\n')
    command.chmod(0o755)
    (tmp_path / "profile").write_text(f"PS1='{PROMPT}'\n")  # a shell forgets that of its parent
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR", "COLORTERM")},
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "ENV": str(tmp_path / "profile"),
        HOME_VARIABLE: str(home.root),
    }
    terminal = Terminal(home, environment, f"miro-edge-{uuid.uuid4().hex[:12]}")
    terminal.tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(tmp_path), "sh")
    yield terminal
    terminal.tmux("kill-server")


def test_a_question_is_answered_and_leaving_leaves_nothing_behind(terminal: Terminal) -> None:
    terminal.open()
    terminal.ask()
    terminal.until("1 search: Where was the", 180)
    pane = terminal.until("Ended: ", 180)
    assert "Fram" in pane
    assert re.search(r"Evidence: [1-9]", pane)
    assert terminal.is_whole(80, 24)
    terminal.press("C-q")
    terminal.check_left()


def test_each_screen_has_a_key(terminal: Terminal) -> None:
    terminal.open()
    terminal.press("F1")
    terminal.until("Keys: ")
    terminal.press("Escape")
    terminal.until(lambda pane: "Keys: " not in pane)
    for key, screen in (
        *(("F3", "Runs"), ("F4", "Libraries"), ("F5", "Models"), ("F6", "Settings")),
        ("F2", "Research"),
    ):
        terminal.press(key)
        terminal.until(lambda pane, screen=screen: f"miro-edge  {screen}" in pane)  # type: ignore[misc]
        terminal.until(lambda _: terminal.lines()[1][-1:] in RIGHT)
    terminal.press("C-q")
    terminal.check_left()


def test_any_size_will_do(terminal: Terminal) -> None:
    terminal.open()
    sizes = ((200, 60), (40, 12), (80, 24))
    for width, height in sizes:
        terminal.resize(width, height)
        assert "Nothing asked yet" in terminal.pane()
    terminal.ask()
    terminal.press("F7")
    terminal.until("Paused.")
    for width, height in sizes:
        terminal.resize(width, height)
        assert "Paused." in terminal.pane()
    terminal.tmux("resize-window", "-x", "20", "-y", "8")  # too small to be of use
    time.sleep(1)
    terminal.resize(80, 24)
    terminal.press("F7")
    terminal.until("Ended: ", 180)
    for width, height in sizes:
        terminal.resize(width, height)
        assert "Ended: " in terminal.pane()


def test_leaving_in_the_middle_of_a_run_asks_and_keeps_it(terminal: Terminal) -> None:
    terminal.open()
    terminal.ask()
    terminal.press("F7")
    terminal.until("Paused.")
    terminal.press("C-q")
    terminal.until("Stop it and leave")
    terminal.press("Escape")
    terminal.until(lambda pane: "Stop it and leave" not in pane)
    assert "Paused." in terminal.pane()
    terminal.press("C-q")
    terminal.until("Stop it and leave")
    terminal.press("Down", "Enter")
    terminal.check_left()
    command = [sys.executable, "-m", "edge_agent.cli", "runs", "list", "--json"]
    listed = subprocess.run(
        command, capture_output=True, text=True, check=True, env=terminal.environment
    )
    (run,) = json.loads(listed.stdout)["runs"]
    assert (run["status"], run["question"]) == ("interrupted", QUESTION)
    resumed = subprocess.run(
        [*command[:4], "resume", run["id"]],
        capture_output=True,
        text=True,
        check=False,
        env=terminal.environment,
    )
    assert resumed.returncode in (0, 3), resumed.stderr  # found or not: it came to an end


def test_without_colours_there_are_none(terminal: Terminal) -> None:
    terminal.open("NO_COLOR=1")
    terminal.answer()
    for key in ("F1", "Escape", "F3", "F4", "F5", "F6", "C-p", "Escape"):
        assert COLOUR.search(terminal.tmux("capture-pane", "-p", "-e")) is None
        terminal.press(key)
        time.sleep(0.5)
    assert "\x1b[7m" in terminal.tmux("capture-pane", "-p", "-e")  # where the cursor is


def test_with_colours_there_are_some(terminal: Terminal) -> None:
    terminal.open()
    assert COLOUR.search(terminal.tmux("capture-pane", "-p", "-e")) is not None


@pytest.mark.parametrize("kind", ["xterm", "linux", "vt100", "no-such-terminal"])
def test_any_terminal_will_do(terminal: Terminal, kind: str) -> None:
    terminal.open(f"TERM={kind}")
    terminal.until(lambda _: terminal.is_whole(80, 24))
    terminal.press("C-q")
    terminal.check_left()


def test_a_dumb_terminal_is_spoken_to_line_by_line(terminal: Terminal) -> None:
    terminal.until(PROMPT.strip())
    terminal.type("TERM=dumb go")
    terminal.until("miro-edge, line by line.")
    terminal.type(QUESTION)
    terminal.until(lambda pane: "\nRun 2" in pane, 180)
    terminal.type("/quit")
    terminal.check_left()


def test_plain_ascii_is_all_there_is_in_the_frame(terminal: Terminal) -> None:
    config = load_config(terminal.home.config)
    looks = InterfaceSettings(motion=False, ascii=True)
    save_config(Config(ask=config.ask, tui=looks), terminal.home.config)
    terminal.open()
    terminal.answer()
    texts = set("".join(DOCUMENTS.values()))
    for key in ("F1", "Escape", "1", "v", "F3", "F4", "F5", "F6", "C-p"):
        assert not {sign for sign in terminal.pane() if not sign.isascii()} - texts
        terminal.press(key)
        time.sleep(0.5)
    assert not {sign for sign in terminal.pane() if not sign.isascii()} - texts


def test_wide_letters_and_those_from_right_to_left_keep_the_border(terminal: Terminal) -> None:
    terminal.open()
    terminal.answer()
    terminal.press("Escape")
    seen = set()
    for key in ("1", "2", "3", "4"):
        terminal.press(key)
        terminal.until(lambda _: terminal.is_whole(80, 24))
        pane = terminal.pane()
        seen |= {name for name in ("弗拉姆号是一艘", "سفينة فرام صممها") if name in pane}
    assert len(seen) == 2
    terminal.resize(200, 60)
    terminal.resize(40, 12)
