"""Texts that are typed as arguments: what of them is no UTF-8 is replaced, as in a document."""

from __future__ import annotations

import click


class _Text(click.ParamType):
    """A text, not a path: bytes that are no UTF-8, which Python passes on as half characters."""

    name = "text"

    def convert(
        self, value: str, _param: click.Parameter | None, _ctx: click.Context | None
    ) -> str:
        """Return `value` with question marks in the place of what is none."""
        return value.encode("utf-8", "replace").decode("utf-8")


TEXT = _Text()
"""The type of arguments that are searched for, asked or told."""
