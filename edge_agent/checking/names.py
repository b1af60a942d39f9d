"""Names: the runs of capitalised words in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edge_agent.index import MONTHS, SMALL

_INNER = r"of|the|de|da|di|del|della|do|dos|du|des|la|le|el|al|bin|ibn|von|van|der|den|av|af"
CAPITAL = rf"[^\W\d_{SMALL}]"
"""A capital, or a letter of a script without such."""
_SHORT = rf"(?:{CAPITAL}|St|Mt|Ft|Dr|Mr|Mrs|Ms|Jr|Sr|Prof|Rev|Gen|Col|Capt|Lt)"
"""What has a dot after it without being the end of a sentence."""
_CAPITALISED = rf"(?:(?:\b{_SHORT}\.)+|{CAPITAL}[\w'’&-]*(?:\.[\w'’&-]+)*)"
_MONTHS = "|".join(MONTHS)
_NUMBER = rf"\d{{1,3}}\b(?! (?:{_MONTHS}))"
_NAME = re.compile(rf"{_CAPITALISED}(?:(?: (?:{_INNER})){{0,2}} (?:{_CAPITALISED}|{_NUMBER}))*")
_DATE = re.compile(rf"(?:{_MONTHS}|\d|\W)+", re.IGNORECASE)
_ADJECTIVE = re.compile(r"\w+(?:an|ish|ese|ch|ss|ek)")
_BEFORE_NAMES = frozenset(
    "after although as before both during following however in only since the then though through "
    "under until when where while with captain chancellor dr emperor engineer general king lady "
    "lord mr mrs ms pope president prince princess professor queen saint sir".split()
)
"""Words that stand before a name, with a capital, and are no part of it, or need not be."""


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


def forms(name: str) -> tuple[str, ...]:
    """Return a name, and what it is without a word that may come before names."""
    first, _, rest = name.partition(" ")
    return (name, rest) if rest and first.lower() in _BEFORE_NAMES else (name,)
