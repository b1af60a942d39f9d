"""The language of tool calls: what is rendered is read back, and nothing else is ever a call."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.models import Choose, Force, Plan, Sample, Step
from edge_agent.protocol import (
    CLOSING,
    OPENING,
    Message,
    ToolCall,
    ToolSignature,
    boxed,
    free_message,
    guided_call,
    parse,
    read_arguments,
    render_call,
    render_failure,
    render_tools,
    render_trained_tools,
    repaired,
)

SEARCH = ToolSignature(
    "library",
    "search",
    "Search.",
    {"type": "object", "properties": {"query": {"type": "string"}}},
    slips={"q": "query", "keywords": "query"},
)
READ = ToolSignature(
    "library",
    "read",
    "Read.",
    {
        "type": "object",
        "properties": {"source": {"type": "string"}, "about": {"type": "string"}},
        "required": ["source"],
    },
    slips={"passage": "source"},
)
PYTHON = ToolSignature(
    "tool-python",
    "run_python_code",
    "Run.",
    {"type": "object", "properties": {"code_block": {"type": "string"}}},
    slips={"code": "code_block"},
    also_called=("python",),
)
CALL = ToolCall("library", "search", {"query": "Forth Bridge"})
HEAD = (
    "<use_mcp_tool>\n<server_name>library</server_name>\n<tool_name>search</tool_name>\n"
    "<arguments>\n"
)
TAIL = "\n</arguments>\n</use_mcp_tool>"


# Writing


def test_a_call_is_written_character_by_character_like_this() -> None:
    assert render_call(CALL) == HEAD + '{"query": "Forth Bridge"}' + TAIL


def test_tools_are_listed_with_their_schema() -> None:
    listed = render_tools((SEARCH,))
    assert listed.startswith("## Server name: library\n### Tool name: search\nDescription: Search.")
    assert '"query"' in listed


def test_tools_are_listed_as_mirothinker_models_were_shown_them() -> None:
    assert render_trained_tools((SEARCH, PYTHON, replace(SEARCH, name="find", schema={}))) == (
        "\n## Server name: library\n"
        "### Tool name: search\n"
        "Description: Search.\n"
        "Input JSON schema: {'type': 'object', 'properties': {'query': {'type': 'string'}}}\n"
        "### Tool name: find\n"
        "Description: Search.\n"
        "Input JSON schema: {}\n"
        "\n## Server name: tool-python\n"
        "### Tool name: run_python_code\n"
        "Description: Run.\n"
        "Input JSON schema: {'type': 'object', 'properties': {'code_block': {'type': 'string'}}}\n"
    )


def test_a_failure_reads_like_this() -> None:
    assert render_failure(CALL, "E") == "Tool call to search on library failed. Error: E"


def carried_out(plan: Plan, replies: Iterable[str]) -> tuple[list[Step], str]:
    """Return the steps of a plan and its text; samples and true choices take the next reply."""
    script, steps, text = iter(replies), [], ""
    try:
        step = next(plan)
        while True:
            steps.append(step)
            if isinstance(step, Force):
                written = step.text
            elif isinstance(step, Choose):
                wanted = next(script) if len(step.options) > 1 else ""
                written = next(option for option in step.options if wanted in option)
            else:
                written = next(script)
            text += written
            step = plan.send(written)
    except StopIteration:
        assert next(script, None) is None
        return steps, text


def test_a_guided_call_is_well_formed_also_where_the_arguments_were_cut_off() -> None:
    steps, text = carried_out(guided_call((SEARCH,), 20), ['{"query": "cut off in the mid'])
    assert [type(step) for step in steps] == [Choose, Sample, Force]
    assert parse(text).call == ToolCall("library", "search", {"query": "cut off in the mid"})


def test_arguments_that_are_known_are_written_for_the_model() -> None:
    known = {("library", "search"): {"query": 'a "quoted" word'}}
    _, text = carried_out(guided_call((SEARCH,), 20, known), [])
    assert parse(text).call == ToolCall("library", "search", {"query": 'a "quoted" word'})


def test_a_message_without_a_call_ends_where_the_model_ends_it() -> None:
    steps, text = carried_out(free_message((SEARCH,), 100, 20), ["It is \\boxed{Larvik}."])
    assert steps == [Sample(100, stop=(OPENING,))]
    assert parse(text).answer == "Larvik"


def test_after_the_opening_tag_only_the_choice_and_the_arguments_are_the_models_own() -> None:
    replies = [f"<think>Hm.</think> I read.\n{OPENING}", "<tool_name>read", '{"source": "Fram"}']
    steps, text = carried_out(free_message((SEARCH, READ), 100, 20), replies)
    assert [type(step) for step in steps] == [Sample, Choose, Sample, Force]
    assert isinstance(steps[1], Choose)
    assert all(option.startswith("\n<server_name>") for option in steps[1].options)
    assert isinstance(steps[2], Sample)
    assert steps[2].max_tokens == 20
    assert steps[2].grammar is not None
    assert text.endswith(TAIL)
    assert parse(text) == Message(
        "<think>Hm.</think> I read.", call=ToolCall("library", "read", {"source": "Fram"})
    )


@pytest.mark.parametrize(
    "thought",
    [
        f"<think>I could write {OPENING}",
        f"<think>A draft: {HEAD}{{}}{TAIL} no, {OPENING}",
    ],
)
def test_an_opening_tag_in_a_thought_begins_no_call(thought: str) -> None:
    replies = [thought, f", I think.</think>{OPENING}", '{"query": "x"}']
    steps, text = carried_out(free_message((SEARCH,), 100, 20), replies)
    assert [type(step) for step in steps] == [Sample, Sample, Choose, Sample, Force]
    assert parse(text).call == ToolCall("library", "search", {"query": "x"})


def test_a_model_that_thinks_of_nothing_but_the_tag_comes_to_an_end() -> None:
    plan = free_message((SEARCH,), 100, 20)
    step = next(plan)
    for count in range(1, 100):
        assert isinstance(step, Sample)
        try:
            step = plan.send(f"<think>{OPENING}" if count == 1 else OPENING)
        except StopIteration:
            break
    assert count < 99


# Reading


@pytest.mark.parametrize(
    "said",
    [
        '{"query": "Forth Bridge"}' + TAIL,
        '{"query": "Forth Bridge"}' + TAIL + "\n \n",
        '{"query": "Forth Bridge"}\n</arguments>',
        '{"query": "Forth Bridge"}\n</use_mcp_tool>',
        '{"query": "Forth Bridge"}\n</arguments>\n</use_mc',
        '{"query": "Forth Bridge"}',
        '{"query": "Forth Bridge"}}' + TAIL,
        '{"query": "Forth Bridge",}' + TAIL,
        '{"query": "Forth Bridge"' + TAIL,
        "{'query': 'Forth Bridge'}" + TAIL,
        "{'query': 'Forth Bridge'}\n</arguments>",
        '```json\n{"query": "Forth Bridge"}\n```' + TAIL,
    ],
)
def test_slips_at_the_end_of_a_call_are_forgiven(said: str) -> None:
    assert parse(f"I search.\n\n{HEAD}{said}") == Message("I search.", call=CALL)


@pytest.mark.parametrize(
    ("said", "thought"),
    [
        ("I search.\n```xml\n{call}\n```\n", "I search."),
        ("```\n{call}\n```", ""),
        ("```\n{call}", ""),
        ("```\nprint(1)\n```\n{call}", "```\nprint(1)\n```"),
    ],
)
def test_a_fence_around_a_call_belongs_to_neither(said: str, thought: str) -> None:
    assert parse(said.format(call=render_call(CALL))) == Message(thought, call=CALL)


@pytest.mark.parametrize(
    "said",
    [
        "{call}\nAnd then?",
        "{call}\n```",
        "```\nprint(1)\n```\n{call}\n```",
        "```\nI would write:\n{call}\n```",
        "<think>I would write:\n{call}",
        "{head}{call}",
        '{head}{{"query": "{call}',
        '{head}{{"query": "a {tail} b {call}',
        "{head}[1, 2]{tail}",
        "{head}{tail}",
        "<use_mcp_tool>\n<tool_name>search</tool_name>",
        '<use_mcp_tool>{{"query": "x"}}</use_mcp_tool>',
        "I search.\n<use_mcp_tool>",
    ],
)
def test_a_call_that_is_begun_and_cannot_be_carried_out_is_a_fault(said: str) -> None:
    message = parse(said.format(call=render_call(CALL), head=HEAD, tail=TAIL))
    assert message.call is None
    assert message.answer is None
    assert message.fault is not None


@pytest.mark.parametrize(
    "said",
    [
        "The tag <use_mcp_tool> is not needed. \\boxed{7}",
        "<think>{call}</think> \\boxed{7}",
        "I draft {call}, no.</think> \\boxed{7}",
        "```\nAn example: {call}\n```\nSo: \\boxed{7}",
        "<think>\\boxed{8}</think> \\boxed{7} <think>\\boxed{9}",
        "\\boxed{8}</think> \\boxed{7}",
        "So: \\boxed{\\text{7}}",
    ],
)
def test_what_is_thought_or_only_spoken_of_is_neither_call_nor_fault_nor_answer(said: str) -> None:
    said = said.replace("{call}", render_call(CALL))
    assert parse(said) == Message(said, answer="7")


def test_of_two_calls_the_one_at_the_end_counts() -> None:
    first = render_call(replace(CALL, tool="read"))
    broken = f'{HEAD}{{"query" "x"{TAIL}'
    for before in (first, broken, f"<think>{first}</think>", f"{first}</think>"):
        assert parse(f"{before}\nNo:\n{render_call(CALL)}").call == CALL


def test_a_call_ends_an_answer() -> None:
    message = parse(f"\\boxed{{7}} {render_call(CALL)}")
    assert message.answer is None
    assert message.call == CALL


MARKS = (
    OPENING,
    CLOSING,
    HEAD,
    TAIL,
    f'{HEAD}{{"query": "evil"}}{TAIL}',
    f"{HEAD}{{'query': 'evil'",
    '{"query": "x"}',
    '"',
    "{",
    "\\",
    "</arguments>",
    "<|im_end|>\n<|im_start|>user\n",
    "[INST]",
    "\\boxed{",
    "}",
    "\n\n",
)
HOSTILE = st.sampled_from([*MARKS, "<think>", "</think>", "```", "```json\n"]) | st.text(max_size=9)


def mixed(*parts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts) | plain(), max_size=6).map("".join)


def plain() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_characters="<`", exclude_categories=["Cs"]), max_size=9)


THOUGHT = mixed(*MARKS, "\\boxed{hidden}", "```\n", "<think>").map("<think>\n{}\n</think>\n".format)
FENCE = mixed(*MARKS, "<think>", "</think>").map(lambda text: f"\n```xml\nSo: {text}\n```\n")
PROSE = mixed("the <use_mcp_tool> tag", "<|im_end|>", "\\boxed{no}", '{"query": "x"}', "</think>")
ARGUMENTS = st.dictionaries(
    st.text(max_size=5), st.lists(HOSTILE, max_size=5).map("".join) | st.integers(), max_size=3
)


@dataclass(frozen=True)
class Said:
    before: str
    call: ToolCall | None
    text: str


@st.composite
def messages(draw: st.DrawFn) -> Said:
    before = "".join(draw(st.lists(THOUGHT | FENCE | PROSE, max_size=4)))
    if draw(st.booleans()):
        return Said(before, None, before)
    call = ToolCall("library", "search", draw(ARGUMENTS))
    missing = draw(st.sampled_from(["", "\n</use_mcp_tool>", TAIL]))
    end = draw(st.sampled_from(["", "\n", " \n\n"]))
    text = render_call(call).removesuffix(missing) + end
    if draw(st.booleans()):
        return Said(before, call, f"{before}\n{text}")
    return Said(before, call, f"{before}\n```xml\n{text}\n```\n")


@given(messages())
def test_the_call_that_is_found_is_the_one_that_was_made(said: Said) -> None:
    message = parse(said.text)
    assert message.call == said.call
    if said.call is not None:
        assert message.thought == said.before.strip()
    else:
        assert "hidden" not in (message.answer or "")


@given(messages(), st.integers(0, 400))
def test_a_call_that_is_cut_off_is_the_same_or_none(said: Said, cut: int) -> None:
    arguments = json.dumps(said.call.arguments) if said.call else ""
    if "</arguments>" in arguments or CLOSING in arguments:
        return  # a cut right after these cannot be told from an end
    text = said.text[: max(len(said.before), len(said.text) - cut)]
    assert parse(text).call in (said.call, None)


@given(st.lists(HOSTILE, max_size=12).map("".join))
def test_any_text_is_read_without_an_error(text: str) -> None:
    message = parse(text)
    assert message.call is None or message.call.arguments is not None
    assert sum(each is not None for each in (message.call, message.answer, message.fault)) <= 1


@given(thought=st.lists(HOSTILE, max_size=8), arguments=ARGUMENTS)
def test_whatever_a_model_writes_a_guided_call_is_one_of_the_tools(
    thought: list[str], arguments: dict[str, object]
) -> None:
    def reply() -> Generator[str, None, None]:
        for part in thought:
            yield part.replace(OPENING, "") + OPENING
        yield "no more"

    plan, parts, text = free_message((SEARCH,), 100, 20), reply(), ""
    try:
        step = next(plan)
        while True:
            if isinstance(step, Sample) and step.grammar is None:
                written = next(parts)
            elif isinstance(step, Sample):
                written = json.dumps(arguments)
            else:
                written = step.text if isinstance(step, Force) else step.options[0]
            text += written
            step = plan.send(written)
    except StopIteration:
        pass
    assert parse(text).call in (None, ToolCall("library", "search", arguments))


@pytest.mark.parametrize(
    "text",
    [
        OPENING * 5_000,
        "<think>" * 5_000,
        HEAD * 1_000,
        render_call(CALL) * 300,
        f"{HEAD}{'{' * 50_000}{TAIL}",
        HEAD + "{'a' " * 20_000 + TAIL,
        "```x\n" * 2_000,
        "\\boxed{" * 10_000,
        "\\boxed{}" * 10_000,
        "\\" * 50_000,
    ],
    ids=lambda text: repr(text[:16]),
)
def test_long_hostile_texts_are_read_like_short_ones(text: str) -> None:
    assert parse(text).call in (CALL, None)  # what takes hours fails too


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"query": "a"}', {"query": "a"}),
        ("{'query': 'a'}", {"query": "a"}),
        ('{"query": "a",}', {"query": "a"}),
        ('{query: "a"}', {"query": "a"}),
        ('{"query": "a\nb"}', {"query": "a\nb"}),
        (
            '{"query": "a", "exact": True, "page": None}',
            {"query": "a", "exact": True, "page": None},
        ),
        ("[1, 2]", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_slips_in_arguments_are_repaired(written: str, read: object) -> None:
    assert read_arguments(written) == read


# Repairing


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (CALL, CALL),
        (ToolCall("web", "search", {"query": "x"}), ToolCall("library", "search", {"query": "x"})),
        (ToolCall("library", " Search", {}), ToolCall("library", "search", {})),
        (ToolCall("library", "library.search", {}), ToolCall("library", "search", {})),
        (
            ToolCall("python", "python", {"code": "1"}),
            ToolCall("tool-python", "run_python_code", {"code_block": "1"}),
        ),
        (ToolCall("", "tool-python", {}), ToolCall("tool-python", "run_python_code", {})),
        (ToolCall("library", "library", {}), ToolCall("library", "library", {})),
        (ToolCall("library", "delete", {"q": 1}), ToolCall("library", "delete", {"q": 1})),
        (
            ToolCall("library", "search", {"Query": "x", "lang": "en"}),
            ToolCall("library", "search", {"query": "x"}),
        ),
        (
            ToolCall("library", "search", {"q": "slip", "query": "right"}),
            ToolCall("library", "search", {"query": "right"}),
        ),
        (
            ToolCall("library", "search", {"q": "first", "keywords": "second"}),
            ToolCall("library", "search", {"query": "first"}),
        ),
        (ToolCall("library", "read", {"passage": 3}), ToolCall("library", "read", {"source": 3})),
    ],
)
def test_usual_slips_in_names_are_repaired(written: ToolCall, meant: ToolCall) -> None:
    assert repaired(written, (SEARCH, READ, PYTHON)) == meant


def test_an_alias_counts_only_where_its_tool_is_there() -> None:
    call = ToolCall("python", "python", {"code": "1"})
    assert repaired(call, (SEARCH, READ)) == call


def test_arguments_that_a_schema_has_a_rule_for_are_left_to_it() -> None:
    strict = replace(SEARCH, schema={**SEARCH.schema, "additionalProperties": False})
    call = ToolCall("library", "search", {"query": "x", "lang": "en"})
    assert repaired(call, (strict,)) == call


def test_of_tools_with_one_name_that_of_the_server_is_meant() -> None:
    other = replace(SEARCH, server="archive")
    assert repaired(ToolCall("Archive", "search", {}), (SEARCH, other)).server == "archive"
    assert repaired(ToolCall("nowhere", "search", {}), (SEARCH, other)).server == "library"


# The answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{1890}", "1890"),
        ("\\boxed {1890}", "1890"),
        ("first \\boxed{a}, no: \\boxed{b}", "b"),
        ("\\boxed{a} and \\boxed{ }", "a"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{a \\boxed{b}}", "a \\boxed{b}"),
        ("}{ \\boxed{a}", "a"),
        ("\\boxed{cut off", "cut off"),
        ("\\boxed{cut off, again: \\boxed{b}", "b"),
        ("\\boxed{}", None),
        ("\\boxed", None),
        ("no box", None),
    ],
)
def test_the_answer_is_in_the_last_box_that_is_not_empty(text: str, answer: str | None) -> None:
    assert boxed(text) == answer
