"""FRAMES: `Prompt`, `Answer`, `reasoning_types`; `wiki_links` are articles with the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, has, text_of

_LINK = re.compile(r"https?://[^\s'\"\[\]<>]+")
_ARTICLES = "/wiki/"


def _recognises(record: Record) -> bool:
    return has(record, "Prompt", "Answer")


def _read(record: Record, number: int) -> Question:
    titles = frozenset(_titles(record))
    return Question(
        id=str(number),
        text=text_of(record, "Prompt"),
        answers=(text_of(record, "Answer"),),
        gold=titles,
        gold_by="title",
        type=str(record.get("reasoning_types") or ""),
        hops=len(titles) or None,
    )


def _titles(record: Record) -> Iterator[str]:
    """Yield the titles of the articles that are linked to."""
    for found in _LINK.findall(str(record.get("wiki_links") or "")):
        path = urlsplit(found.rstrip(",")).path
        if path.startswith(_ARTICLES):
            yield unquote(path.removeprefix(_ARTICLES)).replace("_", " ")


FORMAT = Format("frames", _recognises, _read)
