"""Two evaluations of the same questions: what the second gains, and how sure that is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.figures import Mean, mean
from edge_agent.evaluation.groups import KIND, grouped
from edge_agent.evaluation.metrics import mcnemar
from edge_agent.evaluation.rows import Row

ALL = "all"
Measure: TypeAlias = Literal["judged", "em"]
"""What tells whether an answer is right: the verdict of a judge, or exact match."""
_Pair: TypeAlias = tuple[Row, Row]


@dataclass(frozen=True, slots=True)
class Difference:
    """What the second evaluation gains over the first on the same questions, in points."""

    group: str
    """What the questions are called; of the first difference, which is over all, `all`."""
    n: int
    f1_before: float
    f1_after: float
    f1: Mean
    em: Mean
    evidence_recall: Mean | None
    only_first: int
    """Questions that only the first got right."""
    only_second: int
    p: float
    """Of McNemar's exact test: how likely a split as uneven as this is between equals."""
    seconds: float | None
    """Seconds per question, as a multiple of the first's; None where that took none."""
    calls: float
    """Calls per question more than the first made."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the second of two evaluations gains over the first."""

    right_by: Measure
    """Verdicts where all answers have one, else exact match: of all answers the same."""
    differences: tuple[Difference, ...]
    """The one over all questions that both have, then that of each group of them."""


def compare(first: Sequence[Row], second: Sequence[Row], by: str = KIND) -> Comparison:
    """Compare the rows of two evaluations; they are grouped `by` what the second has made of them.

    Raises EvaluationError where they have none in common, or other answers are right.
    """
    before = {row.id: row for row in first}
    pairs = {row.id: (before[row.id], row) for row in second if row.id in before}
    if any(one.question != other.question for one, other in pairs.values()) or not pairs:
        raise EvaluationError(
            "These two evaluations have no questions in common: compare evaluations of one set."
        )
    if any(one.answers != other.answers for one, other in pairs.values()):
        raise EvaluationError(
            "These two evaluations count other answers as right: where the evidence is withheld it "
            "is right to find none, and a set may have been corrected. They cannot be compared."
        )
    groups = grouped([other for _, other in pairs.values()], by)
    parts = [(ALL, [*pairs.values()])]
    parts += ((group, [pairs[row.id] for row in rows]) for group, rows in groups.items())
    judged = all(row.judged is not None for pair in pairs.values() for row in pair)
    measure: Measure = "judged" if judged else "em"
    return Comparison(measure, tuple(_difference(*part, measure) for part in parts))


def _difference(group: str, pairs: Sequence[_Pair], measure: Measure) -> Difference:
    right = [(getattr(one, measure), getattr(other, measure)) for one, other in pairs]
    only_first = sum(one and not other for one, other in right)
    only_second = sum(other and not one for one, other in right)
    recalls = [
        other.evidence_recall - one.evidence_recall
        for one, other in pairs
        if one.evidence_recall is not None and other.evidence_recall is not None
    ]
    seconds = [statistics.fmean(pair[side].seconds for pair in pairs) for side in (0, 1)]
    return Difference(
        group=group,
        n=len(pairs),
        f1_before=round(100 * statistics.fmean(one.f1 for one, _ in pairs), 1),
        f1_after=round(100 * statistics.fmean(other.f1 for _, other in pairs), 1),
        f1=mean([other.f1 - one.f1 for one, other in pairs]),
        em=mean([float(other.em) - float(one.em) for one, other in pairs]),
        evidence_recall=mean(recalls) if recalls else None,
        only_first=only_first,
        only_second=only_second,
        p=mcnemar(only_first, only_second),
        seconds=round(seconds[1] / seconds[0], 2) if seconds[0] else None,
        calls=round(statistics.fmean(other.calls - one.calls for one, other in pairs), 2),
    )
