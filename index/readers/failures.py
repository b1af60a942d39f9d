"""What readers say of what they could not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..documents import Flaw
from ..errors import UnreadableDocument

_NAMED = 3
"""Parts that are named where many have the same fault."""
_LONGEST = 200
"""Characters of a library's message that are repeated."""


@contextmanager
def failing_as(what: str) -> Iterator[None]:
    """Raise UnreadableDocument for whatever a library makes of a broken file.

    `what` is what the file should have been: `an EPUB`.
    """
    try:
        yield
    except (UnreadableDocument, MemoryError):  # who runs the reader knows what memory is lacking
        raise
    except Exception as error:  # libraries raise anything: KeyError, struct.error, AssertionError
        reason = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
        raise UnreadableDocument(f"is not {what} that can be read: {reason}") from error


class Fault(NamedTuple):
    """What is wrong with a part of a file: of one, `is not JSON`, and of many, `are not JSON`."""

    of_one: str
    of_many: str


class FaultyParts:
    """The parts of a file that could not be read: many with the same fault are one flaw."""

    def __init__(self, part: str) -> None:
        """Collect parts that are called `part`: `line`, `page`, `message`."""
        self._part = part
        self._numbers: dict[Fault, list[int]] = {}
        self._counts: dict[Fault, int] = {}
        self._details: dict[Fault, str] = {}

    def add(self, number: int, fault: Fault, detail: object = "") -> None:
        """Note a part; `detail` is told where it is the only one."""
        self._counts[fault] = self._counts.get(fault, 0) + 1
        self._details.setdefault(fault, " ".join(str(detail).split())[:_LONGEST])
        numbers = self._numbers.setdefault(fault, [])
        if len(numbers) <= _NAMED:
            numbers.append(number)

    def flaws(self) -> Iterator[Flaw]:
        """Yield a flaw for each kind of fault."""
        for fault, count in self._counts.items():
            numbers, detail = self._numbers[fault], self._details[fault]
            if count == 1:
                told = f": {detail}" if detail else ""
                yield Flaw(f"{self._part} {numbers[0]} {fault.of_one}{told}")
            elif count == len(numbers) <= _NAMED:
                yield Flaw(f"{self._part}s {listed(numbers)} {fault.of_many}")
            else:
                named = ", ".join(str(number) for number in numbers[: _NAMED - 1])
                rest = count - _NAMED + 1
                yield Flaw(f"{self._part}s {named} and {rest} others {fault.of_many}")


def listed(parts: list[int] | list[str]) -> str:
    """Return parts as one reads them: `1, 2 and 5`."""
    *most, last = (str(part) for part in parts)
    return f"{', '.join(most)} and {last}" if most else last


def ranges(numbers: list[int]) -> str:
    """Return ascending numbers as one reads them, runs drawn together: `1, 3–7 and 9`."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return listed([str(a) if a == b else f"{a}–{b}" for a, b in runs])
