"""What can go wrong on the web; each message says what happened, to what."""

from __future__ import annotations

from edge_agent.index import Unreachable


class WebError(Unreachable):
    """The search engine or a page cannot be used: one call fails, and the run goes on."""
