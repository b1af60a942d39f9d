"""The `mirothinker` profile: what its models read, to the character, as they were trained on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models

from edge_agent.agent import Agent
from edge_agent.index import Collection
from edge_agent.models import Sampling, SpanKind, json_schema_grammar
from edge_agent.models.engine import Engine
from edge_agent.models.engine_settings import EngineSettings
from edge_agent.profiles import load_profile
from edge_agent.prompting import question_prompt, system_prompt
from edge_agent.protocol import parse
from edge_agent.tools import TOOLS, toolbox

TRANSCRIPTS = Path(__file__).parent / "transcripts"
PROFILE = load_profile("mirothinker")


def transcript(name: str) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((TRANSCRIPTS / f"{name}.json").read_text("utf-8"))
    return recorded


def joined(lines: list[str]) -> str:
    return "\n".join(lines).replace("{date}", date.today().isoformat())


def test_the_system_prompt_is_the_recorded_one() -> None:
    assert system_prompt(PROFILE, toolbox(PROFILE.tools)) == joined(
        transcript("system_prompt")["system"]
    )


@pytest.mark.parametrize("name", ["search_and_scrape", "errors", "slips"])
def test_a_conversation_reads_like_the_recorded_one(
    name: str, ships: Collection, scripted: Any
) -> None:
    recorded = transcript(name)
    session = scripted([joined(lines) for lines in recorded["script"]])
    finished = Agent(ships, session, profile=PROFILE).ask(recorded["question"])
    assert session.script == []
    assert finished.answer == recorded["answer"]
    system, *rest = session.spans
    assert (system.kind, system.text) == (
        SpanKind.SYSTEM,
        system_prompt(PROFILE, toolbox(PROFILE.tools)),
    )
    assert [(span.kind.value, span.text) for span in rest] == [
        (span["kind"], joined(span["text"])) for span in recorded["window"]
    ]


def test_the_prompt_has_the_parts_that_the_models_know_in_their_order() -> None:
    prompt = system_prompt(PROFILE, toolbox(PROFILE.tools))
    parts = [
        "# Tool-Use Formatting Instructions ",
        "<use_mcp_tool></use_mcp_tool>",
        "Description: ",
        "Parameters:",
        "- server_name: (required)",
        "- tool_name: (required)",
        "- arguments: (required)",
        "Usage:",
        "Important Notes:",
        "\n\n\n## Server name: search_and_scrape_webpage\n### Tool name: google_search\n",
        "Input JSON schema: {'properties': {'q': {'title': 'Q', 'type': 'string'}, ",
        "\n\n## Server name: jina_scrape_llm_summary\n### Tool name: scrape_and_extract_info\n",
        "Input JSON schema: {'properties': {'url': {'title': 'Url', 'type': 'string'}, ",
        "\n\n# General Objective\n\n",
        "\n\n# Agent Specific Objective\n\n",
    ]
    places = [prompt.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_the_call_that_the_prompt_shows_would_be_understood() -> None:
    prompt = system_prompt(PROFILE, toolbox(PROFILE.tools))
    shown = prompt[prompt.index("Usage:") : prompt.index("Important Notes:")]
    call = parse(shown).call
    assert call is not None
    assert call.arguments == {"param1": "value1", "param2": 'value2 "escaped string"'}


def test_the_date_is_in_the_question_and_not_in_the_prompt_that_is_kept() -> None:
    today = date.today().isoformat()
    assert today in question_prompt(PROFILE, "Who?")
    assert today not in system_prompt(PROFILE, toolbox(PROFILE.tools))


def test_it_samples_and_ends_as_the_models_were_run() -> None:
    assert PROFILE.sampling == Sampling(temperature=1.0, top_p=0.95, repetition_penalty=1.05)
    assert PROFILE.gathering.thoughts == "free"
    assert not PROFILE.gathering.search_first
    assert not PROFILE.reading.at_end
    limits = (PROFILE.gathering.calls, PROFILE.guarding.rollbacks, PROFILE.reading.tries)
    assert limits == (600, 5, 3)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tiny_models.write_mamba(tmp_path_factory.mktemp("tiny") / "mamba.gguf")
    with Engine(path, EngineSettings(context=64, threads=1)) as loaded:
        yield loaded


def writable(engine: Engine, grammar: str, text: str) -> bool:
    """Tell whether a model that wants to write `text`, and then to end, can do so."""
    size, end = 259, 2
    wanted = [*(3 + byte for byte in text.encode()), end]  # a token a byte, after three others
    sampler = engine.sampler(Sampling(), 1, grammar)
    try:
        return all(
            sampler.draw(np.eye(size, dtype=np.float32)[token] * 9) == token for token in wanted
        )
    finally:
        sampler.close()


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("google_search", '{"q": "x"}', True),
        ("google_search", '{"q":"x","num":5}', True),
        ("google_search", '{"q": "Gjøa", "hl": "no", "page": 2, "autocorrect": false}', True),
        ("google_search", "{}", False),
        ("google_search", '{"q": "x", "num": "5"}', False),
        ("google_search", '{"query": "x"}', False),
        ("scrape_and_extract_info", '{"url": "x", "info_to_extract": "y"}', True),
        ("scrape_and_extract_info", '{"url": "x"}', False),
        ("search", '{"query": "x"}', True),
        ("search", '{"query": ""}', False),
        ("read", '{"source": 3}', True),
        ("read", '{"source": "Fram", "about": "her designer"}', True),
        ("read", '{"about": "her designer"}', False),
    ],
)
def test_a_grammar_lets_a_model_write_what_the_tool_takes(
    engine: Engine, tool: str, arguments: str, expected: bool
) -> None:
    grammar = json_schema_grammar(TOOLS[tool].signature.schema)
    assert writable(engine, grammar, arguments) is expected
