"""How a server is reached: as a program on this machine, or at an address."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from edge_agent.config import McpServer
from edge_agent.home import typed_path

_CONNECT_SECONDS = 30.0
_SILENT_SECONDS = 300.0
"""How long a stream may bring nothing. A call ends sooner, by itself, and leaves the session be."""
_LAST_BYTES = 2_000


class ServerLog:
    """What a program says on its standard error, which is nobody's terminal."""

    def __init__(self) -> None:
        """Make a file for it, which has no name and is gone with this object."""
        self.file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115

    def last_words(self) -> str:
        """Return the last line that the program has written."""
        descriptor = self.file.fileno()
        size = os.fstat(descriptor).st_size
        # Not by seeking: the program writes where the file stands.
        end = os.pread(descriptor, _LAST_BYTES, max(0, size - _LAST_BYTES))
        lines = [line for line in end.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def close(self) -> None:
        """Forget what was said."""
        self.file.close()


@asynccontextmanager
async def transport(server: McpServer, log: ServerLog) -> AsyncIterator[Any]:
    """Reach a server, and lend the streams to and from it.

    A program gets what is safe to know of the environment and what the settings give it, and is
    ended with all that it has started. Raises OSError where it cannot be started.
    """
    if server.url is None:
        async with stdio_client(_program(server), log.file) as streams:
            yield streams
        return
    silent = max(_SILENT_SECONDS, 2 * server.timeout)
    patience = httpx2.Timeout(_CONNECT_SECONDS, read=silent)
    async with (
        # No proxy: what is said to a server is for that one alone.
        httpx2.AsyncClient(headers=dict(server.headers), timeout=patience, trust_env=False) as http,
        streamable_http_client(server.url, http_client=http) as streams,
    ):
        yield streams


def _program(server: McpServer) -> StdioServerParameters:
    assert server.command is not None
    return StdioServerParameters(
        command=_expanded(server.command),
        args=list(server.args),
        env=dict(server.env),
        cwd=None if server.cwd is None else _expanded(server.cwd),
        encoding_error_handler="replace",
    )


def _expanded(path: str) -> str:
    return str(typed_path(path)) if path.startswith("~") else path
