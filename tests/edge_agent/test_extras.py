"""More tools for a run, and a web that is searched where the libraries do not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_agent.agent import Agent, AgentSettings
from edge_agent.errors import ToolboxError
from edge_agent.evaluation.conditions import changed
from edge_agent.events import (
    AttemptStarted,
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    ToolAnswered,
)
from edge_agent.extras import Extras, open_extras
from edge_agent.index import Collection, Library, Unreachable
from edge_agent.profiles import load_profile
from edge_agent.prompting import system_prompt
from edge_agent.protocol import ToolCall
from edge_agent.tools import TOOLS, Tool, ToolContext, ToolError, ToolResult, toolbox

QUESTION = "Who designed the Gjøa?"
PROFILE = changed(load_profile("edge"), gathering={"leads": "never"})
LOOKED = ["Nothing here helps.", "I have what I need.", "not found}"]
FOUND = ["designed by Knut Skaale", "I have what I need.", "Knut Skaale}"]


class Weather:
    """A tool of somebody else's, on a server of its own."""

    signature = TOOLS["search"].signature.__class__(
        "weather", "search", "The weather.", {"type": "object", "properties": {}}
    )

    def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolResult:
        """Tell what it was called with before."""
        return ToolResult(f"Sunny, after {len(context.earlier)} calls.")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Library]:
    """Something else that can be searched; to the agent it is the web."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "Gjøa.md").write_text("# Gjøa\n\nThe Gjøa was designed by Knut Skaale.\n")
    with closing(Library(tmp_path / "elsewhere")) as library:
        library.add([tmp_path / "pages"])
        yield library


def asked(
    session: Any, ships: Collection, web: Any, question: str = QUESTION, **settings: Any
) -> list[Event]:
    agent = Agent(
        ships,
        session,
        profile=PROFILE,
        settings=AgentSettings(**settings),
        extras=Extras(web=web),
    )
    return list(agent.run(question))


def test_the_web_is_searched_where_the_library_does_not_answer(
    scripted: Any, ships: Collection, web: Library
) -> None:
    events = asked(scripted([*LOOKED, *FOUND]), ships, web)
    started, done = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert isinstance(done, RunFinished)
    assert started.web
    assert [e.web for e in events if isinstance(e, AttemptStarted)] == [True]
    assert (done.status, done.answer) == ("answered", "Knut Skaale")
    assert [citation.library for citation in done.citations] == ["elsewhere"]
    before = events.index(next(e for e in events if isinstance(e, AttemptStarted)))
    first = [e.library for e in events[:before] if isinstance(e, EvidenceAdded)]
    assert "elsewhere" not in first


def test_the_web_is_left_alone_where_the_library_answers(
    scripted: Any, ships: Collection, web: Library
) -> None:
    script = ["designed by Colin Archer", "I have what I need.", "Colin Archer}"]
    events = asked(scripted(script), ships, web, "Who designed the Fram?")
    assert not any(isinstance(e, AttemptStarted) for e in events)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Colin Archer"


def test_the_web_is_searched_once_and_after_all_attempts(
    scripted: Any, ships: Collection, web: Library
) -> None:
    retried = ["Missing:", " Gjøa shipyard\n", ">search<", *LOOKED]
    events = asked(scripted([*LOOKED, "x\n", *retried, *LOOKED]), ships, web, attempts=2)
    begun = [(e.attempt, e.web) for e in events if isinstance(e, AttemptStarted)]
    assert begun == [(2, False), (3, True)]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "not_found"


def test_a_web_that_cannot_be_reached_is_a_call_that_failed(
    scripted: Any, ships: Collection, web: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_arguments: object) -> None:
        raise Unreachable("the search engine does not answer")

    monkeypatch.setattr(web, "search", unreachable)
    events = asked(scripted([*LOOKED, "I have what I need.", "not found}"]), ships, web)
    failed = [e for e in events if isinstance(e, ToolAnswered) and e.failed]
    assert [e.text for e in failed] == [
        "Tool call to search on library failed. Error: the search engine does not answer"
    ]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "not_found"


def test_two_tools_of_one_name_are_told_apart_by_their_servers() -> None:
    weather: Tool = Weather()
    box = toolbox(["search"], [weather])
    assert box.tool(ToolCall("weather", "search", {})) is weather
    assert box.tool(ToolCall("library", "search", {})) is TOOLS["search"]
    with pytest.raises(ToolError, match="there is no tool 'read'"):
        box.tool(ToolCall("library", "read", {}))
    with pytest.raises(ToolboxError, match="weather/search"):
        toolbox(["search"], [weather, weather])


def test_a_tool_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ToolboxError, match=r"no tool 'serach'.*search, read"):
        toolbox(["serach"])
    with pytest.raises(ToolboxError, match="no tool 'serach'"), open_extras(["serach"], PROFILE):
        pass


@pytest.mark.parametrize("name", ["edge", "generic", "mirothinker"])
def test_the_prompt_lists_what_was_chosen_beside_the_profiles_own_tools(name: str) -> None:
    profile = load_profile(name)
    own = system_prompt(profile, toolbox(profile.tools))
    more = system_prompt(profile, toolbox(profile.tools, [Weather()]))
    assert "weather" not in own
    assert more.count("## Server name: weather") == 1
    assert more.count("Description: The weather.") == 1


def test_a_tool_knows_its_own_earlier_calls(scripted: Any, ships: Collection) -> None:
    steps = ["Missing:", "\n", "weather", "{}"]
    script = ["Nothing here helps.", *steps, *steps, "I have what I need.", "not found}"]
    extras = Extras((Weather(),))
    agent = Agent(ships, scripted(script), profile=PROFILE, extras=extras)
    told = [e.text for e in agent.run(QUESTION) if isinstance(e, ToolAnswered)]
    assert told[1:] == ["Sunny, after 0 calls."]
