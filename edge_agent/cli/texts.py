"""Texts that are typed as arguments: what of them is no UTF-8 is replaced, as in a document."""

from __future__ import annotations


def any_text(typed: str) -> str:
    """Return what was typed, with question marks for bytes that are no UTF-8.

    It is the type of arguments that are asked, searched for or told. Paths stay as they are.
    """
    return typed.encode("utf-8", "replace").decode("utf-8")
