"""Libraries for a command: opened by name or path, with progress while one is indexed."""

from __future__ import annotations

from edge_agent.home import Home
from edge_agent.index import Collection, Shelf
