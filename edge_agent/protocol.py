"""The language of tool calls: how a call and an answer are written, and how a message is read.

The tags are those that MiroThinker models were trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from json_repair import repair_json

from edge_agent.models import (
    Choose,
    Force,
    Plan,
    Sample,
    Step,
    is_json,
    json_schema_grammar,
    missing_end,
)

OPENING = "<use_mcp_tool>"
CLOSING = "</use_mcp_tool>"
BOX = "\\boxed{"

_MOST_OPENINGS = 8
"""How often a model may write the opening tag to itself before its message ends."""


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
    slips: Mapping[str, str] = field(default_factory=dict)
    """Names of arguments that models write by mistake, and what is meant."""
    also_called: tuple[str, ...] = ()
    """Names that models call it by mistake."""
    argument_tokens: int | None = None
    """Most tokens of its arguments, where they need more than those of others."""


def render_call(call: ToolCall) -> str:
    """Return the text of a call."""
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f"{OPENING}{_head(call.server)}{call.tool}</tool_name>\n<arguments>\n{arguments}{_TAIL}"


def render_tools(tools: tuple[ToolSignature, ...]) -> str:
    """Return the list of tools for a system prompt."""
    lines = []
    for server in dict.fromkeys(tool.server for tool in tools):
        lines.append(f"## Server name: {server}")
        lines += [
            _listed(tool, json.dumps(tool.schema, ensure_ascii=False))
            for tool in tools
            if tool.server == server
        ]
    return "\n".join(lines)


def render_trained_tools(tools: tuple[ToolSignature, ...]) -> str:
    """Return the list of tools as MiroThinker models know it: schemas as Python writes them."""
    lines = []
    for server in dict.fromkeys(tool.server for tool in tools):
        lines.append(f"\n## Server name: {server}\n")
        lines += [
            f"{_listed(tool, str(dict(tool.schema)))}\n" for tool in tools if tool.server == server
        ]
    return "".join(lines)


def _listed(tool: ToolSignature, schema: str) -> str:
    return (
        f"### Tool name: {tool.name}\nDescription: {tool.description}\nInput JSON schema: {schema}"
    )


def render_failure(call: ToolCall, reason: str) -> str:
    """Return what the model reads when a call failed."""
    return f"Tool call to {call.tool} on {call.server} failed. Error: {reason}"


# Writing


def guided_call(
    tools: tuple[ToolSignature, ...],
    argument_tokens: int,
    known: Mapping[tuple[str, str], Mapping[str, Any]] = MappingProxyType({}),
    opening: str = OPENING,
) -> Generator[Step, str, None]:
    """Plan a call that cannot be malformed.

    Only the choice among the tools that exist and the arguments are the model's. Arguments that
    are `known`, by server and name of a tool, are written for it; others follow the tool's schema,
    and have `argument_tokens` unless the tool wants more.
    Where the model has written the tag itself, `opening` is empty.
    """
    heads = {
        f"{opening}{_head(tool.server)}{tool.name}</tool_name>\n<arguments>\n": tool
        for tool in tools
    }
    tool = heads[(yield Choose(tuple(heads)))]
    if (tool.server, tool.name) in known:
        yield Force(json.dumps(known[tool.server, tool.name], ensure_ascii=False) + _TAIL)
        return
    grammar = json_schema_grammar(tool.schema)
    most = tool.argument_tokens or argument_tokens
    written = yield Sample(max_tokens=most, grammar=grammar, complete=is_json)
    yield Force(missing_end(written) + _TAIL)


def free_message(
    tools: tuple[ToolSignature, ...], thought_tokens: int, argument_tokens: int
) -> Plan:
    """Plan a message in the model's own words; a call that it begins in it is guided.

    A tag that it only thinks of begins none. The message ends with the call, or where the model
    ends it.
    """
    written = ""
    for _ in range(_MOST_OPENINGS):
        part = yield Sample(max_tokens=thought_tokens, stop=(OPENING,))
        written += part
        if not part.endswith(OPENING):
            return
        tag = len(written) - len(OPENING)
        if any(begun.start == tag for begun in _calls_begun(written)):
            yield from guided_call(tools, argument_tokens, opening="")
            return


def _head(server: str) -> str:
    return f"\n<server_name>{server}</server_name>\n<tool_name>"


_TAIL = f"\n</arguments>\n{CLOSING}"


# Reading

_HEAD = (
    r"<use_mcp_tool>\s*<server_name>(?P<server>[^<]*)</server_name>\s*"
    r"<tool_name>(?P<tool>[^<]*)</tool_name>\s*<arguments>\s*"
)
_BEGINNING = re.compile(_HEAD)
_BORDER = re.compile(rf"{_HEAD}|(?P<end></arguments>\s*(?:</use_mcp_tool>|\Z)|</use_mcp_tool>)")
"""Where a call begins or ends whose arguments are not JSON."""
_ENDINGS = ("</arguments></use_mcp_tool>", "</use_mcp_tool>")
"""The ends that a call may have, less their white space; all of it or a part may be missing."""
_TOO_MANY = "}] \t\r\n"
"""What models write once more after an object."""
_MEANT = re.compile(r"\s*(?:[<{]|\Z)")
"""What follows an opening tag that is more than a word about it."""
_MARK = re.compile(rf"<think>|{OPENING}|^[ \t]*```\w*", re.MULTILINE)
_WRAPPED = re.compile(rf"\s*(?={OPENING})")
_FENCE_END = re.compile(r"^[ \t]*```[ \t]*$", re.MULTILINE)
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_THINKING = re.compile(
    r"""
    <think> .*? (?: </think> | \Z )
    | \A (?: (?!<think>) . )*? </think>  # a chat template opened it in the prompt already
    """,
    re.DOTALL | re.VERBOSE,
)
_JSON = json.JSONDecoder(strict=False)  # models break lines in strings
_MOST_REPAIRED = 8_000
"""Characters of arguments that are repaired: the time that it takes grows with their square."""

_UNCLOSED = "it is not closed, or a tag is missing"
_NO_OBJECT = "the arguments are not a whole JSON object"
_FOLLOWED = "it is not the end of the message"
_FENCED = "it stands in a code fence"
_THOUGHT_OF = "it stands in a thought that is not closed"


@dataclass(frozen=True, slots=True)
class _Begun:
    """A call begun in [start, end) of a text; it is whole where there is no fault.

    Neither `call` nor `fault` means that the tag was only spoken of.
    """

    start: int
    end: int
    call: ToolCall | None = None
    fault: str | None = None


def parse(text: str) -> Message:
    """Read a message. A call counts only at its very end, and only outside of what is thought.

    An answer counts only where there is no call. Any text can be read.
    """
    begun = tuple(_calls_begun(text))
    for each in begun:
        if each.call is not None:
            return Message(text[: each.start].strip(), call=each.call)
    thinking = _THINKING.match(text)
    thought = 0 if thinking is None else thinking.end()
    faulty = [each for each in begun if each.fault is not None and each.end >= thought]
    if faulty:
        return Message(text[: faulty[0].start].strip(), fault=faulty[-1].fault)
    return Message(text.strip(), answer=boxed(_THINKING.sub(" ", text)))


def _calls_begun(text: str) -> Iterator[_Begun]:
    """Yield the calls that a message begins at its top level, in order.

    That is outside of thoughts, of code fences, and of the arguments of other calls.
    """
    place = 0
    while (mark := _MARK.search(text, place)) is not None:
        if mark[0] == OPENING:
            begun = _begun_at(text, mark.start())
            yield begun
            place = begun.end
        elif mark[0] == "<think>":
            place = yield from _after_thought(text, mark.end())
        else:
            place = yield from _after_fence(text, mark)


def _after_thought(text: str, start: int) -> Generator[_Begun, None, int]:
    """Return where a thought ends; what is called in one that is not closed is a fault."""
    end = text.find("</think>", start)
    if end >= 0:
        return end
    lost = _BEGINNING.search(text, start)
    if lost is not None:
        yield _Begun(lost.start(), len(text), fault=_THOUGHT_OF)
    return len(text)


def _after_fence(text: str, fence: re.Match[str]) -> Generator[_Begun, None, int]:
    """Return where a code fence ends, or where it begins if it does not end.

    A call that a fence was opened for, and that ends the message, is a call.
    """
    wrapped = _WRAPPED.match(text, fence.end())
    if wrapped is not None:
        begun = _begun_at(text, wrapped.end(), fenced=True)
        if begun.call is not None:
            yield replace(begun, start=fence.start())
            return begun.end
    end = _FENCE_END.search(text, fence.end())
    if end is None:
        return fence.end()
    lost = _BEGINNING.search(text, fence.end(), end.start())
    if lost is not None and not text[end.end() :].strip():
        yield _Begun(fence.start(), end.end(), fault=_FENCED)
    return end.end()


def _begun_at(text: str, start: int, *, fenced: bool = False) -> _Begun:
    """Read what an opening tag begins; after one that is `fenced`, the fence may be closed."""
    head = _BEGINNING.match(text, start)
    if head is None:
        end = start + len(OPENING)
        return _Begun(start, end, fault=_UNCLOSED if _MEANT.match(text, end) else None)
    try:
        value, end = _JSON.raw_decode(text, head.end())
    except (ValueError, RecursionError):
        return _with_broken_arguments(text, head, fenced)
    if not isinstance(value, dict):
        return _Begun(start, end, fault=_NO_OBJECT)
    if not _is_ending(text[end:].lstrip(_TOO_MANY), fenced):
        return _Begun(start, end, fault=_FOLLOWED)
    return _Begun(start, len(text), _call(head, value))


def _with_broken_arguments(text: str, head: re.Match[str], fenced: bool) -> _Begun:
    """Read a call whose arguments are taken to reach to its closing tags, and are repaired."""
    start = head.start()
    end, nested = _closing_of(text, head.end())
    if end is None:
        return _Begun(start, len(text), fault=_UNCLOSED)
    inside = text[head.end() : end.start()].rstrip()
    # In a string, tags may close nothing: then all that follows may still be arguments.
    in_string = sum(quote[0] == '"' for quote in _QUOTE.finditer(inside)) % 2 == 1
    cut_off = in_string and not inside.endswith("}")
    arguments = None if nested or cut_off else read_arguments(inside)
    if arguments is not None and _is_ending(text[end.end() :], fenced):
        return _Begun(start, len(text), _call(head, arguments))
    return _Begun(
        start,
        len(text) if in_string else end.end(),
        fault=_NO_OBJECT if arguments is None else _FOLLOWED,
    )


def _closing_of(text: str, start: int) -> tuple[re.Match[str] | None, bool]:
    """Return the closing tags of arguments, and whether another call is begun before them."""
    depth, nested = 1, False
    for border in _BORDER.finditer(text, start):
        opens = border["end"] is None
        nested = nested or opens
        depth += 1 if opens else -1
        if depth == 0:
            return border, nested
    return None, nested


def _call(head: re.Match[str], arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(head["server"].strip(), head["tool"].strip(), arguments)


def _is_ending(rest: str, fenced: bool) -> bool:
    """Tell whether nothing follows the arguments but closing tags and the end of a fence."""
    tags = "".join(rest.split())
    if fenced:
        tags = tags.removesuffix("```")
    return any(ending.startswith(tags) for ending in _ENDINGS)


_SPEAKS = re.compile(
    r"</?(?:think|use_mcp_tool|server_name|tool_name|arguments)>|\\boxed|^[ \t]*```|\n(?!\Z)",
    re.MULTILINE,
)
"""What is more than text in a message: tags, a box, a fence at the beginning of a line, a line."""


def is_only_text(line: str) -> bool:
    """Tell whether a line, put into a message, says nothing in this language.

    A document may spell a call, or open a thought that swallows one: such a line is not quoted.
    """
    return _SPEAKS.search(line) is None


def read_arguments(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`, slips repaired; None where there is none."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        if len(text) > _MOST_REPAIRED:
            return None
        try:
            value = repair_json(text, return_objects=True)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


# Repairing


def repaired(call: ToolCall, tools: Sequence[ToolSignature]) -> ToolCall:
    """Return a call with what is often mistaken put right: names of server, tool and arguments.

    Arguments that the tool does not know are left out, unless its schema has a rule for them. A
    call of a tool that is not among `tools` stays as it is.
    """
    tool = _meant(call, tools)
    if tool is None:
        return call
    return ToolCall(tool.server, tool.name, _named(call.arguments, tool))


def _meant(call: ToolCall, tools: Sequence[ToolSignature]) -> ToolSignature | None:
    """Return the tool that a call is for: by its name, else as the only one of its server."""
    name, server = _plain(call.tool), _plain(call.server)
    fitting = [tool for tool in tools if name in _names(tool)]
    if not fitting:
        of_server = [tool for tool in tools if _plain(tool.server) == name]
        return of_server[0] if len(of_server) == 1 else None
    return next((tool for tool in fitting if _plain(tool.server) == server), fitting[0])


def _names(tool: ToolSignature) -> set[str]:
    return {_plain(name) for name in (tool.name, tool.server + tool.name, *tool.also_called)}


def _named(arguments: Mapping[str, Any], tool: ToolSignature) -> dict[str, Any]:
    """Return arguments under the names that the tool knows; the right name before a slip."""
    known = tool.schema.get("properties", {})
    meant = {_plain(slip): name for slip, name in tool.slips.items()}
    meant |= {_plain(name): name for name in known}
    named = {name: value for name, value in arguments.items() if name in known}
    for name, value in arguments.items():
        if _plain(name) in meant:
            named.setdefault(meant[_plain(name)], value)
        elif "additionalProperties" in tool.schema:
            named[name] = value
    return named


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


# The answer

_BRACE = re.compile(r"(?P<box>\\{1,4}boxed\s*\{)|\\.|[{}]", re.DOTALL)

_STYLED = re.compile(r"\A\\(?:text|textbf|textit|mathrm|mathbf)\s*\{([^{}]+)\}\Z")
"""An answer that is nothing but a word of LaTeX in a style."""


def boxed(text: str) -> str | None:
    """Return what stands in the last `\\boxed{}` of `text` that is not empty, or None.

    Braces inside may be nested or escaped; a box in another one is a part of it; a box that is
    never closed reaches to the end. A style around all of it is left out.
    """
    opened: list[tuple[int, bool]] = []
    boxes: list[tuple[int, int]] = []
    for brace in _BRACE.finditer(text):
        if brace["box"] or brace[0] == "{":
            opened.append((brace.end(), brace["box"] is not None))
        elif brace[0] == "}" and opened:
            begin, is_box = opened.pop()
            if is_box:
                while boxes and boxes[-1][0] > begin:
                    boxes.pop()
                boxes.append((begin, brace.start()))
    boxes += [(begin, len(text)) for begin, is_box in opened if is_box]
    contents = (text[begin:end].strip() for begin, end in sorted(boxes, reverse=True))
    return next((_STYLED.sub(r"\1", content) for content in contents if content), None)
