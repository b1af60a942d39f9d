"""Addresses of the web: how a text is told to be one."""

from __future__ import annotations


def is_web_address(text: str) -> bool:
    """Tell whether a text is an address of the web, whatever its case and the space around it."""
    return text.strip().lower().startswith(("http://", "https://"))
