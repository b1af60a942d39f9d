"""What the tests of this folder share: a small model file, and a server that fails when told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
from serving import running
from tiny_models import written


@pytest.fixture(scope="session")
def small_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF of a few kilobytes: header, a vocabulary of three, one tensor."""
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_name("Small")
    writer.add_context_length(512)
    writer.add_block_count(2)
    writer.add_head_count([4, 4])
    writer.add_head_count_kv([1, 2])
    writer.add_embedding_length(64)
    writer.add_token_list(["a", "b", "c"])
    writer.add_array("test.bytes", [1, 2, 3])
    writer.add_tensor("token_embd.weight", np.ones((3, 64), dtype=np.float32))
    return written(writer, path)


class FileServer(ThreadingHTTPServer):
    """Gives the same bytes at every address, all or a range of them; can break off, once."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content = b""
        self.headers: dict[str, str] = {}
        self.break_after: int | None = None
        self.asked: list[tuple[str, str | None]] = []
        """Method and range of every request."""
        self.was_asked = threading.Event()
        self.stall: threading.Event | None = None
        """If given, nothing is answered before it is set."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away: tests send them away."""


class _Answer(BaseHTTPRequestHandler):
    server: FileServer

    def do_HEAD(self) -> None:
        self._begin(0)

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        self._begin(start)
        end, self.server.break_after = self.server.break_after, None
        self.wfile.write(self.server.content[start:end])
        self.close_connection = True

    def _begin(self, start: int) -> None:
        self.server.asked.append((self.command, self.headers.get("Range")))
        self.server.was_asked.set()
        if self.server.stall is not None:
            self.server.stall.wait()
        length = len(self.server.content)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(length - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{length - 1}/{length}")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A running server on this machine; `server_port` says where."""
    with running(FileServer()) as server:
        yield server
