"""The web as a library: what it finds, reads, remembers, and says without a network."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from site_served import Site, served

from edge_agent.config import WebSettings
from edge_agent.errors import ConfigError
from edge_agent.events import WEB
from edge_agent.home import Home
from edge_agent.index import Collection, Library, LibraryError, Unreachable, check_name
from edge_agent.web import WebError, WebLibrary, open_web

DESIGN = "The Gjøa was designed by Knut Skaale and built in Rosendal."
VOYAGE = "Amundsen sailed her through the Northwest Passage. It took three winters."


@pytest.fixture
def opened(site: Site, tmp_path: Path, shared_reader: None) -> Iterator[Callable[..., WebLibrary]]:
    """Opens the web, whose engine and pages are on a site; several times with one cache."""
    with ExitStack() as stack:

        def opens(offline: bool = False, embedder: Any = None, **settings: Any) -> WebLibrary:
            chosen = {
                "engine": "searxng",
                "address": site.address,
                "allow": ("127.0.0.1",),
                **settings,
            }
            web = open_web(WebSettings(**chosen), Home(tmp_path), embedder, offline=offline)
            stack.enter_context(closing(web))
            return web

        yield opens


@pytest.fixture
def ship(site: Site) -> str:
    """The address of a page that every search finds."""
    address = site.article("/gjoa", "Gjøa", VOYAGE, DESIGN, "She lay in San Francisco for long.")
    site.engine({"url": address, "title": "Gjøa - A site", "content": "A ship of Amundsen's."})
    return address


def texts(web: WebLibrary, query: str = "Who designed the Gjøa?") -> list[str]:
    return [hit.passage.text for hit in web.search(query, 5)]


def test_a_search_reads_what_the_engine_finds(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    web = opened()
    (hit,) = web.search("Who designed the Gjøa?", 5)
    passage = hit.passage
    assert DESIGN in passage.text
    assert (passage.title, passage.source, passage.document) == ("Gjøa", ship, ship)
    assert passage.id == f"{ship}#1"
    assert web.name == WEB == "the web"
    assert web.search("Who designed the Gjøa?", 5) == (hit,)
    assert len(site.asked("/search")) == len(site.asked("/gjoa")) == 1
    assert web.search("Who designed the Gjøa?", 5, {passage.id}) == ()
    assert web.search("Who designed the Gjøa?", 0) == ()


def test_no_library_of_documents_can_be_called_like_it() -> None:
    with pytest.raises(LibraryError):
        check_name(WEB)


def test_what_answers_best_comes_first_and_no_page_takes_all_places(
    opened: Callable[..., WebLibrary], site: Site
) -> None:
    words = [f"Filler {number} about harbours and their walls. " * 25 for number in range(6)]
    long = site.article("/long", "Harbours", *[f"{each} designer" for each in words])
    ship = site.article("/ship", "Gjøa", *words[:3], DESIGN * 12)
    site.engine(
        {"url": long, "title": "Harbours", "content": ""},
        {"url": ship, "title": "Gjøa", "content": ""},
    )
    hits = opened().search("Who is the designer of Gjøa in Rosendal?", 10)
    documents = [hit.passage.document for hit in hits]
    assert documents[0] == ship
    assert documents.count(long) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


class Embedder:
    """Knows of a text only whether it is about winters."""

    name, dimensions = "winters", 2

    def embed(self, texts: Sequence[str]) -> Any:
        return np.array([[1, 0] if "winter" in text else [0, 1] for text in texts], np.float32)


def test_meaning_counts_where_there_is_an_embedder(
    opened: Callable[..., WebLibrary], site: Site
) -> None:
    a = site.article("/a", "A ship", "Three winters in the ice, in a harbour of their own.")
    b = site.article("/b", "A ship", "Cold season, cold season, cold season; a list of words.")
    site.engine(
        {"url": b, "title": "B", "content": ""},
        {"url": a, "title": "A", "content": ""},
    )
    found = opened(embedder=Embedder()).search("cold winter", 2)
    assert [hit.passage.document for hit in found] == [a, b]


def test_what_cannot_be_read_is_what_the_engine_says_of_it(
    opened: Callable[..., WebLibrary], site: Site
) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /private")
    addresses = [
        f"{site.address}/gone",
        site.page("/private", "<p>private</p>"),
        site.page("/film", b"x", "video/mp4"),
        "http://127.0.0.2:9/secret",
        "http://10.0.0.1/",
    ]
    results = [
        {"url": address, "title": f"T{number}\u202e\x1b[31m", "content": f"Snippet {number}"}
        for number, address in enumerate(addresses)
    ]
    site.engine(
        *results,
        {"url": "javascript:alert(1)", "title": "x", "content": "never"},
        {"url": "http://me:secret@127.0.0.1/", "title": "x", "content": "never"},
        {"url": f"{site.address}/nothing", "title": "x", "content": ""},
    )
    web = opened(pages=5)
    hits = web.search("snippet", 10)
    assert {hit.passage.text for hit in hits} == {f"Snippet {number}" for number in range(5)}
    assert {hit.passage.source for hit in hits} == set(addresses)
    assert all(hit.passage.title.isprintable() for hit in hits)
    assert web.document(addresses[0]) == tuple(
        hit.passage for hit in hits if hit.passage.source == addresses[0]
    )
    assert not site.asked("/private")


def test_only_the_best_pages_are_read(opened: Callable[..., WebLibrary], site: Site) -> None:
    results = [
        {
            "url": site.article(f"/{number}", f"Page {number}", f"Long text of {number}, read."),
            "title": "",
            "content": f"Snippet {number}",
        }
        for number in range(4)
    ]
    site.engine(*results)
    found = opened(pages=2).search("text snippet", 10)
    assert sorted(hit.passage.id.rpartition("#")[2] for hit in found) == [
        *("1", "1", "snippet", "snippet")
    ]
    assert not site.asked("/2")


# Reading


def test_a_page_is_read_by_its_address(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    site.redirect("/old", "/gjoa")
    web = opened()
    found = web.find_document(f"{site.address}/old#part")
    assert found == f"{site.address}/old"
    (passage,) = web.document(found)
    assert (passage.document, DESIGN in passage.text) == (ship, True)
    assert web.find_document("  GJØA ") == ship
    assert web.find_document("Fram") is None
    assert (web.named("gjøa"), web.named("Fram")) == ((ship,), ())
    assert web.document("fram.md") == ()
    for slip in ("file:///etc/passwd", "ftp://a.example/", "javascript:alert(1)", "", "doc://x/y"):
        assert web.find_document(slip) is None
        assert web.document(slip) == ()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.2:9/", "not on the public web"),
        ("http://user@a.example/", "user name"),
        ("http://0.0.0.0:1/", "not on the public web"),
    ],
)
def test_addresses_that_are_not_read(
    opened: Callable[..., WebLibrary], address: str, said: str
) -> None:
    web = opened()
    with pytest.raises(Unreachable, match=said):
        web.document(web.find_document(address) or "")


def test_beside_a_library_it_comes_first(
    opened: Callable[..., WebLibrary], ship: str, ready_ships: Path
) -> None:
    with closing(Library(ready_ships)) as library:
        both = Collection([library], opened())
        found = both.search("Who designed the Gjøa?", 5)
        assert found[0][0] == WEB
        assert {name for name, _ in found} == {WEB, library.name}
        (best,) = both.passages_about(WEB, ship, "who designed her", 1)
        assert DESIGN in best.text


# What is kept


def test_without_a_network_what_was_found_is_replayed(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    first = texts(opened())
    site.redirect("/old", "/gjoa")
    assert opened().document(f"{site.address}/old")
    asked = len(site.requests)
    web = opened(offline=True, cache_days=0)  # however old it is
    assert texts(web) == first
    for address in (ship, f"{site.address}/old"):
        assert web.document(address)
    assert len(site.requests) == asked
    with pytest.raises(WebError, match="--offline allows no new one"):
        web.search("Who built the Gjøa?", 5)
    with pytest.raises(WebError, match="--offline allows no visit"):
        web.document(f"{site.address}/other")
    assert len(site.requests) == asked


def test_what_is_fresh_is_not_asked_for_again(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    first = texts(opened())
    asked = len(site.requests)
    assert texts(opened()) == first
    assert len(site.requests) == asked
    assert texts(opened(cache_days=0)) == first
    assert len(site.requests) > asked


def test_what_is_old_is_better_than_nothing(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    first = texts(opened())
    site.pages.clear()
    assert texts(opened(cache_days=0)) == first


def test_that_nothing_is_found_is_not_kept(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    first = texts(opened())
    site.engine()
    assert texts(opened(cache_days=0)) == first  # what was found before is better
    assert texts(opened(), "Who sailed the Gjøa?") == []
    site.engine({"url": ship, "title": "Gjøa - A site", "content": "A ship of Amundsen's."})
    assert texts(opened(), "Who sailed the Gjøa?") != []


def test_an_engine_that_fails_is_said(opened: Callable[..., WebLibrary], site: Site) -> None:
    site.page("/search", "", status=503)
    with pytest.raises(Unreachable, match="The search engine searxng answers 503"):
        opened().search("Gjøa", 5)


# Opening


@pytest.mark.parametrize(("package", "engine"), [("protego", "searxng"), ("ddgs", "ddgs")])
def test_what_is_not_installed_is_said(
    opened: Callable[..., WebLibrary], package: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=r"pip install 'miro-edge\[web\]'"):
        opened(engine=engine)
    opened(engine=engine, offline=True)  # for what is kept nothing is needed


def test_the_key_may_be_in_the_environment(
    opened: Callable[..., WebLibrary], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="wants a key"):
        opened(engine="serper")
    site.page("/search", '{"organic": []}', "application/json")
    monkeypatch.setenv("MIRO_EDGE_WEB_KEY", "from-outside")
    assert opened(engine="serper", key="set").search("Gjøa", 5) == ()
    assert site.asked("/search")[0].headers["X-API-KEY"] == "from-outside"


def test_a_page_that_takes_longer_than_is_set_is_left(
    opened: Callable[..., WebLibrary], site: Site
) -> None:
    address = site.article("/late", "Late", "The harbour freezes on Friday, and on no other day.")
    page = site.pages["/late"]

    def late(request: BaseHTTPRequestHandler) -> None:
        time.sleep(2)
        page(request)

    site.served("/late", late)
    site.engine({"url": address, "title": "Late", "content": "A harbour."})
    assert texts(opened(page_seconds=0.5), "harbour") == ["A harbour."]
    assert "Friday" in texts(opened(cache_days=0), "harbour")[0]


def test_no_more_of_the_web_is_kept_than_is_set(
    opened: Callable[..., WebLibrary], ship: str, site: Site
) -> None:
    for _ in range(2):
        assert texts(opened(cache_mb=0.0001))
    assert len(site.asked("/search")) == len(site.asked("/gjoa")) == 2


def test_its_own_processes_end_with_it(site: Site, tmp_path: Path, ship: str) -> None:
    settings = WebSettings(engine="searxng", address=site.address, allow=("127.0.0.1",))
    before = set(multiprocessing.active_children())
    web = open_web(settings, Home(tmp_path), None, offline=False)
    assert texts(web)
    assert set(multiprocessing.active_children()) > before
    web.close()
    assert set(multiprocessing.active_children()) == before


def test_another_site_is_no_way_in(opened: Callable[..., WebLibrary], site: Site) -> None:
    """A page that sends its readers to this machine is not followed there."""
    with served("127.0.0.2") as other:
        secret = other.article("/secret", "Secret", "The secret of this machine, in full.")
        site.engine({"url": site.redirect("/away", secret), "title": "x", "content": "bait"})
        assert texts(opened(), "secret") == ["bait"]
        assert not other.requests
