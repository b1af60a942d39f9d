"""A reply as a chat server streams it: what is said, what is only thought, and what it cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import ServerError

_THOUGHTS_APART = ("reasoning_content", "reasoning")
"""Where servers put thoughts that they tell from the text."""
_THOUGHTS = re.compile(r"\A.*</think>|<think>.*\Z", re.DOTALL)
"""A chat format may have begun them already."""


@dataclass(frozen=True, slots=True)
class ReplyUsage:
    """Tokens of one reply, as the server counted them; None where it did not say."""

    prompt: int | None = None
    cached: int = 0
    generated: int | None = None


class OnlyThought(ServerError):
    """A model thought until its tokens ended, and has said nothing."""


class ChatReply:
    """One reply, heard chunk by chunk."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.usage = ReplyUsage()
        self._text = ""
        self._has_thoughts_apart = False
        self._is_cut_off = False

    def heard(self, chunk: Any) -> Iterator[str]:
        """Yield the text of a chunk, and note what else it brings.

        Raises TypeError or AttributeError for what is no chunk.
        """
        usage = chunk.get("usage")
        if usage:
            details = usage.get("prompt_tokens_details") or {}
            self.usage = ReplyUsage(
                usage.get("prompt_tokens"),
                details.get("cached_tokens") or 0,
                usage.get("completion_tokens"),
            )
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta", {})
            self._has_thoughts_apart |= any(delta.get(name) for name in _THOUGHTS_APART)
            self._is_cut_off |= choice.get("finish_reason") == "length"
            text = delta.get("content")
            if text:
                self._text += text
                yield text

    @property
    def is_unspoken(self) -> bool:
        """Whether the tokens ended before anything but thoughts came."""
        has_thoughts = self._has_thoughts_apart or bool(self._text.strip())
        return self._is_cut_off and has_thoughts and not without_thoughts(self._text).strip()


def without_thoughts(text: str) -> str:
    """Return what a model says, less what it thinks before it."""
    return _THOUGHTS.sub("", text)
