"""A server's session, kept for all calls of a run: begun, called, and begun again if it ends.

The `mcp` package is asynchronous: what it does runs in one event loop, in a thread of its own.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, MCPError
from mcp.types import CONNECTION_CLOSED, CallToolResult, Implementation

from edge_agent.config import McpServer
from edge_agent.errors import ToolboxError
from edge_agent.tools import ToolError

from .offers import Listed
from .transports import ServerLog, transport
from .untrusted import harmless

_Outcome = TypeVar("_Outcome")

_MOST_STARTS = 4
"""How often a server is started, at most, before it carries out a call: one that always dies
costs calls, not more."""
_MOST_PAGES = 20
"""Pages of a list of tools that are asked for; a list that never ends is cut off."""
_PROBE_SECONDS = 5.0
"""How long a server that has failed a call may take to show that it is there."""
_FAREWELL_SECONDS = 5.0
"""How long a session may take to end by itself."""
_GLANCE_SECONDS = 0.1
"""How often it is looked whether the run was stopped."""
_MOST_EXPLAINED = 300

logging.getLogger("mcp").addHandler(logging.NullHandler())  # what it logs would be printed
logging.getLogger("mcp").propagate = False


class _Late(Exception):
    """What was waited for did not come in time."""


class _Stopped(Exception):
    """The run was stopped meanwhile."""


@dataclass(frozen=True, slots=True)
class _Session:
    """A session that goes on until `ended` is set, in a task of its own."""

    client: Client
    ended: anyio.Event


@contextmanager
def connected(
    servers: Mapping[str, McpServer],
) -> Iterator[dict[str, Connection]]:
    """Start servers beside each other, and lend them; at the end they are gone.

    Raises ToolboxError for one that cannot be started.
    """
    with start_blocking_portal(name="mcp") as portal:
        connections = {name: Connection(name, each, portal) for name, each in servers.items()}
        try:
            for connection in connections.values():
                connection.begin()
            for connection in connections.values():
                connection.wait_for_beginning()
            yield connections
        finally:
            _end(connections.values())


def _end(connections: Collection[Connection]) -> None:
    """End sessions beside each other; what has not ended in time is cancelled."""
    for connection in connections:
        connection.bid_farewell()
    until = time.monotonic() + _FAREWELL_SECONDS
    for connection in connections:
        connection.close(max(0.0, until - time.monotonic()))
        connection.forget()


class Connection:
    """The one session with a server that a run has at a time."""

    def __init__(self, name: str, server: McpServer, portal: BlockingPortal) -> None:
        """Know the server; nothing is started yet."""
        self._name = name
        self._server = server
        self._portal = portal
        self._log = ServerLog()
        self._starts = 0
        self._task: Future[None] | None = None
        self._beginning: Future[_Session] = Future()
        self._doubtful = False

    def begin(self) -> None:
        """Start the server, and do not wait for it."""
        self._starts += 1
        self._doubtful = False
        self._log.close()
        self._log = ServerLog()
        self._beginning = Future()
        self._task = self._portal.start_task_soon(self._live, self._beginning)

    def wait_for_beginning(self) -> None:
        """Wait until the server is ready. Raises ToolboxError."""
        try:
            self._session(lambda: False)
        except Exception as error:
            raise ToolboxError(
                f"The MCP server '{self._name}' cannot be used: {self._explained(error)}. "
                f"Check its table, [mcp.{self._name}], in the settings: miro-edge config"
            ) from error

    def listed(self) -> tuple[Listed, ...]:
        """Return the tools that the server lists now. Raises ToolboxError."""
        try:
            client = self._session(lambda: False).client
            return self._awaited(self._server.timeout, lambda: False, _listed, client)
        except Exception as error:
            raise ToolboxError(
                f"The MCP server '{self._name}' does not list its tools: {self._explained(error)}."
            ) from error

    def call(
        self, tool: str, arguments: Mapping[str, Any], stopped: Callable[[], object]
    ) -> CallToolResult:
        """Have the server carry out a call. Raises ToolError where it does not answer.

        After a call that failed the server is asked whether it is still there, and begun again if
        it is not, but not for ever.
        """
        try:
            self._look_after(stopped)
            client = self._session(stopped).client
            # Half a character cannot be sent.
            text = json.dumps(dict(arguments), ensure_ascii=False).encode("utf-8", "replace")
            answer = self._awaited(
                self._server.timeout, stopped, client.call_tool, tool, json.loads(text)
            )
            self._starts = 1
            return answer
        except ToolError:
            raise
        except Exception as error:
            self._doubtful = True
            raise ToolError(self._explained(error)) from error

    def bid_farewell(self) -> None:
        """Ask the session to end, and do not wait for it."""
        if self._beginning.done() and self._beginning.exception() is None:
            self._portal.start_task_soon(self._beginning.result().ended.set)
        elif self._task is not None:
            self._task.cancel()

    def close(self, seconds: float) -> None:
        """End the session, by force if it takes longer than that."""
        if self._task is not None:
            wait([self._task], seconds)
            self._task.cancel()
            self._task = None

    def forget(self) -> None:
        """Let go of what the server has said."""
        self._log.close()

    def _look_after(self, stopped: Callable[[], object]) -> None:
        """Begin the session again where the last call failed and the server is gone."""
        if self._doubtful and self._task is not None:
            try:
                client = self._session(stopped).client
                patience = min(_PROBE_SECONDS, self._server.timeout)
                self._awaited(patience, stopped, _probe, client)
                self._doubtful = False
            except _Stopped:
                raise
            except Exception:
                self.bid_farewell()
                self.close(0.0)
        if self._task is None:
            if self._starts >= _MOST_STARTS:
                raise ToolError(
                    f"the server '{self._name}' has failed too often, and is not started again"
                )
            self.begin()

    def _session(self, stopped: Callable[[], object]) -> _Session:
        """Return the session, when it has begun."""
        assert self._task is not None
        self._wait((self._beginning, self._task), self._server.timeout, stopped)
        if self._beginning.done():
            return self._beginning.result()
        self._task.result()  # raises what has ended it
        raise ConnectionError("it ended at once")

    def _awaited(
        self,
        seconds: float,
        stopped: Callable[[], object],
        function: Callable[..., Awaitable[_Outcome]],
        *arguments: Any,
    ) -> _Outcome:
        """Return what an asynchronous function returns; cancel it if nobody waits any longer."""
        assert self._task is not None
        future = self._portal.start_task_soon(function, *arguments)
        try:
            self._wait((future, self._task), seconds, stopped)
            if future.done():
                return future.result()
            raise ConnectionError("it has ended")
        finally:
            future.cancel()

    def _wait(
        self, futures: tuple[Future[Any], ...], seconds: float, stopped: Callable[[], object]
    ) -> None:
        """Wait until one of some futures is done. Raises _Late and _Stopped."""
        until = time.monotonic() + seconds
        while not wait(futures, _GLANCE_SECONDS, FIRST_COMPLETED).done:
            if stopped():
                raise _Stopped
            if time.monotonic() >= until:
                raise _Late

    async def _live(self, beginning: Future[_Session]) -> None:
        """Have a session with the server until it is told to end."""
        itself = Implementation(name="miro-edge", version=version("miro-edge"))
        reached = transport(self._server, self._log)
        async with Client(reached, cache=None, client_info=itself) as client:
            ended = anyio.Event()
            beginning.set_result(_Session(client, ended))
            await ended.wait()

    def _explained(self, error: BaseException) -> str:
        """Return what went wrong, as a clause in one line, with the server's last words."""
        while isinstance(getattr(error, "exceptions", None), tuple):  # a group of them
            error = error.exceptions[0]  # type: ignore[attr-defined]
        if isinstance(error, _Late):
            said = f"'{self._name}' has not answered within {self._server.timeout:g} seconds"
        elif isinstance(error, _Stopped):
            said = f"the run was stopped before '{self._name}' answered"
        elif isinstance(error, FileNotFoundError):
            said = f"there is no {error.filename or 'such program'}"
        elif isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
            said = f"'{self._name}' has ended the connection"
            last = harmless(self._log.last_words(), _MOST_EXPLAINED).rstrip(".")
            said += f"; its last words were: {last}" if last else ""
        else:
            said = harmless(str(error) or type(error).__name__, _MOST_EXPLAINED).rstrip(".")
        return said


async def _listed(client: Client) -> tuple[Listed, ...]:
    """Return the tools of a server, page by page."""
    found: list[Listed] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += [
            Listed(each.name, each.description or "", each.input_schema) for each in page.tools
        ]
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(found)


async def _probe(client: Client) -> None:
    """See whether a server answers at all."""
    await client.list_tools()
