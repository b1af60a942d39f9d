"""Groups of rows: where a model does well, where it does not, and where it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_agent.evaluation.rows import Row

KIND = "kind"


@dataclass(frozen=True, slots=True)
class Grouping:
    """Something that tells rows apart."""

    title: str
    """What that is, in words."""
    label: Callable[[Row], str]
    """What the group of a row is called."""
    rank: Callable[[Row], int] = lambda _: 0
    """Where it stands among others; those of equal rank stand by what they are called."""


def _kind(row: Row) -> str:
    return row.type or "without a type"


def _end(row: Row) -> str:
    return row.reason.partition(": ")[0] or "not known"  # what follows is about one run


def _calls(row: Row) -> str:
    return "1 call" if row.calls == 1 else f"{row.calls} calls"


def _evidence(row: Row) -> str:
    if row.evidence_recall is None:
        return "not known"
    if row.evidence_recall == 1:
        return "all found"
    return "some found" if row.evidence_recall else "none found"


GROUPINGS = {
    KIND: Grouping("kind of question", _kind),
    "end": Grouping("why the search ended", _end),
    "calls": Grouping("calls made", _calls, lambda row: row.calls),
    "evidence": Grouping("evidence found", _evidence),
}
"""What rows can be told apart by."""


def grouped(rows: Sequence[Row], by: str = KIND) -> dict[str, list[Row]]:
    """Return rows by one of `GROUPINGS`, in order; none where all of them are of one group."""
    grouping = GROUPINGS[by]
    groups: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (grouping.rank(row), grouping.label(row))):
        groups.setdefault(grouping.label(row), []).append(row)
    return groups if len(groups) > 1 else {}
