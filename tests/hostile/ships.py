"""Ships whose documents hold injections, and a model that quotes whatever they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from injections import INJECTIONS
from word_session import WordSession

from edge_agent.models import Choose, Force, Sample
from edge_agent.turns import HAVE_ENOUGH, MISSING, NOTHING_HELPS

NAMES = {name: f"Zq{number:03}" for number, name in enumerate(INJECTIONS, start=1)}
"""For each injection the name of the ship whose document holds it, in no other name."""
PLAIN = "Zq000"
"""The ship whose document holds none."""


def record(ship: str, hostile: str) -> dict[str, str]:
    """Return a document with a text in its title, at its beginning, in its middle and its end."""
    return {
        "id": f"{ship} {hostile[:200]}",
        "title": f"{ship} {hostile[:200]}",
        "text": (
            f"{hostile}\n\nThe {ship} was designed by Colin Archer, {hostile} who built her. "
            f"The designer of the {ship} was born in Larvik. {ship} {hostile}"
        ),
    }


@dataclass
class Quoting(WordSession):
    """Quotes what a ship's document says, searches once more for the ship, and is content."""

    ship: str = ""
    turns: int = 0
    offered: list[str] = field(default_factory=list)

    def write(self, step: Force | Choose | Sample, seed: int) -> str:
        if isinstance(step, Force):
            return step.text
        if isinstance(step, Sample):
            if "}" in step.stop:
                return "Larvik}"
            return f" {self.ship} birthplace\n"
        return self._choose(step.options)

    def _choose(self, options: Sequence[str]) -> str:
        lines = [line for line in options if self.ship in line and line.endswith("]\n")]
        self.offered += lines
        if MISSING in options:  # one line was quoted in this turn: others are left for the next
            self.turns += 1
            return MISSING if self.turns == 1 or HAVE_ENOUGH not in options else HAVE_ENOUGH
        if lines:
            return lines[-1]
        return next((o for o in options if o == NOTHING_HELPS or ">search<" in o), options[0])
