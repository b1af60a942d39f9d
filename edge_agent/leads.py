"""Leads: what a chain of searches is about, and the names in it that were not yet looked up.

A small model that may quote and search for anything drifts: from a film to a namesake of its actor,
and on to an archduke. So it quotes what is on the topic, and searches for names that it read there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from edge_agent.checking.names import names
from edge_agent.checking.wording import content_words
from edge_agent.events import Quote
from edge_agent.evidence import Exhibit
from edge_agent.trajectory import Trajectory

_MOST = 12
"""Names among which a model chooses: more would only confuse it."""


def on_topic(quotable: Mapping[str, Quote], trajectory: Trajectory) -> tuple[str, ...]:
    """Return the lines that have to do with what was looked up last; failing that, with whatever
    was asked or looked up; all if none has.
    """
    queries = _queries(trajectory)
    return (
        _lines_about(_subjects(queries[-1:]), quotable)
        or _lines_about(_topics([*queries, trajectory.started.question]), quotable)
        or tuple(quotable)
    )


def leads(text: str, written: Sequence[Quote], trajectory: Trajectory) -> tuple[str, ...]:
    """Return the names that are worth a search: those in `text`, which was just written, and those
    in the question; where there are none, those in all that was quoted, the latest first.

    A name is worth one where no passage with that title was quoted, in the turn being `written` or
    before, and it was not searched for before. One that a search only happened to show is a lead.
    """
    quotes = [*trajectory.quotes, *written]
    passages = [_exhibit(each, trajectory).passage for each in reversed(quotes)]
    known = {content_words(title) for passage in passages for title in _titles(passage.title)}
    searched = _subjects(_queries(trajectory))

    def unknown(*texts: str) -> tuple[str, ...]:
        found: dict[frozenset[str], str] = {}
        for name in (name for each in texts for name in names(each)):
            said = content_words(name)
            if said and said not in known and not any(said <= words for words in searched):
                found.setdefault(said, name)
        return tuple(found.values())[:_MOST]

    near = unknown(text, trajectory.started.question)
    return near or unknown(*(passage.text for passage in passages))


def _lines_about(topics: list[frozenset[str]], quotable: Mapping[str, Quote]) -> tuple[str, ...]:
    """Return the lines in which all words of one of the topics are."""
    return tuple(line for line in quotable if any(topic <= content_words(line) for topic in topics))


def _topics(texts: Sequence[str]) -> list[frozenset[str]]:
    """Return the words of each name in some queries or questions."""
    # A query begins with a name; a sentence that begins like it would hide it.
    said = (name for text in texts for name in names(f"on {text}"))
    return [words for name in said if (words := content_words(name))]


def _subjects(queries: Sequence[str]) -> list[frozenset[str]]:
    """Return the words of the first name in each query.

    A small model writes half a sentence into a query; what it begins with is what it looks for.
    """
    return [topics[0] for query in queries if (topics := _topics([query]))]


def _queries(trajectory: Trajectory) -> list[str]:
    """Return what was searched for, but for the question itself."""
    queries = (" ".join(map(str, made.call.arguments.values())) for made in trajectory.remembered)
    return [query for query in queries if query != trajectory.started.question]


def _titles(title: str) -> tuple[str, str]:
    """Return a title, and what is left of it without a part in brackets."""
    return title, re.sub(r"\s*\([^)]*\)$", "", title)


def _exhibit(quote: Quote, trajectory: Trajectory) -> Exhibit:
    exhibit = trajectory.evidence.get(quote.key)
    assert exhibit is not None
    return exhibit
