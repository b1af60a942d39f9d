"""Search engines are asked as their documentation says, and their answers are understood."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_served import Site

from edge_agent.config import WebSettings
from edge_agent.errors import ConfigError
from edge_agent.web.engines import DuckDuckGo, Engine, Result, _results, open_engine
from edge_agent.web.errors import WebError

ADDRESS = "https://a.example/fram"
FOUND = (Result(ADDRESS, "Fram & others", "Colin Archer designed the Fram."),)


def engine(name: Any, site: Site, key: str | None = "secret") -> Engine:
    return open_engine(WebSettings(engine=name, address=site.address + "/"), key)


def test_searxng(site: Site) -> None:
    result = {"url": ADDRESS, "title": "Fram &amp; others", "content": FOUND[0].snippet}
    site.page("/search", json.dumps({"results": [result, result]}), "application/json")
    assert engine("searxng", site).results("Fram designer", 10) == FOUND
    (request,) = site.requests
    assert request.query == {"q": "Fram designer", "format": "json"}
    assert "secret" not in str(request)


def test_serper(site: Site) -> None:
    result = {"link": ADDRESS, "title": "Fram & others", "snippet": FOUND[0].snippet, "position": 1}
    site.page("/search", json.dumps({"organic": [result]}), "application/json")
    assert engine("serper", site).results("Fram", 7) == FOUND
    (request,) = site.requests
    assert (request.method, request.json) == ("POST", {"q": "Fram", "num": 7})
    assert request.headers["X-API-KEY"] == "secret"


def test_tavily(site: Site) -> None:
    result = {"url": ADDRESS, "title": "Fram & others", "content": FOUND[0].snippet, "score": 0.9}
    site.page("/search", json.dumps({"query": "Fram", "results": [result]}), "application/json")
    assert engine("tavily", site).results("Fram", 7) == FOUND
    (request,) = site.requests
    assert (request.method, request.json) == ("POST", {"query": "Fram", "max_results": 7})
    assert request.headers["Authorization"] == "Bearer secret"


def test_brave(site: Site) -> None:
    snippet = "Colin Archer designed the <strong>Fram</strong>."
    result = {"url": ADDRESS, "title": "Fram &amp; others", "description": snippet}
    answer = {"type": "search", "web": {"results": [result]}}
    site.page("/res/v1/web/search", json.dumps(answer), "application/json")
    assert engine("brave", site).results("Fram", 7) == FOUND
    (request,) = site.requests
    assert (request.method, request.query) == ("GET", {"q": "Fram", "count": "7"})
    assert request.headers["X-Subscription-Token"] == "secret"


def test_ddgs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from ddgs.engines.duckduckgo import Duckduckgo

    page = (
        f"<div class='result__body'><h2><a>Fram &amp; others</a></h2>"
        f"<a href='{ADDRESS}'>{FOUND[0].snippet}</a></div>"
    )
    monkeypatch.setattr(Duckduckgo, "search_url", site.page("/html/", page))
    asked = DuckDuckGo()
    asked.backends = ("duckduckgo",)
    assert asked.results("Fram", 7) == FOUND
    assert b"q=Fram" in site.requests[0].body
    site.page("/html/", "<p>nothing</p>")
    assert asked.results("Fram", 7) == ()


def test_ddgs_that_nobody_answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from ddgs.engines.duckduckgo import Duckduckgo

    monkeypatch.setattr(Duckduckgo, "search_url", "http://127.0.0.1:9/")
    asked = DuckDuckGo()
    asked.backends = ("duckduckgo",)
    with pytest.raises(WebError, match="The search engine ddgs fails"):
        asked.results("Fram", 7)


class Answering:
    """What every engine of ddgs answers here, and which of them were asked."""

    def __init__(self, **answers: int | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def pages(self, engine: str, query: str) -> list[Any]:
        self.asked.append(engine)
        answer = self.answers.get(engine, 0)
        if isinstance(answer, Exception):
            raise answer
        return [
            SimpleNamespace(href=f"https://{engine}.example/{n}", title=query, body=query)
            for n in range(answer)
        ]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answering]:
    """Has the engines that ddgs knows answer with as many pages, or fail; nobody is asked."""
    from ddgs.engines import ENGINES

    def answer(**answers: int | Exception) -> Answering:
        fake = Answering(**answers)

        def search(engine: Any, query: str, **_: Any) -> list[Any]:
            return fake.pages(engine.name, query)

        for engine in ENGINES["text"].values():
            monkeypatch.setattr(engine, "search", search)
        return fake

    return answer


@pytest.mark.parametrize(
    ("answers", "asked", "found"),
    [
        ({"duckduckgo": 10}, 1, 10),
        ({"duckduckgo": 5}, 1, 5),
        ({"duckduckgo": 4, "brave": 3}, 2, 7),
        ({"brave": 10}, 2, 10),
        ({"duckduckgo": OSError("away"), "brave": 10}, 2, 10),
        ({"duckduckgo": OSError("away"), "wikipedia": 1}, 4, 1),
        ({}, 4, 0),
    ],
)
def test_ddgs_asks_others_only_where_those_before_have_too_little(
    answering: Callable[..., Answering],
    answers: dict[str, int | Exception],
    asked: int,
    found: int,
) -> None:
    fake = answering(**answers)
    assert len(DuckDuckGo().results("Fram", 10)) == found
    assert fake.asked == ["duckduckgo", "brave", "mojeek", "wikipedia"][:asked]


def test_what_fails_first_in_ddgs_is_said_where_nobody_finds_anything(
    answering: Callable[..., Answering],
) -> None:
    fake = answering(duckduckgo=OSError("away"), mojeek=OSError("closed"))
    with pytest.raises(WebError, match=r"ddgs fails: .*away"):
        DuckDuckGo().results("Fram", 10)
    assert len(fake.asked) == 4


def test_ddgs_asks_nobody_for_a_backend_that_it_does_not_know(
    answering: Callable[..., Answering],
) -> None:
    fake = answering(google=10)
    asked = DuckDuckGo()
    asked.backends = ("altavista",)
    with pytest.raises(WebError, match="does not know altavista"):
        asked.results("Fram", 10)
    assert fake.asked == []


def test_all_backends_of_ddgs_exist() -> None:
    from ddgs.engines import ENGINES

    assert set(DuckDuckGo.backends) <= set(ENGINES["text"])


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("searxng", 403, "JSON has to be among the formats"),
        ("serper", 403, "does not take the key"),
        ("brave", 401, "does not take the key"),
        ("tavily", 429, "asked too often"),
        ("serper", 500, "The search engine serper answers 500"),
        ("serper", 302, "The search engine serper answers 302"),
    ],
)
def test_refusals(site: Site, name: str, status: int, said: str) -> None:
    path = "/res/v1/web/search" if name == "brave" else "/search"
    site.page(path, "no", status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(WebError, match=said) as caught:
        engine(name, site).results("Fram", 5)
    assert "secret" not in str(caught.value)
    assert not site.asked("/elsewhere")


@pytest.mark.parametrize("answer", ["<html>", "[1]", '"text"', "[" * 100_000, "\xff"])
def test_what_is_no_engine(site: Site, answer: str) -> None:
    site.page("/search", answer, "application/json")
    with pytest.raises(WebError, match="is not serper"):
        engine("serper", site).results("Fram", 5)


@pytest.mark.parametrize("answer", [{}, {"organic": None}, {"organic": "x"}, {"organic": [1, {}]}])
def test_an_engine_that_finds_nothing(site: Site, answer: object) -> None:
    site.page("/search", json.dumps(answer), "application/json")
    assert engine("serper", site).results("Fram", 5) == ()


def test_only_where_the_user_says_that_the_engine_is_it_may_be_on_this_machine() -> None:
    asked = open_engine(WebSettings(engine="serper", address="http://127.0.0.2:9"), "key")
    with pytest.raises(WebError, match="cannot be read"):  # it was tried
        asked.results("Fram", 5)


def test_a_key_with_a_line_break_after_it_is_that_key(site: Site) -> None:
    site.page("/search", '{"organic": []}', "application/json")
    engine("serper", site, "secret \r\n").results("Fram", 10)
    assert site.requests[0].headers["X-API-KEY"] == "secret"


@pytest.mark.parametrize("key", ["s3c ret", "s3c\rret", "s3c\0ret", "s3crét"])
def test_what_can_be_no_key_is_not_shown(site: Site, key: str) -> None:
    with pytest.raises(ConfigError, match="signs that no key has") as error:
        engine("serper", site, key)
    assert "s3c" not in str(error.value)


def test_what_an_engine_lacks_is_said() -> None:
    with pytest.raises(ConfigError, match=r"searxng has no address.*web\.address"):
        open_engine(WebSettings(engine="searxng"), None)
    for name in ("serper", "tavily", "brave"):
        with pytest.raises(ConfigError, match=r"wants a key.*web\.key KEY.*MIRO_EDGE_WEB_KEY"):
            open_engine(WebSettings(engine=name), None)
    with pytest.raises(ConfigError, match="is not an address"):
        open_engine(WebSettings(engine="searxng", address="somewhere"), None)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "title", "content"]) | st.text(), inner)
    ),
    max_leaves=8,
)


@given(json_values)
def test_whatever_an_engine_answers_is_results_or_none(found: Any) -> None:
    for result in _results(found, ("url", "title", "content"), 5):
        assert result.address.startswith("http")
