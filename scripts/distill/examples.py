"""What the programs hand on to each other: examples, one JSON line each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["gathering", "reading"]


@dataclass(frozen=True, slots=True)
class Example:
    """A window to learn from: its tokens, and the positions of those that are learned."""

    set: str
    question: str
    """The id of the question that it is about."""
    kind: Kind
    variant: str
    """How it came about: which lesson, or which round of the student's own runs."""
    held: bool
    """Whether it is kept back: to be looked at while training, never learned."""
    tokens: tuple[int, ...]
    decided: tuple[int, ...]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Example:
        """Return the example of a JSON record."""
        return cls(**record | {key: tuple(record[key]) for key in ("tokens", "decided")})


class Shelf:
    """A file of records in groups: a group is written as a whole, and found again after a stop."""

    def __init__(self, path: Path, mark: str) -> None:
        """Open the file at `path`, or begin one; a line that was cut off is dropped.

        `mark` is of all that examples are made with. Raises SystemExit where those of the file were
        made otherwise.
        """
        self.path = path
        self._mark = mark
        self.done: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    whole += len(line)
                    self.done.add(self._known(json.loads(line)))
            with path.open("rb+") as file:
                file.truncate(whole)

    def add(self, group: str, examples: list[Example], **told: object) -> None:
        """Write the examples of a group, which may be none, and what is `told` of them."""
        made = [asdict(each) for each in examples]
        record = {"group": group, "mark": self._mark, **told, "examples": made}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.done.add(group)

    def _known(self, record: dict[str, Any]) -> str:
        if record.get("mark") != self._mark:
            raise SystemExit(
                f"{self.path} holds examples that were made with another model, profile or "
                "configuration. Name another file with --out, or delete this one to begin anew."
            )
        return str(record["group"])


def mark_of(*values: str | int) -> str:
    """Return a short mark of what examples are made with: another one for other values."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def groups(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the groups of a file, as they were told."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a file."""
    for group in groups(path):
        for record in group["examples"]:
            yield Example.of(record)
