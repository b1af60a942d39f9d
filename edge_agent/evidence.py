"""Evidence: every passage that was ever shown to the model has a key, for good."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.events import ATTACHED, WEB, EvidenceAdded
from edge_agent.index import Passage


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A passage with its key and the name of the library that it came from.

    Where a tool told it, the name has a space in it, which that of no library has.
    """

    key: int
    library: str
    passage: Passage

    @property
    def is_of_a_document(self) -> bool:
        """Whether it stands in a document, a file or a page: what a tool told may be anything."""
        return " " not in self.library or self.library in (WEB, ATTACHED)

    @property
    def label(self) -> str:
        """What the model is told that it is about; of what no document says, its title alone."""
        return self.passage.label if self.is_of_a_document else self.passage.title


class Evidence:
    """The passages of a run by key: 1, 2, … in the order in which they were first shown."""

    def __init__(self) -> None:
        """Begin with none."""
        self._exhibits: list[Exhibit] = []
        self._keys: dict[tuple[str, str, str], int] = {}

    def __len__(self) -> int:
        return len(self._exhibits)

    def add(self, library: str, passage: Passage) -> Exhibit:
        """Return the exhibit of `passage`, made now if it was never shown."""
        identity = _identity(library, passage)
        if identity not in self._keys:
            exhibit = Exhibit(len(self._exhibits) + 1, library, passage)
            self._exhibits.append(exhibit)
            self._keys[identity] = exhibit.key
        return self._exhibits[self._keys[identity] - 1]

    def restore(self, exhibit: Exhibit) -> None:
        """Take back an exhibit with the key that it had; one that is here already changes nothing.

        Keys come back in their order.
        """
        identity = _identity(exhibit.library, exhibit.passage)
        if identity not in self._keys:
            self._exhibits.append(exhibit)
            self._keys[identity] = exhibit.key

    def get(self, key: int) -> Exhibit | None:
        """Return the exhibit with `key`, or None where no passage ever had that key."""
        return self._exhibits[key - 1] if 1 <= key <= len(self._exhibits) else None

    def since(self, count: int) -> tuple[Exhibit, ...]:
        """Return the exhibits that were added after there were `count` of them."""
        return tuple(self._exhibits[count:])


def _identity(library: str, passage: Passage) -> tuple[str, str, str]:
    """Return what a passage is known by: one whose text has changed meanwhile is another one."""
    return library, passage.id, passage.text


def added(step: int, exhibit: Exhibit) -> EvidenceAdded:
    """Return the event of an exhibit that was shown for the first time."""
    passage = exhibit.passage
    return EvidenceAdded(
        step=step,
        key=exhibit.key,
        passage=passage.id,
        document=passage.document,
        title=passage.title,
        source=passage.source,
        place=passage.place,
        text=passage.text,
        library=exhibit.library,
        headings=passage.headings,
        page=passage.page,
        line=passage.line,
        start=passage.start,
        end=passage.end,
    )


def exhibit_of(event: EvidenceAdded) -> Exhibit:
    """Return the exhibit that an event tells of."""
    passage = Passage(
        id=event.passage,
        document=event.document,
        title=event.title,
        source=event.source,
        headings=event.headings,
        page=event.page,
        line=event.line,
        start=event.start,
        end=event.end,
        text=event.text,
    )
    return Exhibit(event.key, event.library, passage)
