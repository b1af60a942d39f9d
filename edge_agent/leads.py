"""Leads: what a chain of searches is about, and the names in it that were not yet looked up.

A small model that may quote and search for anything drifts: from a film to a namesake of its actor,
and on to an archduke. So it quotes what is on the topic, and searches for names that it read there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from edge_agent.events import Quote
from edge_agent.trajectory import Trajectory
from edge_agent.verification import content_words

_INNER = r"of|the|de|da|di|del|della|do|dos|du|des|la|le|el|al|bin|ibn|von|van|der|den|av|af"
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w'’.&-]*"
_NAME = re.compile(rf"{_CAPITAL}(?:(?: (?:{_INNER})){{0,2}} (?:{_CAPITAL}|\d{{1,3}}\b))*")
_DATE = re.compile(
    r"(?:(?:jan|febr)uary|march|april|may|june|july|august|(?:septem|octo|novem|decem)ber|\d+|\W)+",
    re.IGNORECASE,
)
_ADJECTIVE = re.compile(r"\w+(?:an|ish|ese|ch|ss|ek)")
_MOST = 12
"""Names among which a model chooses: more would only confuse it."""


def on_topic(quotable: Mapping[str, Quote], trajectory: Trajectory) -> tuple[str, ...]:
    """Return the lines that have to do with what was asked or looked up; all if none has."""
    topics = _topics(trajectory)
    lines = tuple(
        line
        for line, quote in quotable.items()
        if any(topic <= content_words(line) for topic in topics)
    )
    return lines or tuple(quotable)


def leads(text: str, trajectory: Trajectory) -> tuple[str, ...]:
    """Return the names in `text`, then those in the question, that are worth a search.

    Not those that are the title of a passage that was quoted, or that were searched for before. One
    that a search happened to show beside others has still to be looked up.
    """
    known = {content_words(title) for title in _titles(trajectory)}
    searched = [content_words(query) for query in _queries(trajectory)]
    found: dict[frozenset[str], str] = {}
    for name in (*names(text), *names(trajectory.started.question)):
        said = content_words(name)
        if said and said not in known and not any(said <= words for words in searched):
            found.setdefault(said, name)
    return tuple(found.values())[:_MOST]


def names(text: str) -> Iterator[str]:
    """Yield the runs of capitalised words in a sentence.

    Dates, adjectives (Italian, French) and a single word that only begins the sentence are left
    out.
    """
    for match in _NAME.finditer(text):
        name = re.sub(r"['’]s$", "", match[0]).rstrip(".'’-&")
        if len(name) < 2 or _DATE.fullmatch(name):
            continue
        before, after = text[: match.start()].rstrip(), text[match.end() :]
        single = " " not in name
        adjective = _ADJECTIVE.fullmatch(name) is not None and after[:2].strip(" ").islower()
        if not (single and (adjective or not before or before[-1] in ".?!")):
            yield name


def _topics(trajectory: Trajectory) -> list[frozenset[str]]:
    """Return the words of each name in the question, and of each that was searched for."""
    # A query begins with a name; a sentence that begins like it would hide it.
    texts = [trajectory.started.question, *(f"on {query}" for query in _queries(trajectory))]
    return [words for text in texts for name in names(text) if (words := content_words(name))]


def _queries(trajectory: Trajectory) -> list[str]:
    """Return what was searched for, but for the question itself."""
    queries = (" ".join(map(str, made.call.arguments.values())) for made in trajectory.remembered)
    return [query for query in queries if query != trajectory.started.question]


def _titles(trajectory: Trajectory) -> Iterator[str]:
    """Yield the titles of the passages that were quoted, and those without a part in brackets."""
    for quote in trajectory.quotes:
        exhibit = trajectory.evidence.get(quote.key)
        assert exhibit is not None
        title = exhibit.passage.title
        yield title
        yield re.sub(r"\s*\([^)]*\)$", "", title)
