"""The terminal interface in a browser: a page for each who has the token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edge_agent.installation import require_extra
from edge_agent.serving.place import ServingError, listener
from edge_agent.serving.running import run

from .endpoint import BrowserEndpoint

if TYPE_CHECKING:
    from aiohttp.web import Application


def serve(command: Sequence[str], endpoint: BrowserEndpoint, say: Callable[[str], None]) -> None:
    """Serve the Textual app that `command` starts, one process a page, until Ctrl-C or SIGTERM.

    `say` gets the address to open, token included, once it can be opened. Raises ServingError.
    """
    application = _application(command, endpoint)
    run(application, listener(endpoint), lambda port: say(endpoint.address(port)))


def _application(command: Sequence[str], endpoint: BrowserEndpoint) -> Application:
    """Return the web application. Raises ServingError where the extra is not installed."""
    require_extra("serve", "To be shown in a browser the interface needs", ServingError)
    from .site import Site

    return Site(command, endpoint).application()
