"""Searching in tests: what is found, by title."""

from __future__ import annotations

from edge_agent.index import Library


def titles(library: Library, query: str) -> list[str]:
    """Return the titles of the passages that a query finds, best first."""
    return [hit.passage.title for hit in library.search(query)]
