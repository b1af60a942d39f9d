"""FRAMES: `Prompt`, `Answer`, `reasoning_types`; `wiki_links` are articles with the evidence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets.format import Format, Record, has, text_of

_LINK = re.compile(r"https?://(?:[^\s'\"\[\]<>]|'(?=\w))+")
"""An apostrophe within a word is no quotation mark."""
_JOINT = re.compile(r",\s*(?=https?://)")
"""Between links that are joined by commas; a title may have one as well."""
_ARTICLE = re.compile(r"\s*https?://[^/?#]+/wiki/([^?#\s]*[^?#\s,])")


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
    for link in _links(record.get("wiki_links") or ""):
        for each in _JOINT.split(str(link)):
            found = _ARTICLE.match(each)
            if found:
                yield unquote(found[1]).replace("_", " ")


def _links(given: object) -> Iterable[object]:
    """Return links from a list, one that is written in Python, or else wherever a text has some."""
    if isinstance(given, list):
        return given
    try:
        written = ast.literal_eval(str(given))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        written = None
    return written if isinstance(written, list) else _LINK.findall(str(given))


FORMAT = Format("frames", _recognises, _read)
