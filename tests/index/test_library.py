"""Libraries: what was added is found, and read again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import titles

from edge_agent.index import (
    Library,
    UnknownPassage,
)


def test_what_was_added_is_found_by_stem_and_title(library: Library) -> None:
    assert titles(library, "designer of the fram") == ["Fram"]
    assert titles(library, "Larvik")[0] == "Colin Archer"
    (hit,) = library.search("Fram")
    assert hit.passage.document == "ships/fram.md"
    assert library.passage(hit.passage.id) == hit.passage
    assert library.document("ships/fram.md") == (hit.passage,)


def test_what_was_seen_is_passed_over(library: Library) -> None:
    everything = library.search("Colin Archer")
    assert len(everything) == 2
    rest = library.search("Colin Archer", limit=1, exclude={everything[0].passage.id})
    assert rest == everything[1:]


@pytest.mark.parametrize("name", ["archer.txt", "Colin Archer", "colin archer"])
def test_a_document_is_found_by_its_id_or_title(library: Library, name: str) -> None:
    assert library.find_document(name) == "archer.txt"
    assert library.find_document(f"{name}?") is None


def test_documents_are_known_by_name(tmp_path: Path) -> None:
    titles = ("Mercury", "Mercury (planet)", "Mercury (god) (Roman)", "Mercury ship", "Mercury(x)")
    for number, title in enumerate(titles):
        (tmp_path / f"{number}.md").write_text(f"# {title}\n\nSomething that is called so.")
    library = Library(tmp_path / "library")
    library.add([tmp_path])
    assert library.named("mercury") == ("0.md", "1.md", "2.md")
    assert library.named("Mercury (planet)") == ("1.md",)
    for slip in ("", "Merc", "Mercury (", "%", "mercury_ship"):
        assert library.named(slip) == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=80) | st.text(alphabet='"()*:^~[]{}ANDORNT +-fram', max_size=60))
def test_any_string_is_a_query(library: Library, query: str) -> None:
    assert all(hit.score > 0 for hit in library.search(query))


def test_a_passage_that_is_not_there_has_a_name(library: Library) -> None:
    with pytest.raises(UnknownPassage, match="nowhere#1"):
        library.passage("nowhere#1")


def test_a_library_of_an_older_version_can_be_opened_by_many_at_once(library: Library) -> None:
    database = sqlite_utils.Database(library.folder / "library.db")
    database.table("unreachable").drop()
    database.table("_sqlite_migrations").delete_where("name = 'remember_unreachable'")
    database.close()

    def opened(_: int) -> list[str]:
        with closing(Library(library.folder)) as again:
            return titles(again, "Larvik")

    with ThreadPoolExecutor(6) as threads:
        assert [*threads.map(opened, range(6))] == [["Colin Archer"]] * 6
