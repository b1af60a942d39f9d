"""Evaluations as one HTML page that needs nothing else: tables, bars, curves, settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from edge_agent.evaluation import plots
from edge_agent.evaluation.curve import point
from edge_agent.evaluation.figures import Figures, Mean, figures
from edge_agent.evaluation.groups import GROUPINGS, grouped
from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.settings import EvaluationSettings
from edge_agent.evaluation.store import Evaluation

_STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --rule: #999; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --page: #161616; --rule: #777; }
}
body { color: var(--text); background: var(--page); font: 16px/1.5 system-ui, sans-serif;
  max-width: 96rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, td:first-child, summary { overflow-wrap: anywhere; unicode-bidi: plaintext; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { border: 1px solid var(--rule); padding: .3rem .6rem; text-align: right; }
td:first-child, th:first-child { text-align: left; min-width: 12rem; }
.wide td:not(:first-child) { white-space: nowrap; }
svg { width: 100%; max-width: 46rem; height: auto; display: block; margin: 1rem 0; }
"""
# Nothing in the page is loaded or run; should anything slip in, the browser is told so too.
_HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_NOTHING = "–"
_COLUMNS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("questions", lambda found: found.counted),
    ("EM", lambda found: _mean(found.em)),
    ("F1", lambda found: _mean(found.f1)),
    ("judged right", lambda found: _mean(found.judged)),
    ("judge unclear", lambda found: str(found.unclear or _NOTHING)),
    ("not judged yet", lambda found: str(found.unjudged or _NOTHING)),
    ("evidence found", lambda found: _mean(found.evidence_recall)),
    ("citations right", lambda found: _number(found.citation_precision)),
    ("evidence cited", lambda found: _number(found.citation_recall)),
    ("abstained rightly", lambda found: _number(found.abstention_recall)),
    ("refused", lambda found: _number(found.refused)),
    ("failed", lambda found: str(found.failed or _NOTHING)),
    ("calls", lambda found: f"{found.calls:.1f}"),
    ("seconds", lambda found: f"{found.seconds:.1f}"),
    ("prompt tokens", lambda found: f"{found.tokens.prompt:.0f}"),
    ("peak memory, MB", lambda found: f"{found.peak / 1e6:.0f}" if found.peak else _NOTHING),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An evaluation, and its rows: at least one."""

    evaluation: Evaluation
    rows: tuple[Row, ...]

    @property
    def found(self) -> Figures:
        """What the rows add up to."""
        settings = self.evaluation.settings
        return figures(self.rows, asked=self.evaluation.asked, judge=settings.judge)

    def parts(self, by: str) -> list[tuple[str, Figures]]:
        """Return what groups of the rows add up to, by one of `GROUPINGS`."""
        judge = self.evaluation.settings.judge
        groups = grouped(self.rows, by)
        return [(name, figures(rows, judge=judge)) for name, rows in groups.items()]


def page(shown: Sequence[Shown]) -> str:
    """Return the page about some evaluations; what sets and models are called is only text."""
    groups: dict[str, list[Shown]] = {}
    for each in shown:
        groups.setdefault(_asked(each.evaluation.settings), []).append(each)
    body = ["<h1>Evaluations</h1>", f"<p>{_EXPLANATION}</p>"]
    for title, group in groups.items():
        body += [f"<h2>{escape(title)}</h2>", *_about(group)]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>{_HEAD}<title>Evaluations</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


_EXPLANATION = (
    "EM, F1 and shares are in per cent. In brackets stand bounds of 95 per cent: of EM and "
    "verdicts those of Wilson, of other means those between which 95 of 100 resampled sets of "
    "questions lie, and none where fewer than ten questions, or values that are all alike, leave "
    "nothing to resample. Calls, seconds and tokens are per question."
)


def _asked(settings: EvaluationSettings) -> str:
    return f"{settings.set}, {settings.split}" if settings.split else settings.set


def _about(group: Sequence[Shown]) -> Iterator[str]:
    """Say all about the evaluations of one set."""
    found = [(each.evaluation.name, each.found) for each in group]
    yield from _table("evaluation", found)
    bars = [plots.Bar(_short(name), each.f1, each.counted) for name, each in found]
    yield plots.bars("F1", bars)
    yield from _curves(group)
    for each in group:
        for by, grouping in GROUPINGS.items():
            parts = each.parts(by)
            if parts:
                name = escape(each.evaluation.name)
                yield f"<details><summary>{name}, by {grouping.title}</summary>"
                yield from _table(by, parts)
                yield "</details>"
    for each in group:
        yield f"<details><summary>{escape(each.evaluation.name)}, settings</summary><table>"
        values = dataclasses.asdict(each.evaluation.settings)
        for name, value in {"started": each.evaluation.started, **values}.items():
            text = ", ".join(value) if isinstance(value, tuple) else str(value)
            yield f"<tr><td>{name.replace('_', ' ')}</td><td>{escape(text)}</td></tr>"
        yield "</table></details>"


def _table(title: str, found: Sequence[tuple[str, Figures]]) -> Iterator[str]:
    said = [
        (name, text) for name, text in _COLUMNS if any(text(each) != _NOTHING for _, each in found)
    ]
    heads = "".join(f"<th>{name}</th>" for name, _ in said)
    yield f'<div class="wide"><table><tr><th>{title}</th>{heads}</tr>'
    for name, each in found:
        cells = "".join(f"<td>{text(each)}</td>" for _, text in said)
        yield f"<tr><td>{escape(name)}</td>{cells}</tr>"
    yield "</table></div>"


def _curves(group: Sequence[Shown]) -> Iterator[str]:
    """Draw a curve for evaluations that differ in nothing but the calls allowed.

    All its points are over the questions that each of them has; where several allow as many calls,
    the one with most of them counts.
    """
    alike: dict[EvaluationSettings, dict[int, Sequence[Row]]] = {}
    for each in sorted(group, key=lambda shown: len(shown.rows)):
        settings = each.evaluation.settings
        if settings.max_calls is not None and each.rows:
            rest = dataclasses.replace(settings, max_calls=None)
            alike.setdefault(rest, {})[settings.max_calls] = each.rows
    for settings, points in alike.items():
        shared = set.intersection(*({row.id for row in rows} for rows in points.values()))
        if len(points) > 1 and shared:
            places = sorted(points)
            curve = [
                point(calls, [row for row in points[calls] if row.id in shared]) for calls in places
            ]
            lines = (
                plots.Line("F1", tuple(each.f1 for each in curve)),
                plots.Line("evidence found", tuple(each.evidence_recall for each in curve)),
            )
            title = f"{settings.condition}, {settings.model}, {len(shared)} questions"
            yield plots.curve(title, "tool calls allowed", places, lines)


def _mean(mean: Mean | None) -> str:
    return _NOTHING if mean is None else plots.numbers(mean)


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}"


def _short(name: str) -> str:
    return name if len(name) <= 38 else f"{name[:37]}…"
