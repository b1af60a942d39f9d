"""What the web has said is kept, for a while as if it were new, and within bounds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import AgentError
from edge_agent.index import Document, Section
from edge_agent.web.cache import Cache
from edge_agent.web.engines import Result

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
results = st.lists(st.builds(Result, text, text, text), max_size=3)
documents = st.builds(
    Document,
    id=text,
    title=text,
    source=text,
    text=text,
    sections=st.lists(
        st.builds(
            Section,
            st.integers(0, 9),
            st.integers(0, 9),
            st.lists(text, max_size=2).map(tuple),
            st.none() | st.integers(1, 9),
        ),
        max_size=2,
    ).map(tuple),
)


def page(address: str, size: int = 10) -> Document:
    return Document(address, "Title", address, "x" * size, (Section(0, size, ("A",), 2),))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    with closing(Cache(tmp_path_factory.mktemp("web"), 1, 1)) as cache:
        yield cache


@given(engine=text, query=text, found=results, address=text, document=documents)
def test_what_is_kept_comes_back(
    shared: Cache, engine: str, query: str, found: list[Result], address: str, document: Document
) -> None:
    shared.keep_answer(engine, query, found)
    shared.keep_page(address, document)
    answer, kept = shared.answer(engine, query), shared.page(document.id)
    assert answer is not None
    assert kept is not None
    assert (answer.value, answer.fresh) == (tuple(found), True)
    assert (kept.value, kept.fresh) == (document, True)


def test_what_is_old_is_there_but_not_fresh(tmp_path: Path) -> None:
    now = [1000.0]
    cache = Cache(tmp_path, 2, 1, lambda: now[0])
    cache.keep_answer("ddgs", "fram  designer ", [])
    cache.keep_page("http://a/", page("http://a/"))
    for days, fresh in ((1.9, True), (2.1, False)):
        now[0] = 1000 + days * 86_400
        for kept in (cache.answer("ddgs", "fram designer"), cache.page("http://a/")):
            assert kept is not None
            assert kept.fresh is fresh
    assert cache.answer("serper", "fram designer") is None
    assert cache.page("http://b/") is None


def test_what_a_clock_that_was_ahead_dated_is_not_fresh(tmp_path: Path) -> None:
    now = [1e9]
    cache = Cache(tmp_path, 2, 1, lambda: now[0])
    cache.keep_page("http://a/", page("http://a/"))
    now[0] = 1e9 - 1
    kept = cache.page("http://a/")
    assert kept is not None
    assert not kept.fresh


def test_what_another_version_kept_is_as_if_it_were_not(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1, 1)
    cache.keep_answer("ddgs", "fram", [Result("http://a/", "A", "a")])
    cache.keep_page("http://a/", page("http://a/"))
    with closing(sqlite3.connect(tmp_path / "cache.db")) as other, other:
        other.execute(
            """update entries set record = replace(record, '"title":', '"x": 1, "title":')"""
        )
    assert cache.answer("ddgs", "fram") is None
    assert cache.page("http://a/") is None


def test_a_page_is_found_by_where_it_was_and_by_what_led_there(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1, 1)
    cache.keep_page("http://a/old", page("http://a/new"))
    old, new = cache.page("http://a/old"), cache.page("http://a/new")
    assert old == new
    assert new is not None
    assert new.value == page("http://a/new")


def test_the_oldest_make_room(tmp_path: Path) -> None:
    ticks = iter(range(1000))
    cache = Cache(tmp_path, 1, 0.02, lambda: next(ticks))
    for number in range(30):
        cache.keep_page(f"http://a/{number}", page(f"http://a/{number}", 2000))
    kept = [number for number in range(30) if cache.page(f"http://a/{number}") is not None]
    assert kept == list(range(30 - len(kept), 30))
    assert 7 <= len(kept) <= 9
    cache.keep_page("http://a/large", page("http://a/large", 50_000))
    assert cache.page("http://a/large") is None


def test_another_process_finds_it(tmp_path: Path) -> None:
    first, second = Cache(tmp_path, 1, 1), Cache(tmp_path, 1, 1)
    first.keep_page("http://a/", page("http://a/"))
    assert second.page("http://a/") is not None
    second.keep_page("http://b/", page("http://b/"))
    first.close()
    assert second.page("http://a/") is not None


def test_a_file_that_fails_later_is_as_if_nothing_had_been_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1, 1)
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.execute("drop table entries")
    cache.keep_page("http://a/", page("http://a/"))
    assert cache.page("http://a/") is None


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(AgentError, match=r"cannot be opened.*delete that folder"):
        Cache(tmp_path, 1, 1)
