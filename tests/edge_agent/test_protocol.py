"""The language of tool calls: what is rendered is read back, and nothing else is ever a call."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.models import Choose, Force, Sample
from edge_agent.protocol import (
    CLOSING,
    OPENING,
    ToolCall,
    ToolSignature,
    boxed,
    guided_call,
    parse,
    read_arguments,
    render_call,
    render_failure,
    render_tools,
)

SEARCH = ToolSignature(
    "library", "search", "Search.", {"type": "object", "properties": {"query": {"type": "string"}}}
)
CALL = ToolCall("library", "search", {"query": "Forth Bridge"})


def test_a_call_is_written_character_by_character_like_this() -> None:
    assert render_call(CALL) == (
        "<use_mcp_tool>\n<server_name>library</server_name>\n<tool_name>search</tool_name>\n"
        '<arguments>\n{"query": "Forth Bridge"}\n</arguments>\n</use_mcp_tool>'
    )


@given(
    thought=st.text().filter(lambda text: OPENING not in text),
    arguments=st.dictionaries(
        st.text(min_size=1), st.text().filter(lambda text: "</arguments>" not in text), min_size=1
    ),
)
def test_what_is_rendered_is_read_back(thought: str, arguments: dict[str, str]) -> None:
    call = ToolCall("library", "search", arguments)
    if OPENING in json.dumps(arguments):
        return
    message = parse(thought + render_call(call))
    assert message.call == call
    assert message.thought == thought.strip()


@given(st.text() | st.text(alphabet='<>/_{}\\"abusemcptoolnr \n'))
def test_any_text_is_read_without_an_error(text: str) -> None:
    message = parse(text)
    assert message.call is None or CLOSING in text


@given(before=st.sampled_from([OPENING, CLOSING, "<arguments>", "\\boxed{", '{"query": "x"}']),
       cut=st.integers(0, 140))  # fmt: skip
def test_a_call_that_is_cut_off_is_a_fault_and_never_a_call(before: str, cut: int) -> None:
    whole = render_call(CALL)
    message = parse(before + whole[: min(cut, len(whole) - 1)])
    assert message.call is None


def test_a_call_counts_only_at_the_very_end() -> None:
    assert parse(render_call(CALL) + "\nAnd then?").call is None
    assert parse(render_call(CALL) + "\n").call == CALL


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"query": "a"}', {"query": "a"}),
        ("{'query': 'a'}", {"query": "a"}),
        ('{"query": "a",}', {"query": "a"}),
        ('{query: "a"}', {"query": "a"}),
        ("[1, 2]", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_slips_in_arguments_are_repaired(written: str, read: object) -> None:
    assert read_arguments(written) == read


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{1890}", "1890"),
        ("first \\boxed{a}, no: \\boxed{b}", "b"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{cut off", "cut off"),
        ("\\boxed{}", None),
        ("no box", None),
    ],
)
def test_the_answer_is_in_the_last_box(text: str, answer: str | None) -> None:
    assert boxed(text) == answer


def test_a_guided_call_is_well_formed_also_where_the_arguments_were_cut_off() -> None:
    plan = guided_call((SEARCH,), 20)
    choice = next(plan)
    assert isinstance(choice, Choose)
    text = choice.options[0]
    arguments = plan.send(text)
    assert isinstance(arguments, Sample)
    written = '{"query": "cut off in the mid'
    end = plan.send(written)
    assert isinstance(end, Force)
    with pytest.raises(StopIteration):
        plan.send(end.text)
    message = parse(text + written + end.text)
    assert message.call == ToolCall("library", "search", {"query": "cut off in the mid"})


def test_arguments_that_are_known_are_written_for_the_model() -> None:
    plan = guided_call((SEARCH,), 20, {"search": {"query": 'a "quoted" word'}})
    choice = next(plan)
    assert isinstance(choice, Choose)
    rest = plan.send(choice.options[0])
    assert isinstance(rest, Force)
    message = parse(choice.options[0] + rest.text)
    assert message.call == ToolCall("library", "search", {"query": 'a "quoted" word'})


def test_tools_are_listed_with_their_schema() -> None:
    listed = render_tools((SEARCH,))
    assert listed.startswith("## Server name: library\n### Tool name: search\nDescription: Search.")
    assert '"query"' in listed


def test_a_failure_reads_like_this() -> None:
    assert render_failure(CALL, "E") == "Tool call to search on library failed. Error: E"
