"""Evidence: every passage that was ever shown to the model has a key, for good."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.index import Passage


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A passage with its key and the name of the library that it came from."""

    key: int
    library: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence that the model picked out of what it was shown, word for word."""

    key: int
    sentence: str


class Evidence:
    """The passages of a run by key: 1, 2, … in the order in which they were first shown."""

    def __init__(self) -> None:
        """Begin with none."""
        self._exhibits: list[Exhibit] = []
        self._keys: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._exhibits)

    def add(self, library: str, passage: Passage) -> Exhibit:
        """Return the exhibit of `passage`, made now if it was never shown."""
        identity = (library, passage.id)
        if identity not in self._keys:
            exhibit = Exhibit(len(self._exhibits) + 1, library, passage)
            self._exhibits.append(exhibit)
            self._keys[identity] = exhibit.key
        return self._exhibits[self._keys[identity] - 1]

    def get(self, key: int) -> Exhibit | None:
        """Return the exhibit with `key`, or None where no passage ever had that key."""
        return self._exhibits[key - 1] if 1 <= key <= len(self._exhibits) else None

    def since(self, count: int) -> tuple[Exhibit, ...]:
        """Return the exhibits that were added after there were `count` of them."""
        return tuple(self._exhibits[count:])
