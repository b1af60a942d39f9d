"""Profiles: what ships can be used, and what is wrong is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.agent import Agent, AgentSettings
from edge_agent.errors import ProfileError
from edge_agent.events import RunStarted, ToolCalled
from edge_agent.index import Collection
from edge_agent.models import load_catalog
from edge_agent.models.engine import Engine
from edge_agent.models.engine_settings import EngineSettings
from edge_agent.models.session import Session
from edge_agent.profiles import Profile, load_profile
from edge_agent.protocol import ToolCall, parse


@pytest.mark.parametrize("name", sorted({m.profile for m in load_catalog().models} - {""}))
def test_every_profile_that_a_model_names_is_there(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert "{question}" in profile.prompts.question + profile.prompts.reading


def test_the_examples_in_the_prompt_are_calls_that_would_be_understood() -> None:
    prompt = load_profile("generic").prompts.system.format(tools="TOOLS")
    assert "TOOLS" in prompt
    call = prompt[: prompt.index("</use_mcp_tool>") + len("</use_mcp_tool>")]
    assert parse(call).call == ToolCall("library", "search", {"query": "Ana Ruiz birthplace"})


@pytest.mark.parametrize("name", ["edge", "generic"])
def test_what_a_profile_lists_is_what_its_tools_take(
    name: str, ships: Collection, scripted: Any
) -> None:
    script = ["designed by", "Missing:", " more", ">read<", '{"source": 1}', "launched in"]
    session = scripted([*script, "I have what I need.", "Larvik}"])
    asked = Agent(ships, session, profile=name, settings=AgentSettings(max_calls=2))
    started, *events = asked.run("Where was the designer of the Fram born?")
    assert isinstance(started, RunStarted)
    calls = [event for event in events if isinstance(event, ToolCalled)]
    assert [call.tool for call in calls] == ["search", "read"]
    for call in calls:
        for word in (call.server, call.tool, *call.arguments):
            assert word in started.system


@pytest.mark.slow
def test_a_real_model_is_led_by_a_prompt_of_a_hundred_tokens(
    smollm2: Path, ships: Collection
) -> None:
    with Engine(smollm2, EngineSettings(context=2048)) as engine:
        session = Session(engine)
        asked = Agent(ships, session, profile="edge", settings=AgentSettings(max_calls=2))
        started, *events = asked.run("Where was the designer of the Fram born?")
        assert isinstance(started, RunStarted)
        assert session.count(started.system) <= 100
    assert any(isinstance(event, ToolCalled) for event in events)


def test_an_unknown_profile_is_said_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match="Use one of: edge, generic"):
        load_profile("generous")


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"top_p": 0}, {"min_p": 1}, {"dry_base": 0.5}, {"temprature": 1}],
    ids=str,
)
def test_sampling_outside_its_bounds_is_refused(wrong: dict[str, float]) -> None:
    generic = load_profile("generic").model_dump()
    assert Profile(**generic | {"sampling": {"temperature": 1, "top_p": 0.5}}).sampling.top_k == 0
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Profile(**generic | {"sampling": wrong})


def test_a_profile_of_ones_own_says_only_what_differs(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('based_on = "generic"\nname = "own"\n[gathering]\ncalls = 7\n')
    profile, generic = load_profile(str(own)), load_profile("generic")
    assert (profile.name, profile.gathering.calls) == ("own", 7)
    assert profile.prompts == generic.prompts
    assert profile.gathering.model_copy(update={"calls": 3}) == generic.gathering
    further = tmp_path / "further.toml"
    further.write_text(f"based_on = '{own}'\nname = 'further'\n[reading]\npassages = 2\n")
    assert load_profile(str(further)).gathering.calls == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('based_on = "generic"\n[gathering]\ncals = 7\n', "gathering.cals"),
        ('based_on = "generic"\n[gathering]\ncalls = 0\n', "gathering.calls"),
        ('based_on = "generic"\n[guarding]\nguards = ["boredom"]\n', "guarding.guards"),
        ('name = "own"\n', r"tools: Field required.*Begin the file with based_on = .generic."),
        ("based_on = ", "cannot be read"),
        ('based_on = "nowhere"\n', "no profile 'nowhere'"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(ProfileError, match=said):
        load_profile(str(own))


def test_profiles_that_rest_on_each_other_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text(f"based_on = '{other}'\n")
    other.write_text(f"based_on = '{one}'\n")
    with pytest.raises(ProfileError, match="based on itself"):
        load_profile(str(one))


@pytest.mark.parametrize(("said", "meant"), [("true", "always"), ("false", "never")])
def test_profiles_of_older_runs_are_understood(said: str, meant: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f'based_on = "edge"\nname = "own"\n[gathering]\nleads = {said}\n')
    assert load_profile(str(path)).gathering.leads == meant


def test_a_profile_that_says_more_to_a_model_than_is_told_now_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('based_on = "edge"\nname = "own"\n[told]\nno_progress = ""\n')
    assert load_profile(str(path)).told == load_profile("edge").told
