"""What chat templates take for control, and how a text is kept from saying it.

A document that spells the end of a message must not end one: whoever wrote it would speak as the
user. llama.cpp is told so for control tokens; what a file declares as the user's own, and what a
server tokenizes together with its template, is taken care of here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPELLINGS = re.compile(
    r"<[|｜][^<>\n]{1,40}>"  # Qwen, Llama 3, Phi, DeepSeek: <|im_end|>
    r"|</?(?:s|bos|eos|eod|eom|eot|pad|unk|mask|sep|cls|sop|eop|role|image|think)>"
    r"|<(?!/?(?:use_mcp_tool|server_name|tool_name)>)/?[a-z\d]+(?:_[a-z\d]+)+>|<seed:[^<>\n]{1,40}>"
    # Gemma, Mistral, T5, SmolVLM: <end_of_turn>, <SPECIAL_11>, <extra_id_1>; but not calls of ours
    r"|\[\|[^\[\]\n]{1,40}\|\]|\[/?(?-i:[A-Z][A-Z_]+|gMASK|control_\d+)\]"  # EXAONE; Mistral, GLM
    r"|<</?SYS>>|\]~!?b\[?|\]![a-z]~|\[e~\[|\]<\]",  # Llama 2, MiniMax
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>\s]{1,40}>|\[[^\[\]\s]{1,40}\]")
_USUAL = (
    *("<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<s>", "</s>"),
    *("[INST]", "[/INST]", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"),
)
_THOUGHT = ("<think>", "</think>")
"""They speak for nobody else, and stand in what the model itself wrote."""


def tags_of(template: str | None) -> tuple[str, ...]:
    """Return the tags that a chat template writes, and those that most of them write."""
    found = _TAG.findall(template or "")
    return tuple(tag for tag in dict.fromkeys([*_USUAL, *found]) if tag not in _THOUGHT)


def spelt_out(text: str) -> str:
    """Return `text` with a space in every spelling of a control token of the usual templates."""
    return _SPELLINGS.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def pieces(text: str, tags: Iterable[str]) -> list[str]:
    """Return `text` in pieces, cut behind the first character of each tag in it."""
    border = "|".join(f"(?<={re.escape(tag[0])})(?={re.escape(tag[1:])})" for tag in tags)
    return re.split(border, text) if border else [text]
