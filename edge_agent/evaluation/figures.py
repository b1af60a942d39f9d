"""What rows add up to: means with intervals of 95 per cent, in per cent of the questions."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge_agent.evaluation.metrics import bootstrap_interval, wilson_interval
from edge_agent.evaluation.rows import Row

_RESAMPLED = 10
"""Values from which on resampling says something about their mean."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, and how sure it is."""

    value: float
    interval: tuple[float, float] | None
    """Its bounds of 95 per cent; None where the values are too few, or too alike, to tell."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of a question, on average."""

    prompt: float
    new: float
    generated: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rows of an evaluation add up to; shares are in per cent, None where undefined."""

    n: int
    asked: int
    """Questions that there are to be: more than `n` where an evaluation was broken off."""
    em: Mean
    f1: Mean
    judged: Mean | None
    """Answers that the judge calls right, of all that it could be understood about."""
    unclear: int
    """Questions about which the judge could not be understood."""
    unjudged: int
    """Questions about which the judge has not been asked yet, or could not be."""
    evidence_recall: Mean | None
    """Of the documents that hold the evidence, those found; over questions where they are known."""
    citation_precision: float | None
    """Of all passages that answers cite, those of documents that hold the evidence."""
    citation_recall: float | None
    """Of the documents that hold the evidence, those that the answer cites; over answers given."""
    abstention_precision: float | None
    """Of the questions that got no answer, those that have none; None where all have one."""
    abstention_recall: float | None
    """Of the questions that have no answer, those that got none."""
    refused: float | None
    """Of the questions that have an answer, those that got none."""
    failed: int
    """Runs that failed."""
    calls: float
    seconds: float
    tokens: Spent
    peak: int
    """Most resident memory of a process, in bytes; 0 where it was not measured."""

    @property
    def counted(self) -> str:
        """How many questions there are, of how many where some are to come: `12 of 100`."""
        return str(self.n) if self.n == self.asked else f"{self.n} of {self.asked}"


def figures(rows: Sequence[Row], *, asked: int = 0, judge: str = "") -> Figures:
    """Sum up rows, at least one.

    There may be more of them to come, `asked` in all; `judge` is whose verdicts they are to hold,
    if anybody's.
    """
    judged = [row.judged for row in rows if row.judged is not None]
    known = [row.evidence_recall for row in rows if row.evidence_recall is not None]
    citing = [row for row in rows if row.gold and row.cited]
    abstention_precision, abstention_recall = _abstention(rows)
    return Figures(
        n=len(rows),
        asked=max(asked, len(rows)),
        em=_proportion([row.em for row in rows]),
        f1=mean([row.f1 for row in rows]),
        judged=_proportion(judged) if judged else None,
        unclear=sum(row.judged is None and bool(row.verdict) for row in rows),
        unjudged=sum(row.judged is None and not row.verdict for row in rows) if judge else 0,
        evidence_recall=mean(known) if known else None,
        citation_precision=_share(
            sum(row.cited_gold for row in citing), sum(row.cited for row in citing)
        ),
        citation_recall=_average_share(
            row.citation_recall for row in rows if row.answer is not None
        ),
        abstention_precision=abstention_precision,
        abstention_recall=abstention_recall,
        refused=_average_share(float(row.abstained) for row in rows if row.is_answerable),
        failed=sum(row.status == "failed" for row in rows),
        calls=_average(rows, lambda row: row.calls, 2),
        seconds=_average(rows, lambda row: row.seconds, 2),
        tokens=Spent(
            _average(rows, lambda row: row.tokens.prompt, 1),
            _average(rows, lambda row: row.tokens.new, 1),
            _average(rows, lambda row: row.tokens.generated, 1),
        ),
        peak=max(row.peak for row in rows),
    )


def mean(shares: Sequence[float]) -> Mean:
    """Return the mean of shares, at least one, in per cent with the interval of the bootstrap.

    There is none where they are few or all alike: resampled, they would seem to be certain.
    """
    can_tell = len(shares) >= _RESAMPLED and len(set(shares)) > 1
    return _percent(statistics.fmean(shares), bootstrap_interval(shares) if can_tell else None)


def record_of(found: Figures) -> dict[str, Any]:
    """Return figures as `eval run --json` prints them: means as numbers, intervals beside them."""
    intervals = {
        name: each.interval
        for name in ("em", "f1", "judged", "evidence_recall")
        if (each := getattr(found, name)) is not None
    }
    values = {
        name: value.value if isinstance(value := getattr(found, name), Mean) else value
        for name in ("n", "em", "f1", "judged", "unclear", "unjudged", "evidence_recall",
                     "citation_precision", "citation_recall")
    }  # fmt: skip
    return {
        **values,
        "abstention": {
            "precision": found.abstention_precision,
            "recall": found.abstention_recall,
        },
        "refused": found.refused,
        "failed": found.failed,
        "calls": found.calls,
        "seconds": found.seconds,
        "tokens": asdict(found.tokens),
        "peak": found.peak,
        "intervals": intervals,
    }


def _proportion(right: Sequence[bool]) -> Mean:
    """Return how many of some cases, at least one, are right, in per cent with its interval."""
    return _percent(statistics.fmean(right), wilson_interval(sum(right), len(right)))


def _percent(share: float, interval: tuple[float, float] | None) -> Mean:
    bounds = interval and (round(100 * interval[0], 1), round(100 * interval[1], 1))
    return Mean(round(100 * share, 1), bounds)


def _abstention(rows: Sequence[Row]) -> tuple[float | None, float | None]:
    """Return precision and recall of saying that there is no answer."""
    unanswerable = [row for row in rows if not row.is_answerable]
    if not unanswerable:
        return None, None
    rightly = sum(row.abstained for row in unanswerable)
    return (
        _share(rightly, sum(row.abstained for row in rows)),
        _share(rightly, len(unanswerable)),
    )


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _average_share(shares: Iterable[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(100 * statistics.fmean(known), 1) if known else None


def _average(rows: Sequence[Row], value: Callable[[Row], float], digits: int) -> float:
    return round(statistics.fmean(map(value, rows)), digits)
