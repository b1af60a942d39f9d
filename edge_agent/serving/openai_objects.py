"""What OpenAI-compatible clients get: models, completions, and the chunks of a streamed one."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from edge_agent.events import RunFinished, TokenCounts

from .telling import answer_in_markdown

EXTRA_FIELD = "miro_edge"
"""Where the answer stands as `ask --json` prints it, in the message or in the last delta."""

DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still at it\n\n"
"""A comment, which clients pass over."""


def model_list(models: Iterable[str]) -> dict[str, Any]:
    """Return all models."""
    return {"object": "list", "data": [model_object(each) for each in models]}


def model_object(model: str) -> dict[str, Any]:
    """Return one model."""
    return {"id": model, "object": "model", "created": 0, "owned_by": "miro-edge"}


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion that is being written."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, finished: RunFinished, record: dict[str, Any]) -> dict[str, Any]:
        """Return the completion in one piece."""
        message = {
            "role": "assistant",
            "content": answer_in_markdown(finished),
            "refusal": None,
            EXTRA_FIELD: record,
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": _usage(finished.tokens),
        }

    def begun(self) -> bytes:
        """Return the chunk that comes first."""
        return self._delta({"role": "assistant", "content": ""})

    def thought(self, line: str) -> bytes:
        """Return a chunk that says how far the work is."""
        return self._delta({"reasoning_content": f"{line}\n"})

    def answered(self, finished: RunFinished, record: dict[str, Any]) -> bytes:
        """Return the chunks of the answer."""
        delta = {"content": answer_in_markdown(finished), EXTRA_FIELD: record}
        return self._delta(delta) + self._delta({}, "stop")

    def cost(self, finished: RunFinished) -> bytes:
        """Return the chunk with the tokens that it cost."""
        head = self._head("chat.completion.chunk")
        return event({**head, "choices": [], "usage": _usage(finished.tokens)})

    def _delta(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def event(value: dict[str, Any]) -> bytes:
    """Return an object as a server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _usage(tokens: TokenCounts) -> dict[str, int]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.generated,
        "total_tokens": tokens.prompt + tokens.generated,
    }
