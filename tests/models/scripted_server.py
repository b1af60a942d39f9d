"""A chat server that does what a test tells it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is none, and for how long the server asks to be left alone."""

    status: int
    message: str
    retry_after: str = "0"


class ScriptedServer(ThreadingHTTPServer):
    """Answers chat requests with what `answer` returns for their body, in two pieces."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answer: Callable[[dict[str, Any]], str] = lambda body: "Paris."
        self.listed: Callable[[], list[str]] = lambda: ["first", "second"]
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.refuse: Callable[[dict[str, Any]], Refusal | None] = lambda body: None
        self.breaks_off = False
        self.raw: bytes | None = None
        self.usage: dict[str, Any] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


def streamed(
    *deltas: dict[str, Any], ended: str = "stop", usage: dict[str, Any] | None = None
) -> bytes:
    """Return a reply that comes in these pieces, and how it ended."""
    *begun, last = [{"delta": delta, "finish_reason": None} for delta in deltas]
    chunks: list[dict[str, Any]] = [
        {"choices": [choice]} for choice in [*begun, {**last, "finish_reason": ended}]
    ]
    if usage:
        chunks.append({"choices": [], "usage": usage})
    events = [*map(json.dumps, chunks), "[DONE]"]
    return "".join(f"data: {event}\n\n" for event in events).encode()


class _Answer(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_GET(self) -> None:
        self.server.keys.append(self.headers.get("Authorization"))
        models = [{"id": name} for name in self.server.listed()]
        self._send(json.dumps({"data": models}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        refusal = self.server.refuse(body)
        if refusal is not None:
            self._refuse(refusal)
        elif self.server.raw is not None:
            self._send(self.server.raw, "text/event-stream")
        else:
            self._stream(self.server.answer(body))

    def _stream(self, text: str) -> None:
        half = len(text) // 2
        content = streamed(
            {"content": text[:half]}, {"content": text[half:]}, usage=self.server.usage
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.server.breaks_off else content)
        self.close_connection = True

    def _refuse(self, refusal: Refusal) -> None:
        content = json.dumps({"error": {"message": refusal.message}}).encode()
        self.send_response(refusal.status)
        self.send_header("Retry-After", refusal.retry_after)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send(self, content: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
