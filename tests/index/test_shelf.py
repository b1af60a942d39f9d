"""The shelf: libraries by name, and folders and files that become one."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from searching import titles

from edge_agent.index import (
    Collection,
    EmptyLibrary,
    IndexProgress,
    Library,
    LibraryBusy,
    LibraryError,
    Shelf,
    Source,
    UnknownLibrary,
    sample_folder,
)


def test_a_shelf_makes_lists_and_removes(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    assert shelf.names() == ()
    shelf.add("ships", (documents,))
    assert shelf.names() == ("ships",)
    assert titles(shelf.open("ships"), "Fram") == ["Fram"]
    shelf.remove("ships")
    assert shelf.names() == ()
    assert (documents / "archer.txt").is_file()


def test_a_library_is_opened_without_a_look_at_the_others(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    for name in ("archer", "ships"):
        shelf.add(name, (documents,))
    is_file = Path.is_file

    def looked_at(path: Path) -> bool:
        assert path.parent.name != "archer"
        return is_file(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_file", looked_at)
        assert shelf.open("ships").name == shelf.resolve("ships").name == "ships"
        shelf.check("ships")
        assert shelf.add("ships", (documents,)).unchanged == 2
    with pytest.raises(UnknownLibrary, match="There is no library"):
        shelf.folder("../shelf/ships")


def test_a_library_is_known_as_it_is_spelt_also_where_the_disk_ignores_case(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("ships", (documents,))
    is_file = Path.is_file

    def whatever_case(path: Path) -> bool:
        return is_file(path.parent.with_name(path.parent.name.lower()) / path.name)

    monkeypatch.setattr(Path, "is_file", whatever_case)
    for asked in (shelf.folder, shelf.check, shelf.remove):
        with pytest.raises(UnknownLibrary, match="Did you mean: ships"):
            asked("Ships")
    with pytest.raises(LibraryError, match="Use 'ships'"):
        shelf.add("Ships", (documents,))
    assert shelf.names() == ("ships",)


def test_a_folder_or_a_file_is_indexed_on_the_fly_and_kept(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    first = shelf.resolve(str(documents))
    assert titles(first, "Larvik") == ["Colin Archer"]
    assert shelf.resolve(str(documents)).folder == first.folder
    assert titles(shelf.resolve(str(documents / "archer.txt")), "Larvik") == ["Colin Archer"]


def test_what_could_not_be_read_on_the_fly_is_told(documents: Path, tmp_path: Path) -> None:
    shelf, told = Shelf(tmp_path / "shelf"), list[str]()
    shelf.resolve(str(documents), warn=told.append)
    assert told == []
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    name = shelf.resolve(str(documents), warn=told.append).name
    assert told == [
        f"1 file or place could not be read, or not whole: miro-edge index problems {name}"
    ]
    shutil.rmtree(documents)
    documents.mkdir()
    kept = shelf.resolve(str(documents), warn=told.append)
    assert titles(kept, "Larvik") == ["Colin Archer"]
    assert told[1].startswith("2 files or places could not be read")


def test_the_sample_library_is_there_without_being_made(tmp_path: Path) -> None:
    sample = Shelf(tmp_path / "shelf").resolve("sample")
    assert sample.statistics().problems == 0
    assert sample.statistics().documents >= 40
    assert titles(sample, "height of the Skerryvore lighthouse")[0].startswith("Skerryvore")


@pytest.mark.parametrize("name", ["", "a/b", "..", "-x", "a" * 101, "é"])
def test_a_name_that_no_folder_can_have_is_refused(
    name: str, documents: Path, tmp_path: Path
) -> None:
    with pytest.raises(LibraryError, match="cannot be the name"):
        Shelf(tmp_path / "shelf").add(name, (documents,))


def test_the_name_of_the_sample_library_is_taken(documents: Path, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="ships with the program"):
        Shelf(tmp_path / "shelf").add("sample", (documents,))


@pytest.mark.parametrize("name", ["Ships", "SAMPLE"])
def test_a_new_name_that_differs_only_in_case_is_refused(
    name: str, documents: Path, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("ships", (documents / "ships",))
    with pytest.raises(LibraryError, match=f"Use '{name.lower()}', or a name that differs"):
        shelf.add(name, (documents,))
    assert shelf.names() == ("ships",)
    assert shelf.add("ships", (documents,)).added == 1


def test_the_sample_library_moves_with_the_program(documents: Path, tmp_path: Path) -> None:
    Library(tmp_path / "shelf" / "sample").add([documents])
    sample = Shelf(tmp_path / "shelf").resolve("sample")
    assert sample.sources == (Source((sample_folder() / "documents").resolve()),)
    assert sample.find_document("ships/fram.md") is None


@pytest.mark.parametrize("name", ["sample", None])
def test_a_library_that_is_being_written_is_searched_as_it_is(
    name: str | None, documents: Path, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    asked = name or str(documents)
    before = shelf.resolve(asked)
    (documents / "gjoa.txt").write_text("Gjøa\n\nA herring boat.")
    told: list[str] = []
    with FileLock(before.folder / "write.lock"):
        found = shelf.resolve(asked, warn=told.append)

    assert found.statistics() == before.statistics()
    assert told == [
        f"Another process is writing or checking the library '{before.name}': "
        "it is searched as it is."
    ]
    shelf.resolve(asked, warn=told.append)
    assert len(told) == 1


def test_a_library_that_is_being_made_holds_nothing_to_be_searched(
    documents: Path, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    made = shelf.resolve(str(documents))
    shutil.rmtree(made.folder)
    Library(made.folder).close()
    told: list[str] = []
    with (
        FileLock(made.folder / "write.lock"),
        pytest.raises(LibraryBusy, match="Wait until it has finished"),
    ):
        shelf.resolve(str(documents), warn=told.append)
    assert told == []


@pytest.mark.parametrize("part", [".", "archer.txt"])
def test_what_was_indexed_and_is_away_is_searched_as_it_was_read(
    part: str, documents: Path, tmp_path: Path
) -> None:
    shelf, asked = Shelf(tmp_path / "shelf"), str(documents / part)
    shelf.resolve(asked).close()
    documents.rename(tmp_path / "unplugged")
    told: list[str] = []

    shelf.check(asked)
    assert titles(shelf.resolve(asked, warn=told.append), "Larvik") == ["Colin Archer"]
    assert told == [f"{(documents / part)} is not there: it is searched as it was read last."]


def test_what_is_away_and_never_was_indexed_is_unknown(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.resolve(str(documents)).close()
    asked = str(documents / "ships")
    shutil.rmtree(documents)
    for use_it in (shelf.check, lambda name: shelf.resolve(name, warn=print)):
        with pytest.raises(UnknownLibrary, match="There is no library"):
            use_it(asked)


def test_a_library_that_cannot_be_opened_can_be_removed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    broken = tmp_path / "shelf" / "broken"
    broken.mkdir(parents=True)
    (broken / "library.db").write_bytes(b"no database" * 500)
    with pytest.raises(LibraryError, match="miro-edge index remove broken"):
        shelf.open("broken")
    shelf.remove("broken")
    assert shelf.names() == ()


def test_what_a_killed_removal_leaves_is_no_library_and_goes_with_the_next_write(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("ships", (documents,))

    def killed(folder: Path) -> None:
        assert (folder / "library.db").is_file()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.index.shelf.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            shelf.remove("ships")
    assert shelf.names() == ()
    (left,) = (tmp_path / "shelf").iterdir()
    with pytest.raises(UnknownLibrary):
        shelf.folder(left.name)
    shelf.add("boats", (documents,))
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == ["boats"]


def test_an_interrupt_before_anything_is_read_leaves_nothing_behind(
    documents: Path, tmp_path: Path
) -> None:
    def interrupt(_: IndexProgress) -> None:
        raise KeyboardInterrupt

    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(KeyboardInterrupt):
        shelf.add("ships", (documents,), interrupt)
    assert shelf.names() == ()


@pytest.mark.parametrize("name", ["", "~nobody-of-that-name/x", "x" * 5000, "a\0b"])
def test_what_cannot_be_a_path_is_an_unknown_library(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownLibrary, match="There is no library"):
        Shelf(tmp_path / "shelf").resolve(name)


def test_nothing_to_read_leaves_nothing_behind(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(EmptyLibrary, match="Nothing that can be read"):
        shelf.add("empty", (empty,))
    assert shelf.names() == ()
    assert list((tmp_path / "shelf").iterdir()) == []


def test_what_is_not_there_is_named_with_what_is_like_it(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("ships", (documents,))
    with pytest.raises(UnknownLibrary, match="Did you mean: ships"):
        shelf.resolve("ship")


def test_a_collection_takes_turns(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("one", (documents / "archer.txt",))
    shelf.add("two", (documents / "ships",))
    both = Collection([shelf.open("one"), shelf.open("two")])
    assert both.name == "one+two"
    assert [name for name, _ in both.search("Colin Archer", 5)] == ["one", "two"]


def test_where_nobody_can_be_told_what_is_busy_or_away_is_refused(
    documents: Path, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    made = shelf.resolve(str(documents))
    with FileLock(made.folder / "write.lock"), pytest.raises(LibraryBusy):
        shelf.resolve(str(documents))
    documents.rename(tmp_path / "unplugged")
    with pytest.raises(UnknownLibrary):
        shelf.resolve(str(documents))


def test_where_a_disk_is_full_no_empty_library_is_left(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")

    def full(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.index.library.Texts", full)
        with pytest.raises(sqlite3.OperationalError):
            shelf.add("ships", (documents,))
    assert shelf.names() == ()
    assert shelf.add("ships", (documents,)).added == 2


def test_a_library_on_another_disk_is_removed_there_too(documents: Path, tmp_path: Path) -> None:
    shelf, elsewhere = Shelf(tmp_path / "shelf"), tmp_path / "disk" / "ships"
    shelf.add("ships", (documents,))
    elsewhere.parent.mkdir()
    (tmp_path / "shelf" / "ships").rename(elsewhere)
    (tmp_path / "shelf" / "ships").symlink_to(elsewhere)
    assert titles(shelf.open("ships"), "Fram") == ["Fram"]
    shelf.remove("ships")
    assert not elsewhere.exists()
    assert list((tmp_path / "shelf").iterdir()) == []


def test_what_has_no_end_is_no_document(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    shelf = Shelf(tmp_path / "shelf")
    for place in (tmp_path / "pipe.md", Path("/dev/null")):
        with pytest.raises(UnknownLibrary, match="is neither a folder nor a regular file"):
            shelf.add("ships", (place,))
        with pytest.raises(UnknownLibrary):
            shelf.resolve(str(place))
    assert shelf.names() == ()


def test_the_sample_library_that_nobody_has_asked_is_not_there_to_be_removed(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnknownLibrary, match="is not indexed: it is when it is first asked"):
        Shelf(tmp_path).remove("sample")


def test_a_closed_library_is_named_and_the_others_are_open(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")
    for name in ("bridges", "ships"):
        shelf.add(name, (documents,))
    is_file, exists = Path.is_file, Path.exists

    def closed(path: Path, known: Callable[[Path], bool]) -> bool:
        if path.parent.name == "bridges":
            raise PermissionError(errno.EACCES, "Permission denied")
        return known(path)

    monkeypatch.setattr(Path, "is_file", lambda path: closed(path, is_file))
    monkeypatch.setattr(Path, "exists", lambda path: closed(path, exists))
    assert shelf.names() == ("bridges", "ships")
    assert titles(shelf.open("ships"), "Fram") == ["Fram"]
    with pytest.raises(LibraryError, match="'bridges' cannot be opened"):
        shelf.open("bridges")
