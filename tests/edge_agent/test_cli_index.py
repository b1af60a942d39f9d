"""`miro-edge index` as people and scripts call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent.cli import main


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["index", *arguments])
    assert "Traceback" not in result.output
    return result


def record(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--json").stdout)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "fram.md").write_text("# Fram\n\n## Design\n\nDesigned by Colin Archer.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7")
    return folder


def test_from_adding_to_removing(home: Path, documents: Path) -> None:
    added = record("add", "ships", str(documents))
    assert (added["added"], added["documents"], len(added["problems"])) == (2, 1, 1)
    (found,) = record("search", "ships", "designer")["results"]
    assert found.keys() == {
        *("passage", "document", "title", "source", "place", "score", "text"),
    }
    assert (found["document"], found["place"]) == ("fram.md", "§ Design")
    assert record("show", "ships", found["passage"])["text"] == "Designed by Colin Archer."
    assert record("stats", "ships")["passages"] == 1
    assert "bad.pdf" in call("problems", "ships").stdout
    (documents / "gjoa.md").write_text("# Gjøa\n\nA boat.")
    assert record("update", "ships")["added"] == 1
    assert [one["name"] for one in record("list")["libraries"]] == ["ships"]
    assert call("remove", "ships", "--yes").exit_code == 0
    assert record("list")["libraries"] == []


def test_nothing_found_has_its_own_exit_code(home: Path, documents: Path) -> None:
    call("add", "ships", str(documents))
    assert call("search", "ships", "zeppelin").exit_code == 3


@pytest.mark.parametrize("verb", ["update", "stats", "problems"])
def test_an_unknown_library_is_one_sentence(verb: str, home: Path) -> None:
    result = call(verb, "nowhere")
    assert result.exit_code == 1
    assert "There is no library 'nowhere'" in result.stderr


def test_a_path_that_is_not_there(home: Path) -> None:
    result = call("add", "ships", "/no/such/folder")
    assert result.exit_code == 1
    assert "/no/such/folder" in result.stderr


def test_control_codes_in_documents_never_reach_the_terminal(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.txt"
    path.write_text("Evil \x1b[2J\u202e title\n\nBeep \x07 \x9b31m red.")
    call("add", "evil", str(path))
    shown = call("search", "evil", "beep red").stdout
    assert "Beep" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)
