"""Which files are read: patterns, ignore files, and folders that cannot be looked into."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_agent.index import Library, LibraryError, Source
from edge_agent.index.files import find_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in (
        "a.md", "b.txt", "drafts/c.md", "drafts/keep.md", "deep/er/d.md", "deep/er/e.log",
        "build/f.md", ".hidden/g.md",
    ):  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def names(source: Source) -> list[str]:
    return sorted(path.relative_to(source.path).as_posix() for path in find_files([source]).files)


def test_all_but_hidden_files(folder: Path) -> None:
    assert names(Source(folder)) == [
        "a.md", "b.txt", "build/f.md", "deep/er/d.md", "deep/er/e.log", "drafts/c.md",
        "drafts/keep.md",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["notes.md~", "#notes.md#", "~$notes.md", "old~/notes.md"])
def test_the_copies_of_editors_are_read_only_where_they_are_named(name: str, folder: Path) -> None:
    before = names(Source(folder))
    copy = folder / name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text("An older text.")
    assert names(Source(folder)) == before
    assert list(find_files([Source(copy)]).files) == [copy]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (("*.txt",), (), ["b.txt"]),
        (("deep/",), ("*.log",), ["deep/er/d.md"]),
        (("*.md",), ("drafts/", "build/"), ["a.md", "deep/er/d.md"]),
        ((), ("*", "!*.txt"), ["b.txt"]),
    ],
)
def test_patterns_choose(
    folder: Path, include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]
) -> None:
    assert names(Source(folder, include, exclude)) == expected


def test_ignore_files_hold_for_their_folder_and_the_nearest_decides(folder: Path) -> None:
    (folder / ".gitignore").write_text("build/\n*.log\n/b.txt\ndrafts/*\n")
    (folder / "drafts" / ".ignore").write_text("!keep.md\n")
    (folder / "deep" / "er" / ".miro-edge-ignore").write_text("d.md\n")
    assert names(Source(folder)) == ["a.md", "drafts/keep.md"]


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
def test_an_ignore_file_that_was_written_to_hold_one_up_does_not(folder: Path) -> None:
    (folder / ("a" * 250)).write_text("A long name.")
    (folder / ".gitignore").write_text(f"!\n{'*a' * 40}*b\nbuild/\n")
    assert "build/f.md" not in names(Source(folder))


def test_of_an_ignore_file_no_more_than_its_beginning_is_heeded(folder: Path) -> None:
    ignoring = folder / ".ignore"
    ignoring.write_text("build/\n" + "# long\n" * 20_000 + "*.md\n")
    found = find_files([Source(folder)])
    assert found.unreachable == {ignoring: "is longer than 64 KB; only its beginning is heeded"}
    assert folder / "a.md" in found.files
    assert folder / "build" / "f.md" not in found.files


@pytest.fixture
def deep(folder: Path) -> Iterator[Path]:
    """Folders in each other, a thousand and a hundred; what removes them later cannot."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(1_100):  # a path to it all would soon be too long
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    with open(os.open("deep.txt", os.O_WRONLY | os.O_CREAT, dir_fd=at), "w") as file:  # noqa: PTH123
        file.write("A whale dives.")
    os.close(at)
    yield folder
    subprocess.run(["rm", "-rf", folder / "d"], check=True)


def test_folders_may_lie_in_each_other_a_thousand_times(deep: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    library.add([deep])
    (hit,) = library.search("whale")
    assert hit.passage.document.count("d/") == 1_100
    assert library.update().unchanged == 8


def test_a_file_that_is_named_is_read_whatever_ignore_files_say(folder: Path) -> None:
    (folder / ".gitignore").write_text("*.md\n")
    assert list(find_files([Source(folder / "a.md")]).files) == [folder / "a.md"]


def test_a_pattern_that_is_none_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="is no pattern"):
        Library(tmp_path / "library").add([Source(folder, include=("!",))])


def test_a_closed_folder_keeps_its_documents(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(tmp_path / "library")
    before = library.add([folder]).added
    scan = os.scandir

    def scandir(path: Path) -> Any:
        if path == folder / "deep":  # also to the superuser, as whom tests may run
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(path)

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.index.files.os.scandir", scandir)
        report = library.update()
    assert report.removed == 0
    assert library.statistics().files == before
    assert any("cannot be looked into" in problem.reason for problem in report.problems)


def test_what_cannot_be_looked_at_is_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(tmp_path / "library")
    before = library.add([folder]).added
    scan = os.scandir

    class Stale:
        """An entry of a folder that a network has lost meanwhile."""

        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.path = entry.name, entry.path
            self.is_symlink, self.is_dir = entry.is_symlink, entry.is_dir
            self.is_file = entry.is_file

        def stat(self, **_: object) -> os.stat_result:
            raise OSError(errno.ESTALE, "Stale file handle")

    @contextmanager
    def scandir(path: Path) -> Iterator[Any]:
        with scan(path) as entries:
            yield map(Stale, entries)

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.index.files.os.scandir", scandir)
        report = library.update()
    assert report.removed == 0
    assert library.statistics().files == before
    assert all("cannot be looked at: Stale" in each.reason for each in report.problems)


def test_a_source_that_is_away_keeps_its_documents(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "stick"
    other.mkdir()
    (other / "z.txt").write_text("A zebra.")
    library = Library(tmp_path / "library")
    library.add([folder, other])
    other.rename(tmp_path / "away")
    report = library.update()
    assert [problem.reason for problem in report.problems] == [
        "is not there; its documents are kept"
    ]
    assert library.search("zebra")
    assert library.drop([other]).removed == 1
    assert not library.search("zebra")


def test_what_is_wanted_of_a_source_is_remembered(folder: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    assert library.add([Source(folder, include=("*.txt",))]).added == 1
    assert library.update().unchanged == 1
    assert library.add([Source(folder)]).added == 6


@pytest.mark.skipif(sys.platform != "darwin", reason="only Macs hide what has no dot")
def test_what_a_mac_hides_is_passed_over(folder: Path) -> None:
    if sys.platform == "darwin":
        os.chflags(folder / "drafts", stat.UF_HIDDEN)
        os.chflags(folder / "a.md", stat.UF_HIDDEN)
    assert {"a.md", "drafts/c.md", "drafts/keep.md"}.isdisjoint(names(Source(folder)))


def test_a_source_in_other_capitals_is_the_one_that_is_there(folder: Path, tmp_path: Path) -> None:
    os.link(folder / "a.md", folder / "A.md")  # as on a disk that takes both for the same
    (folder / "B.txt").write_text("another file")
    with closing(Library(tmp_path / "library")) as library:
        for name in ("a.md", "A.md", "b.txt", "B.txt"):
            library.add([folder / name])
        assert [source.path.name for source in library.sources] == ["a.md", "b.txt", "B.txt"]
        library.drop([folder / "A.md"])
        assert [source.path.name for source in library.sources] == ["b.txt", "B.txt"]
