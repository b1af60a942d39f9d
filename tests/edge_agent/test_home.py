"""Where things lie: whatever the machine's habits are, they are their owner's alone."""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest
from commands import call, said

from edge_agent.cli.output import ExitCode
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.home import HOME_VARIABLE, Home
from edge_agent.index import OWN_IGNORE_FILE, Library, Shelf
from edge_agent.runs import RunStore


@pytest.fixture(autouse=True)
def _generous() -> Iterator[None]:
    """Have files be for everybody, unless somebody says that they are not."""
    before = os.umask(0)
    yield
    os.umask(before)


def is_private(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0


def test_no_test_reaches_the_home_of_whoever_runs_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert Home.from_environment().root.is_relative_to(tmp_path_factory.getbasetemp())


def test_a_home_that_is_made_is_private(home: Path) -> None:
    assert not home.exists()
    assert Home.from_environment().root == home
    assert is_private(home)


def test_a_home_that_is_shared_stays_so(home: Path) -> None:
    home.mkdir(mode=0o750, parents=True)
    assert Home.from_environment().root == home
    assert home.stat().st_mode & 0o777 == 0o750


def test_a_home_that_cannot_be_made_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setenv("MIRO_EDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Path, "mkdir", refused)
    assert Home.from_environment().root == tmp_path / "home"


@pytest.mark.parametrize("named", ["~nobody-at-all/me", None])
def test_a_home_of_nobody_is_one_sentence(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(user: object) -> NoReturn:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for variable in ("HOME", "XDG_DATA_HOME", HOME_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    if named is not None:
        monkeypatch.setenv(HOME_VARIABLE, named)
    result = call("runs", "list")
    assert result.exit_code == 1
    assert "Set the environment variable MIRO_EDGE_HOME to a folder." in said(result)
    assert call("ask", "--help").exit_code == 0


def test_a_path_in_the_home_of_nobody_is_one_where_nothing_is(home: Path, tmp_path: Path) -> None:
    (tmp_path / "fram.md").write_text("# Fram\n\nDesigned by Colin Archer.")
    call("index", "add", "ships", tmp_path / "fram.md")
    for command, message in [
        (["ask", "--file", "~nobody-at-all/x.pdf", "Who?"], "~nobody-at-all/x.pdf is not there"),
        (["ask", "--profile", "~nobody-at-all/x.toml", "Who?"], "cannot be read"),
        (["index", "add", "ships", "~nobody-at-all/x"], "~nobody-at-all/x is not there"),
        (["index", "remove", "--yes", "ships", "~nobody-at-all/x"], "was not added to the library"),
        (["models", "add", "foo", "~nobody-at-all/x"], "~nobody-at-all/x cannot be read"),
    ]:
        result = call(*command)
        assert (result.exit_code, message in said(result)) == (1, True), said(result)


def test_stores_and_libraries_are_private(tmp_path: Path) -> None:
    with (
        closing(RunStore(tmp_path / "runs.db")),
        closing(EvaluationStore(tmp_path / "evaluations.db")),
        closing(Library(tmp_path / "library")),
    ):
        assert is_private(tmp_path / "library")
        made = [*tmp_path.glob("*.db*"), *(tmp_path / "library").glob("*.db*")]
        assert {path.name for path in made} >= {"runs.db", "evaluations.db", "library.db"}
        assert all(map(is_private, made))


def test_a_store_that_is_shared_stays_so(tmp_path: Path) -> None:
    RunStore(tmp_path / "runs.db").close()
    (tmp_path / "runs.db").chmod(0o640)
    RunStore(tmp_path / "runs.db").close()
    assert (tmp_path / "runs.db").stat().st_mode & 0o777 == 0o640


def test_what_is_kept_is_no_document(home: Path) -> None:
    around = home.parent
    (around / "fram.md").write_text("# Fram\n\nDesigned by Colin Archer.")
    assert call("config", "set", "web.key", "a-secret-key").exit_code == 0
    (home / "notes.md").write_text("# Notes\n\nWhat somebody keeps here.")
    assert call("index", "add", "all", around).exit_code == 0
    assert call("index", "search", "all", "secret").exit_code == ExitCode.NOT_FOUND
    assert "notes.md" in call("index", "search", "all", "somebody keeps").stdout
    with closing(Shelf(home / "libraries").open("all")) as library:
        assert (library.statistics().files, library.problems()) == (2, ())


def test_an_ignore_file_in_the_home_that_is_somebodys_own_stays(home: Path) -> None:
    home.mkdir()
    (home / ".miro-edge-ignore").write_text("drafts/")
    assert call("runs", "list").exit_code == 0
    assert (home / ".miro-edge-ignore").read_text() == "drafts/"


@pytest.mark.parametrize("below", ["", "below"])
def test_a_home_that_is_a_file_is_one_sentence(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file" / below))
    result = call("doctor")
    assert result.exit_code == 1
    assert "cannot be a folder: there is a file" in said(result)


def test_a_home_says_what_it_is_in_a_file_that_is_read(home: Path) -> None:
    home.mkdir()
    (home / OWN_IGNORE_FILE).touch()  # as a full disk leaves it
    Home.from_environment()
    assert "/config.toml*" in (home / OWN_IGNORE_FILE).read_text().splitlines()
