"""Traces of a real run of the loop, in every format."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.agent import Agent, AgentSettings
from edge_agent.errors import RunError
from edge_agent.events import (
    Citation,
    Event,
    EvidenceAdded,
    RunFinished,
    RunStarted,
    TokenCounts,
    ToolAnswered,
    TurnFinished,
    TurnStarted,
)
from edge_agent.index import Collection
from edge_agent.traces import EXPORTERS, export

QUESTION = "Where was the designer of the Fram born?"
SCRIPT = [
    *("designed by Colin Archer", "Missing:", " Colin Archer birthplace\n", ">search<"),
    *("born in Larvik", "I have what I need."),
    "Larvik}",
]


@pytest.fixture
def events(scripted: Any, ships: Collection) -> list[Event]:
    agent = Agent(ships, scripted(list(SCRIPT)), profile="generic", settings=AgentSettings())
    return list(agent.run(QUESTION, "r-1"))


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_every_event_is_in_the_json(events: list[Event]) -> None:
    record = json.loads(export("json", events, [1.5] * len(events)))
    assert (record["run"], record["status"], record["answer"]) == ("r-1", "answered", "Larvik")
    assert [each["event"] for each in record["events"]] == [type(e).__name__ for e in events]
    assert record["events"][0]["time"] == 1.5


def test_conversations_for_training_are_what_the_model_saw(events: list[Event]) -> None:
    gathering, reading = map(json.loads, export("chatml", events).splitlines())
    assert [m["role"] for m in gathering["messages"]] == [
        *("system", "user", "assistant", "user", "assistant", "user", "assistant"),
    ]
    assert gathering["messages"][1]["content"] == f"Question: {QUESTION}"
    assert [m["role"] for m in reading["messages"]] == ["system", "user", "assistant"]
    assert reading["messages"][2]["content"] == "Answer: \\boxed{Larvik}"


def test_a_log_for_the_viewer_has_its_keys(events: list[Event]) -> None:
    log = json.loads(export("miroflow", events, [0.0] * len(events)))
    assert list(log) == [
        *("status", "start_time", "end_time", "task_id", "input", "ground_truth"),
        *("final_boxed_answer", "final_judge_result", "judge_type", "error"),
        *("current_main_turn_id", "current_sub_agent_turn_id", "sub_agent_counter"),
        *("current_sub_agent_session_id", "env_info", "log_dir", "main_agent_message_history"),
        *("sub_agent_message_history_sessions", "step_logs", "trace_data"),
    ]
    history = log["main_agent_message_history"]
    assert history["system_prompt"].startswith("You answer questions")
    assert history["message_history"][0]["content"][0]["type"] == "text"
    assert "<use_mcp_tool>" in history["message_history"][1]["content"][0]["text"]
    assert set(log["step_logs"][0]) == {
        *("step_name", "message", "timestamp", "info_level", "metadata"),
    }
    assert log["start_time"] == "1970-01-01 00:00:00"


def test_reports_for_people_name_answer_and_sources(events: list[Event]) -> None:
    report = export("markdown", events)
    assert "**Larvik** (answered)" in report
    assert "> Colin Archer was born in Larvik." in report
    page = export("html", events)
    assert "Larvik</p>" in page
    assert 'href="#e' in page
    assert "<svg" in page


@pytest.mark.parametrize("format", EXPORTERS)
def test_a_run_that_was_killed_can_be_exported(format: str, events: list[Event]) -> None:
    for end in range(1, len(events)):
        assert export(format, events[:end]) is not None


@pytest.mark.parametrize("format", EXPORTERS)
def test_no_run_is_a_sentence(format: str) -> None:
    with pytest.raises(RunError, match="no run"):
        export(format, [])


@given(hostile=st.text() | st.sampled_from(["<script>x</script>", '"><img onerror=x>', "\u202e"]))
def test_a_page_has_no_elements_but_its_own(hostile: str) -> None:
    def page(text: str) -> str:
        passage = EvidenceAdded(1, 1, "p", "d", text, text, text, text)
        citation = Citation(1, text, text, text, text, True)
        done = RunFinished("r", "answered", text, (citation,), 1, 1.0, TokenCounts(0, 0, 0), text)
        result = ToolAnswered(1, "search", text, (1,))
        started = RunStarted("r", text, text, text, text, 0, 8)
        middle = [TurnStarted(1), TurnFinished(1, f"a{text}"), passage, result]
        return export("html", [started, *middle, done])

    one, other = Elements(page(hostile)), Elements(page("harmless"))
    assert one.tags == other.tags
    assert one.attributes == other.attributes
    assert "\u202e" not in page(hostile)
