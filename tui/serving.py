"""The terminal interface in a browser: who may see it, and where it listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.installation import require_extra
from edge_agent.serving.place import Place, ServingError, listener
from edge_agent.serving.running import run

if TYPE_CHECKING:
    from aiohttp.web import Application


@dataclass(frozen=True, slots=True)
class Serving(Place):
    """Where the interface is served, to whom, and to how many at once."""

    sessions: int = 4
    """Browser pages at once. Each is a process of its own, with a model in memory."""

    def __post_init__(self) -> None:
        """Raise ServingError for what cannot be served."""
        Place.__post_init__(self)  # a class with slots is made twice, and `super` finds the first
        if self.sessions < 1:
            raise ServingError("At least one session must be allowed.")

    def address(self, port: int) -> str:
        """Return what to open in a browser when the interface listens on `port`."""
        return f"{self.root(port)}/?token={self.token}"


def serve(command: Sequence[str], serving: Serving, say: Callable[[str], None]) -> None:
    """Serve the Textual app that `command` starts, one process a page, until Ctrl-C or SIGTERM.

    `say` gets the address to open, token included, once it can be opened. Raises ServingError.
    """
    application = _application(command, serving)
    run(application, listener(serving), lambda port: say(serving.address(port)))


def _application(command: Sequence[str], serving: Serving) -> Application:
    """Return the web application. Raises ServingError where the extra is not installed."""
    require_extra("serve", "To be shown in a browser the interface needs", ServingError)
    from .site import Site

    return Site(command, serving).application()
