"""Libraries: incremental, one writer, and whole after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.index import (
    Collection,
    EmptyLibrary,
    Library,
    LibraryBusy,
    LibraryError,
    Shelf,
    UnknownLibrary,
    UnknownPassage,
)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "ships").mkdir(parents=True)
    (folder / "ships" / "fram.md").write_text("# Fram\n\nThe Fram was designed by Colin Archer.")
    (folder / "archer.txt").write_text("Colin Archer\n\nColin Archer was born in Larvik.")
    (folder / ".hidden.txt").write_text("A secret of Larvik.")
    return folder


@pytest.fixture
def library(documents: Path, tmp_path: Path) -> Library:
    made = Library(tmp_path / "library")
    made.add([documents])
    return made


def titles(library: Library, query: str) -> list[str]:
    return [hit.passage.title for hit in library.search(query)]


def test_what_was_added_is_found_by_stem_and_title(library: Library) -> None:
    assert titles(library, "designer of the fram") == ["Fram"]
    assert titles(library, "Larvik")[0] == "Colin Archer"
    (hit,) = library.search("Fram")
    assert hit.passage.document == "ships/fram.md"
    assert library.passage(hit.passage.id) == hit.passage
    assert library.document("ships/fram.md") == (hit.passage,)


def test_an_update_reads_only_what_changed(library: Library, documents: Path) -> None:
    assert library.update().unchanged == 2
    (documents / "archer.txt").write_text("Colin Archer\n\nHe died in Larvik in 1921.")
    (documents / "gjoa.txt").write_text("Gjøa\n\nA herring boat.")
    (documents / "ships" / "fram.md").unlink()
    report = library.update()
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 0)
    assert titles(library, "Fram") == []
    assert titles(library, "1921") == ["Colin Archer"]
    assert titles(library, "herring") == ["Gjøa"]


def test_a_new_date_on_the_same_content_changes_nothing(library: Library, documents: Path) -> None:
    os.utime(documents / "archer.txt", (1, 1))
    library.update()
    assert titles(library, "Larvik") == ["Colin Archer"]
    assert library.update().unchanged == 2


def test_a_bad_file_is_a_problem_and_the_rest_is_indexed(library: Library, documents: Path) -> None:
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    report = library.update()
    assert [Path(problem.file).name for problem in report.problems] == ["broken.pdf"]
    assert library.problems() == report.problems
    assert titles(library, "Larvik") == ["Colin Archer"]


def test_links_are_not_followed(library: Library, documents: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("Outside lies Timbuktu.")
    (documents / "link.txt").symlink_to(outside)
    library.update()
    assert titles(library, "Timbuktu") == []


def test_documents_of_the_same_name_are_both_there(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "archer.txt").write_text("Another Archer\n\nRoger Archer shot arrows.")
    library.add([other])
    assert titles(library, "arrows") == ["Another Archer"]
    assert titles(library, "Larvik") == ["Colin Archer"]


def test_a_second_writer_is_told(library: Library) -> None:
    with (
        FileLock(library.folder / "write.lock"),
        pytest.raises(LibraryBusy, match="Another process"),
    ):
        library.update()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=st.text(max_size=80) | st.text(alphabet='"()*:^~[]{}ANDORNT +-fram', max_size=60))
def test_any_string_is_a_query(library: Library, query: str) -> None:
    assert all(hit.score > 0 for hit in library.search(query))


def test_a_passage_that_is_not_there_has_a_name(library: Library) -> None:
    with pytest.raises(UnknownPassage, match="nowhere#1"):
        library.passage("nowhere#1")


_KILLED = """
import sys
from pathlib import Path
from edge_agent.index import Library
if __name__ == "__main__":
    print("ready", flush=True)
    Library(Path(sys.argv[1])).add([Path(sys.argv[2])])
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.3, 0.6, 0.9, 1.2, 1.6])
def test_a_writer_that_is_killed_leaves_the_last_good_index(
    library: Library, tmp_path: Path, delay: float
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(400):
        (many / f"{number}.txt").write_text(f"Island {number}\n\nIsland {number} has a lighthouse.")
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(library.folder), str(many)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = Library(library.folder)
    assert titles(again, "Larvik") == ["Colin Archer"]
    again.add([many])
    assert again.statistics().documents == 402
    assert titles(again, "island 399")[0] == "Island 399"
    assert len(again.search("lighthouse", limit=1000)) == 400


def test_a_shelf_makes_lists_and_removes(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    assert shelf.names() == ()
    shelf.add("ships", (documents,))
    assert shelf.names() == ("ships",)
    assert titles(shelf.open("ships"), "Fram") == ["Fram"]
    shelf.remove("ships")
    assert shelf.names() == ()
    assert (documents / "archer.txt").is_file()


def test_a_folder_or_a_file_is_indexed_on_the_fly_and_kept(documents: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    first = shelf.resolve(str(documents))
    assert titles(first, "Larvik") == ["Colin Archer"]
    assert shelf.resolve(str(documents)).folder == first.folder
    assert titles(shelf.resolve(str(documents / "archer.txt")), "Larvik") == ["Colin Archer"]


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
