"""Profiles: what ships can be used, and what is wrong is said."""

from __future__ import annotations

import pytest

from edge_agent.errors import ProfileError
from edge_agent.models import load_catalog
from edge_agent.profiles import load_profile
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


def test_an_unknown_profile_is_said_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match="Use one of: generic"):
        load_profile("generous")
