"""A question that the library does not answer is taken to the web, if that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from commands import call
from rich.console import Console
from scripted_session import ScriptedSession
from site_served import Site

from edge_agent.agent import Agent
from edge_agent.cli.trajectory import print_trajectory
from edge_agent.config import Config, WebSettings, save_config
from edge_agent.evaluation.conditions import changed
from edge_agent.events import (
    WEB,
    AttemptStarted,
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    ToolAnswered,
)
from edge_agent.evidence import Evidence
from edge_agent.extras import Extras
from edge_agent.home import Home
from edge_agent.index import Collection, Library
from edge_agent.models import InstalledModel, ModelStore
from edge_agent.profiles import load_profile
from edge_agent.runs import RunStore
from edge_agent.serving.telling import progress
from edge_agent.tools import TOOLS, ToolContext
from edge_agent.traces import export
from edge_agent.tui.pages import answer_page, passage_page
from edge_agent.tui.run_view import RunView
from edge_agent.web import WebLibrary, open_web

QUESTION = "Who designed the Gjøa?"
PAGE = (
    "The Gjøa was designed by Knut Skaale and built at Rosendal in Norway, as a boat for the "
    "herring fishery.",
    "Roald Amundsen bought her, strengthened her hull and took her through the Northwest Passage.",
    "Today she stands in a museum at Oslo, where visitors may go below her deck.",
)
PROFILE = changed(load_profile("edge"), gathering={"leads": "never"})
LOOKED = ["Nothing here helps.", "I have what I need.", "not found}"]
FOUND = ["designed by Knut Skaale", "I have what I need.", "Knut Skaale}"]


@pytest.fixture
def settings(site: Site) -> WebSettings:
    return WebSettings(engine="searxng", address=site.address, allow=("127.0.0.1",))


@pytest.fixture
def page(site: Site) -> str:
    """The address of the page that every search finds."""
    address = site.article("/gjoa", "Gjøa", *PAGE)
    site.engine({"url": address, "title": "Gjøa", "content": "A ship."})
    return address


@pytest.fixture
def ships(ready_ships: Path) -> Iterator[Collection]:
    with closing(Library(ready_ships)) as library:
        yield Collection([library])


@pytest.fixture
def embedder_home(home: Path, model_store: ModelStore, embedder_model: InstalledModel) -> None:
    """The home has the embedder, so that it is not pulled."""
    (home / "models").mkdir(parents=True)
    embedder = model_store.root / embedder_model.name
    (home / "models" / embedder.name).symlink_to(embedder, target_is_directory=True)


def opened(settings: WebSettings, folder: Path, *, offline: bool = False) -> WebLibrary:
    return open_web(settings, Home(folder), None, offline=offline)


def agent(ships: Collection, script: Sequence[str], web: WebLibrary) -> Agent:
    session = ScriptedSession(script=[*script])
    return Agent(ships, session, profile=PROFILE, extras=Extras(web=web))


def test_the_answer_cites_a_page_and_says_that_it_is_one(
    site: Site,
    settings: WebSettings,
    page: str,
    ships: Collection,
    tmp_path: Path,
    shared_reader: None,
) -> None:
    with closing(opened(settings, tmp_path)) as web:
        events = list(agent(ships, [*LOOKED, *FOUND], web).run(QUESTION))
    done = events[-1]
    assert isinstance(done, RunFinished)
    assert (done.status, done.answer) == ("answered", "Knut Skaale")
    (citation,) = done.citations
    assert (citation.source, citation.is_from_the_web) == (page, True)
    # The library came first, and nothing was asked of anybody before it had failed.
    begun = events.index(next(each for each in events if isinstance(each, AttemptStarted)))
    early = [each for each in events[:begun] if isinstance(each, EvidenceAdded)]
    assert early
    assert not any(each.is_from_the_web for each in early)

    for name in ("markdown", "html"):
        report = export(name, events)
        assert "on the web: " in report
        assert len(re.findall(r"(\*\*|<dt>)on the web(\*\*|</dt>)", report)) == pages_shown(events)
        assert "Attempt 2, on the web" in report
        assert "then the web" in report

    with StringIO() as steps:
        print_trajectory(events, Console(file=steps, width=200))
        marked = re.findall(rf"\[\d+\] is on the web: Gjøa \({page}\)", steps.getvalue())
    assert len(marked) == pages_shown(events)
    told = [line for line in map(progress, events) if line is not None and "on the web: " in line]
    assert len(told) == pages_shown(events)
    assert told[0].startswith(f"[{citation.key}] Gjøa (on the web: {page})")

    view = RunView()
    for event in events:
        view.apply(event)
    card = view.card(citation.key)
    assert card is not None
    assert "On the web: http" in passage_page(card)
    assert isinstance(events[0], RunStarted)
    assert "on the web at http" in answer_page(events[0], done)

    # Killed before or after the search, it goes on to the same answer from what is kept of the web.
    site.pages.clear()
    asked = len(site.requests)
    answered = max(n for n, each in enumerate(events) if isinstance(each, ToolAnswered))
    for last in (begun, answered):
        with closing(opened(settings, tmp_path, offline=True)) as web:
            *_, resumed = agent(ships, FOUND, web).resume(events[: last + 1])
        assert isinstance(resumed, RunFinished)
        assert (resumed.answer, resumed.citations) == (done.answer, done.citations)
    assert len(site.requests) == asked


def pages_shown(events: Sequence[Event]) -> int:
    """Return how many passages of the web were shown; one at least."""
    shown = [each for each in events if isinstance(each, EvidenceAdded) and each.is_from_the_web]
    assert shown
    return len(shown)


def test_a_model_of_that_family_follows_links_to_pages(
    site: Site,
    settings: WebSettings,
    page: str,
    ships: Collection,
    tmp_path: Path,
    shared_reader: None,
) -> None:
    wanted = json.dumps({"url": page, "info_to_extract": "the designer"})
    with closing(opened(settings, tmp_path)) as web:
        both = Collection(ships.libraries, web)
        evidence = Evidence()
        unnamed = json.loads(shown("scrape_and_extract_info", json.loads(wanted), both))
        found = json.loads(shown("google_search", {"q": QUESTION}, both, evidence))
        assert page in [each["link"] for each in found["organic"]]
        read = json.loads(shown("scrape_and_extract_info", json.loads(wanted), both, evidence))
        assert not unnamed["success"]
        assert "Knut Skaale" in read["extracted_info"]
        other = json.loads(wanted) | {"url": "http://10.0.0.1/"}
        refused = json.loads(shown("scrape_and_extract_info", other, both))
        assert not refused["success"]


def shown(
    tool: str, arguments: dict[str, Any], library: Collection, evidence: Evidence | None = None
) -> str:
    """Return what a model reads when it calls a tool."""
    context = ToolContext(
        library=library,
        evidence=Evidence() if evidence is None else evidence,
        question=QUESTION,
        count=lambda text: len(text.split()),
        results=5,
        tokens=300,
    )
    return TOOLS[tool].run(arguments, context).text


def test_what_is_nowhere_is_said(
    site: Site, settings: WebSettings, ships: Collection, tmp_path: Path, shared_reader: None
) -> None:
    site.page("/search", "", status=500)
    script = [*LOOKED, "I have what I need.", "not found}"]
    with closing(opened(settings, tmp_path)) as web:
        events = list(agent(ships, script, web).run(QUESTION))
    failed = [each.text for each in events if isinstance(each, ToolAnswered) and each.failed]
    assert failed == [
        "Tool call to search on library failed. Error: The search engine searxng answers 500."
    ]
    assert "Not found in this library, nor on the web." in export("markdown", events)


# The command line


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.md").write_text("# Ropes\n\nRopes are made of hemp, and some are of steel.")
    return folder


def test_what_the_web_lacks_is_said_before_the_model_is_loaded(
    home: Path, smollm2: Path, library: Path, embedder_home: None
) -> None:
    call("config", "set", "web.engine", "serper")
    result = call("ask", "--web", "-m", str(smollm2), "-l", str(library), QUESTION)
    assert result.exit_code == 1
    assert "The search engine serper wants a key" in " ".join(result.stderr.split())
    assert not RunStore(home / "runs.db").list()


def test_doctor_says_whether_it_is_there(home: Path) -> None:
    extras = json.loads(call("doctor", "--json").stdout)["extras"]
    assert extras["web"] is True


@pytest.mark.slow
def test_a_small_real_model_goes_to_the_web_and_replays_it(
    home: Path,
    smollm2: Path,
    library: Path,
    site: Site,
    page: str,
    settings: WebSettings,
    embedder_home: None,
) -> None:
    save_config(Config(web=settings), Home(home).config)
    question = "Where was the Gjøa built?"
    options = ("-m", str(smollm2), "-l", str(library), "--profile", "generic", "--max-calls", "1")
    first = call("ask", *options, "--web", question)
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("Norway\n")
    assert f"[1] Gjøa (on the web: {page})" in first.stdout
    assert "Attempt 2, on the web, told:" in first.stderr

    site.pages.clear()
    asked = len(site.requests)
    again = json.loads(call("ask", *options, "--web", "--offline", "--json", question).stdout)
    assert again["answer"] == "Norway"
    assert [(each["source"], each["library"]) for each in again["citations"]] == [(page, WEB)]
    assert len(site.requests) == asked
    (started, *_) = RunStore(home / "runs.db").events(again["run"])
    assert isinstance(started, RunStarted)
    assert started.web
