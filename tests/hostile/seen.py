"""Hostile texts where they are kept and shown: stored runs, names of files, and a check."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from injections import CONTROL, MARKUP, ORDERS, PROTOCOL, TERMINAL

from edge_agent.events import Event, from_record

RECORDED = Path(__file__).parent.parent / "tui" / "recorded_run.json"
GROUPS = {
    "protocol": PROTOCOL,
    "control": CONTROL,
    "orders": ORDERS,
    "terminal": TERMINAL,
    "markup": MARKUP,
}
_OURS = ("run", "status", "kind", "origin", "parent", "profile_source", "model_source", "libraries")
"""Fields whose texts the program gives itself."""


def raw(text: str) -> set[str]:
    """Return the characters of an output that steer a terminal, hide, or turn its direction."""
    found = set()
    for before, character in zip(f"\n{text}", text, strict=False):
        category = unicodedata.category(character)
        joins = (
            character in "\u200c\u200d" and not before.isascii() and before not in "\u200c\u200d"
        )
        if (
            category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
            and character not in "\n\t"
            and not joins
        ):
            found.add(hex(ord(character)))
        if 0xE0100 <= ord(character) <= 0xE01EF and 0xE0100 <= ord(before) <= 0xE01EF:
            found.add("a row of selectors")
    return found


def hostile_run(text: str, run: str) -> list[Event]:
    """Return a run that has happened, in which everything that was said is `text`."""
    events = map(from_record, json.loads(RECORDED.read_text())["events"])
    return [_filled(event, text, run) for event in events]


def _filled(value: Any, text: str, run: str) -> Any:
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(_filled(each, text, run) for each in value)
    if isinstance(value, dict):
        return {name: _filled(each, text, run) for name, each in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    named = {
        field.name: _filled(getattr(value, field.name), text, run)
        for field in dataclasses.fields(value)
        if field.name not in _OURS
    }
    if hasattr(value, "passage"):  # by which evidence is told apart
        named["passage"] = f"{value.passage} {text}"
    if hasattr(value, "run"):
        named["run"] = run
    return dataclasses.replace(value, **named)  # type: ignore[type-var]


def file_name(text: str) -> str:
    """Return as much of a text as the name of a file can hold."""
    name = text.replace("/", "∕").replace("\0", "").encode("utf-8", "surrogateescape")[:120]
    return name.decode("utf-8", "ignore")


def together(texts: Sequence[str]) -> str:
    """Return texts as one, with the longest cut: a terminal is filled by less."""
    return "\n".join(text[:2_000] for text in texts)
