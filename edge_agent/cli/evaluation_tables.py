"""Evaluations as tables and plots on a terminal, and as records for machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from edge_agent.cli.output import print_table, results
from edge_agent.evaluation.comparison import Comparison, Measure
from edge_agent.evaluation.curve import Point
from edge_agent.evaluation.figures import Figures, Mean, figures, record_of
from edge_agent.evaluation.groups import GROUPINGS, grouped
from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.settings import EvaluationSettings
from edge_agent.evaluation.store import Evaluation
from edge_agent.showing import in_one_line

_PLOT = 50
"""Characters of a plot's width."""


def evaluation_record(
    name: str, settings: EvaluationSettings, rows: Sequence[Row], lines: Path
) -> dict[str, Any]:
    """Return what `eval run --json` and `eval report --json` print about an evaluation.

    `lines` is the file with its rows; there is at least one.
    """

    def record(of: Sequence[Row]) -> dict[str, Any]:
        return record_of(figures(of, judge=settings.judge))

    return {
        "evaluation": name,
        "set": settings.set,
        "condition": settings.condition,
        "model": settings.model,
        "library": "+".join(library.partition(": ")[0] for library in settings.libraries),
        "split": settings.split or None,
        "max_calls": settings.max_calls,
        **record(rows),
        "groups": {
            by: {group: record(each) for group, each in grouped(rows, by).items()}
            for by in GROUPINGS
        },
        "rows": str(lines),
    }


def print_figures(heading: str, found: Sequence[tuple[str, Figures]]) -> None:
    """Print figures, a line each; columns that say nothing are left out."""
    table = Table(box=None)
    table.add_column(heading, overflow="fold")
    columns = [column for column in _COLUMNS if any(_cell(each, column) for _, each in found)]
    for column in columns:
        table.add_column(column, justify="right")
    for name, each in found:
        table.add_row(Text(in_one_line(name)), *(_cell(each, column) or "–" for column in columns))
    print_table(table)


_COLUMNS = (
    *("n", "EM", "F1", "(95 %)", "judged", "unclear", "unjudged", "evidence", "cited right"),
    *("abstained", "refused", "failed", "calls", "seconds", "tokens"),
)


def _cell(found: Figures, column: str) -> str:
    values: dict[str, str] = {
        "n": found.counted,
        "EM": f"{found.em.value:.1f}",
        "F1": f"{found.f1.value:.1f}",
        "(95 %)": _interval(found.f1),
        "judged": _number(found.judged),
        "unclear": str(found.unclear or ""),
        "unjudged": str(found.unjudged or ""),
        "evidence": _number(found.evidence_recall),
        "cited right": _number(found.citation_precision),
        "abstained": _number(found.abstention_recall),
        "refused": _number(found.refused),
        "failed": str(found.failed or ""),
        "calls": f"{found.calls:.1f}",
        "seconds": f"{found.seconds:.1f}",
        "tokens": f"{found.tokens.prompt + found.tokens.generated:.0f}",
    }
    return values[column]


def print_comparison(first: Evaluation, second: Evaluation, compared: Comparison) -> None:
    """Print what the second of two evaluations gains over the first."""
    for line in _about(first, second, compared):
        results().print(Text(in_one_line(line)), soft_wrap=True)
    table = Table("questions", "n", "F1", "gain", "95 %", "EM gain", "95 %", "evidence", "only A",
                  "only B", "p", "seconds", "calls", box=None)  # fmt: skip
    for each in compared.differences:
        table.add_row(
            Text(in_one_line(each.group)),
            str(each.n),
            f"{each.f1_before:.1f} → {each.f1_after:.1f}",
            f"{each.f1.value:+.1f}",
            _interval(each.f1) or "–",
            f"{each.em.value:+.1f}",
            _interval(each.em) or "–",
            "–" if each.evidence_recall is None else f"{each.evidence_recall.value:+.1f}",
            str(each.only_first),
            str(each.only_second),
            f"{each.p:.3f}",
            "–" if each.seconds is None else f"× {each.seconds:.2f}",
            f"{each.calls:+.1f}",
        )
    print_table(table)


_MEASURES: Mapping[Measure, str] = {"judged": "the verdicts of the judge", "em": "exact match"}


def _about(first: Evaluation, second: Evaluation, compared: Comparison) -> Iterator[str]:
    """Yield what has to be known to understand a comparison."""
    yield f"{second.name} over {first.name}, on the same questions, in points"
    for each in (first, second):
        if each.done < each.asked:
            yield f"{each.name} has {each.done} of {each.asked} questions."
    differing = first.settings.differences(second.settings)
    yield f"Their settings differ in: {'; '.join(differing) or 'nothing'}."
    yield f"What only A or B got right, and p, go by {_MEASURES[compared.right_by]}."


def print_curve(points: Sequence[Point]) -> None:
    """Print the points of a curve as a table, and draw them."""
    table = Table("calls allowed", "n", "EM", "F1", "95 %", "evidence", "95 %", "calls made",
                  "stopped by the limit", "seconds", "taken over", "cut", box=None)  # fmt: skip
    for each in points:
        found = each.evidence_recall
        table.add_row(
            str(each.max_calls),
            str(each.n),
            f"{each.em.value:.1f}",
            f"{each.f1.value:.1f}",
            _interval(each.f1) or "–",
            _number(found) or "–",
            _interval(found) or "–",
            f"{each.calls:.1f}",
            f"{each.stopped:.0f} %",
            f"{each.seconds:.1f}",
            str(each.taken_over),
            str(each.cut),
        )
    print_table(table)
    _print_plot("F1", [(each.max_calls, each.f1) for each in points])
    recalls = [(each.max_calls, each.evidence_recall) for each in points]
    known = [(calls, mean) for calls, mean in recalls if mean is not None]
    if known:
        _print_plot("evidence found", known)


def _print_plot(title: str, means: Sequence[tuple[int, Mean]]) -> None:
    """Draw means with their intervals on a line each, from 0 to 100 per cent."""
    wide = max(len(str(calls)) for calls, _ in means)
    frame = f"{' ' * (wide + 2)}0{'100':>{_PLOT}}"
    results().print(Text(f"\n{title} against calls allowed, per cent\n{frame}"))
    for calls, mean in means:
        places = [" "] * (_PLOT + 1)
        if mean.interval is not None:
            low, high = map(_place, mean.interval)
            places[low : high + 1] = "─" * (high - low + 1)
        places[_place(mean.value)] = "●"
        results().print(Text(f"{calls:>{wide}} ┤{''.join(places)} {mean.value:.1f}"))


def _place(value: float) -> int:
    """Return where a value stands on a plot."""
    return round(_PLOT * min(max(value, 0), 100) / 100)


def curve_record(asked: str, points: Sequence[Point], lines: Sequence[Path]) -> dict[str, Any]:
    """Return what `eval curve --json` prints."""
    return {
        "set": asked,
        "points": [
            {**dataclasses.asdict(each), "rows": str(path)}
            for each, path in zip(points, lines, strict=True)
        ],
    }


def _number(value: Mean | float | None) -> str:
    if value is None:
        return ""
    return f"{value.value if isinstance(value, Mean) else value:.1f}"


def _interval(mean: Mean | None) -> str:
    """Return the bounds of a mean; nothing where it has none."""
    if mean is None or mean.interval is None:
        return ""
    return " to ".join(f"{bound:.1f}" for bound in mean.interval)
