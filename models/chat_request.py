"""What a chat server is asked: OpenAI's own settings, and extras that other servers know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .decoding import Sampling

_WITHOUT_THOUGHTS: Mapping[str, Any] = {
    "chat_template_kwargs": {"enable_thinking": False},  # llama.cpp, vLLM, SGLang
    "reasoning_effort": "none",  # Ollama
}
_SELDOM_TAKEN = ("reasoning_effort",)
"""Many servers know the setting, and not this value of it."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for the next message of a chat."""

    messages: list[Mapping[str, str]]
    """Each with its `role` and `content`."""
    max_tokens: int
    sampling: Sampling
    seed: int
    grammar: str | None = None
    """GBNF that the message has to follow, where the server minds it."""
    thinks: bool = False
    """Whether the model may think before it speaks."""

    @property
    def body(self) -> dict[str, Any]:
        """What every server knows; the name of the model has to be added."""
        return {
            "messages": self.messages,
            "max_tokens": self.max_tokens,
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "seed": self.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    @property
    def extras(self) -> dict[str, Any]:
        """The settings that many servers know and OpenAI does not."""
        sampling = self.sampling
        extras: dict[str, Any] = {} if self.thinks else {**_WITHOUT_THOUGHTS}
        if sampling.top_k > 0:
            extras["top_k"] = sampling.top_k
        if sampling.min_p > 0:
            extras["min_p"] = sampling.min_p
        if sampling.repetition_penalty != 1.0:
            penalty = sampling.repetition_penalty
            # The first is llama.cpp's and Ollama's name for it, the second vLLM's.
            extras["repeat_penalty"] = extras["repetition_penalty"] = penalty
        if sampling.dry_multiplier > 0:
            extras["dry_multiplier"] = sampling.dry_multiplier
            extras["dry_base"] = sampling.dry_base
            extras["dry_allowed_length"] = sampling.dry_allowed_length
        if self.grammar is not None:
            extras["grammar"] = self.grammar
        return extras


def fewer(extras: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extras that more servers take; none where those are all."""
    usual = {name: value for name, value in extras.items() if name not in _SELDOM_TAKEN}
    return usual if len(usual) < len(extras) else {}
