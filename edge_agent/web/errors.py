"""What can go wrong on the web; each message says what happened, to what."""

from __future__ import annotations

from edge_agent.tools import ToolError


class WebError(ToolError):
    """The search engine or a page cannot be used: one call fails, and the run goes on."""
