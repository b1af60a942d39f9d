"""What goes wrong is said in a sentence, whatever was typed and wherever."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import call, said

from edge_agent.failures import explained

NO_UTF8 = "\udcff"  # as Python has an argument that is the byte FF


@pytest.mark.parametrize(
    "command",
    [
        ("runs", "show", NO_UTF8),
        ("runs", "resume", NO_UTF8),
        ("runs", "fork", NO_UTF8, "--at", "1"),
        ("runs", "remove", "--yes", NO_UTF8),
        ("runs", "export", "--format", "json", NO_UTF8),
        ("runs", "tell", NO_UTF8, "Hello"),
        ("eval", "report", NO_UTF8),
        ("eval", "trace", NO_UTF8, "q-1"),
        ("eval", "compare", NO_UTF8, NO_UTF8),
        ("config", "set", "ask.model", NO_UTF8),
        ("config", "set", "web.key", f"s3cret{NO_UTF8}"),
        ("config", "set", "ask.libraries", f"papers, {NO_UTF8}"),
    ],
)
def test_an_argument_that_is_no_utf8_is_a_sentence(command: tuple[str, ...], home: Path) -> None:
    result = call(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said(result) == (
        r"miro-edge: An argument or a file's name is no text in UTF-8: it has \xff in it. Write it "
        "in UTF-8, or rename the file, and try again."
    )


def test_settings_stay_whole_where_one_is_no_utf8(home: Path) -> None:
    assert call("config", "set", "ask.context", "2048").exit_code == 0
    before = (home / "config.toml").read_bytes()
    assert call("config", "set", "ask.model", NO_UTF8).exit_code == 1
    assert (home / "config.toml").read_bytes() == before
    assert [path.name for path in home.glob("config*")] == ["config.toml"]


def test_half_a_character_that_came_from_no_byte_is_a_fault_of_the_program() -> None:
    with pytest.raises(UnicodeEncodeError) as refused:
        "\ud83d".encode()
    assert explained(refused.value) is None


@pytest.fixture
def lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder that somebody has deleted."""
    folder = tmp_path / "lost"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


@pytest.mark.parametrize("command", [("index", "add", "notes"), ("ask", "Who?", "--file")])
def test_a_current_folder_that_is_gone_is_said_to_be(
    command: tuple[str, ...], lost: None, home: Path, tmp_path: Path, smollm2: Path
) -> None:
    (tmp_path / "notes.md").write_text("# Fram\n\nThe Fram was built at Larvik.\n")
    model = ("--offline", "-m", smollm2) if command[0] == "ask" else ()
    result = call(*command, tmp_path / "notes.md", *model)
    assert (result.exit_code, result.stdout) == (1, "")
    sentence = "miro-edge: The current folder is not there any more. Change to another one, and"
    assert sentence in said(result)


def test_a_file_that_is_missing_elsewhere_is_not_the_current_folder(lost: None) -> None:
    message = explained(FileNotFoundError(2, "No such file or directory", "/nowhere/at/all"))
    assert message is not None
    assert "/nowhere/at/all" in message
