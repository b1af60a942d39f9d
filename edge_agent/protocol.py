"""The language of tool calls: how a call and an answer are written, and how a message is read.

The tags are those that MiroThinker models were trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from json_repair import repair_json

from edge_agent.models import (
    Choose,
    Force,
    Sample,
    Step,
    is_json,
    json_schema_grammar,
    missing_end,
)

OPENING = "<use_mcp_tool>"
CLOSING = "</use_mcp_tool>"
BOX = "\\boxed{"

_CALL = re.compile(
    r"<use_mcp_tool>\s*<server_name>(?P<server>[^<]*)</server_name>\s*"
    r"<tool_name>(?P<tool>[^<]*)</tool_name>\s*"
    r"<arguments>(?P<arguments>.*)</arguments>\s*</use_mcp_tool>\s*\Z",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call at the end of a message."""

    server: str
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What the model said: a thought, and a call, or an answer, or neither.

    `fault` says what is wrong with a call that was begun and cannot be carried out.
    """

    thought: str
    call: ToolCall | None = None
    answer: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ToolSignature:
    """What a model is told about a tool; `schema` is the JSON schema of its arguments."""

    server: str
    name: str
    description: str
    schema: Mapping[str, Any]


def render_call(call: ToolCall) -> str:
    """Return the text of a call."""
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f"{_head(call.server)}{call.tool}</tool_name>\n<arguments>\n{arguments}{_TAIL}"


def render_tools(tools: tuple[ToolSignature, ...]) -> str:
    """Return the list of tools for a system prompt."""
    lines = []
    for server in dict.fromkeys(tool.server for tool in tools):
        lines.append(f"## Server name: {server}")
        for tool in (tool for tool in tools if tool.server == server):
            schema = json.dumps(tool.schema, ensure_ascii=False)
            lines.append(
                f"### Tool name: {tool.name}\nDescription: {tool.description}\n"
                f"Input JSON schema: {schema}"
            )
    return "\n".join(lines)


def render_failure(call: ToolCall, reason: str) -> str:
    """Return what the model reads when a call failed."""
    return f"Tool call to {call.tool} on {call.server} failed. Error: {reason}"


def guided_call(
    tools: tuple[ToolSignature, ...],
    argument_tokens: int,
    known: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Generator[Step, str, None]:
    """Plan a call that cannot be malformed.

    Only the choice among the tools that exist and the arguments are the model's. Arguments that
    are `known`, by the name of a tool, are written for it; others follow the tool's schema.
    """
    heads = {f"{_head(tool.server)}{tool.name}</tool_name>\n<arguments>\n": tool for tool in tools}
    tool = heads[(yield Choose(tuple(heads)))]
    if tool.name in known:
        yield Force(json.dumps(known[tool.name], ensure_ascii=False) + _TAIL)
        return
    grammar = json_schema_grammar(tool.schema)
    written = yield Sample(max_tokens=argument_tokens, grammar=grammar, complete=is_json)
    yield Force(missing_end(written) + _TAIL)


def parse(text: str) -> Message:
    """Read a message. A call counts only at its very end; an answer only where there is no call."""
    start = text.rfind(OPENING)
    if start < 0:
        return Message(thought=text.strip(), answer=boxed(text))
    thought = text[:start].strip()
    match = _CALL.match(text[start:])
    if match is None:
        return Message(thought, fault="the call is not closed, or a tag is missing")
    arguments = read_arguments(match["arguments"])
    if arguments is None:
        return Message(thought, fault="the arguments are not a JSON object")
    return Message(
        thought, call=ToolCall(match["server"].strip(), match["tool"].strip(), arguments)
    )


def read_arguments(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`, slips repaired; None where there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = repair_json(text, return_objects=True)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def boxed(text: str) -> str | None:
    """Return what stands in the last `\\boxed{}` of `text`, nested braces included, or None."""
    start = text.rfind(BOX)
    if start < 0:
        return None
    depth = 1
    begin = start + len(BOX)
    for position in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[begin:position].strip() or None
    return text[begin:].strip() or None


def _head(server: str) -> str:
    return f"{OPENING}\n<server_name>{server}</server_name>\n<tool_name>"


_TAIL = f"\n</arguments>\n{CLOSING}"
