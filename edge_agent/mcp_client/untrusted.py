"""Words of a server's that stand in the system prompt, where a model trusts what it reads."""

from __future__ import annotations

from edge_agent.showing import in_one_line

_TAGS = str.maketrans("<>[]", "‹›()")
"""Tags, ours and those of chat templates, are written in these brackets: <|im_end|>, [INST]."""


def harmless(text: str, most: int) -> str:
    """Return `text` as one line of at most `most` characters that can speak as nobody else.

    A model is told about a tool in its system prompt, in which special tokens count. So nothing is
    left in it that a tokenizer or this program could take for one, nothing that is hidden, and no
    line that could be taken for a heading.
    """
    line = in_one_line(text).translate(_TAGS)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def is_harmless(text: str, most: int) -> bool:
    """Tell whether `text` may stand in the system prompt as it is."""
    return harmless(text, most) == text
