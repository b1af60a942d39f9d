"""Sizes as people read them."""

from __future__ import annotations


def megabytes(count: int) -> str:
    """Return bytes in whole megabytes of a million, as hubs and shops count them."""
    return f"{count / 1e6:,.0f}"
