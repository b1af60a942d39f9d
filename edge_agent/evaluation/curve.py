"""The interaction curve: F1 and evidence found, against the tool calls that were allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.evaluation.figures import Mean, figures
from edge_agent.evaluation.rows import Row
from edge_agent.reasons import CALL_LIMIT, USUAL_DEPTH


@dataclass(frozen=True, slots=True)
class Point:
    """What so many calls give."""

    max_calls: int
    """Calls that an attempt was allowed."""
    n: int
    em: Mean
    f1: Mean
    evidence_recall: Mean | None
    calls: float
    """Calls made per question."""
    seconds: float
    """Seconds per question."""
    stopped: float
    """Questions at which the limit ended the search, in per cent."""
    taken_over: int
    """Runs that were not made anew, since other calls allowed had given the same."""
    cut: int
    """Runs of which at most the answer was read anew, since more calls had begun the same."""


def point(max_calls: int, rows: Sequence[Row]) -> Point:
    """Return the point of an evaluation's rows, at least one."""
    found = figures(rows)
    return Point(
        max_calls=max_calls,
        n=found.n,
        em=found.em,
        f1=found.f1,
        evidence_recall=found.evidence_recall,
        calls=found.calls,
        seconds=found.seconds,
        stopped=round(
            100 * sum(row.reason in (CALL_LIMIT, USUAL_DEPTH) for row in rows) / len(rows), 1
        ),
        taken_over=sum(bool(row.taken_from) for row in rows),
        cut=sum(bool(row.cut_from) and not row.taken_from for row in rows),
    )
