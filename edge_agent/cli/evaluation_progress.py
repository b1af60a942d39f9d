"""How far evaluations are: bars with running scores on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_agent.cli.output import diagnostics
from edge_agent.evaluation.evaluating import Report
from edge_agent.evaluation.rows import Row
from edge_agent.showing import in_one_line

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def evaluation_progress(
    questions: int, before: Mapping[str, Sequence[Row]], *, judging: bool = False
) -> Iterator[Report]:
    """Show how far evaluations of so many questions are, which begin with the rows `before`.

    A run that is taken over takes no time, but `judging` its answer does.
    """
    running = {name: _Running(rows) for name, rows in before.items()}
    console = diagnostics()
    if not console.is_terminal:
        yield _LinePrinter(questions, running, judging=judging)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[scores]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        shown = {
            name: bar.add_task(
                in_one_line(name),
                total=questions,
                completed=so_far.done,
                scores=so_far.scores,
                start=False,
            )
            for name, so_far in running.items()
        }

        def report(name: str, row: Row) -> None:
            running[name].add(row)
            if judging or not row.taken_from:
                bar.start_task(shown[name])
            bar.update(shown[name], advance=1, scores=running[name].scores)

        yield report


class _Running:
    """Scores so far."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.done = 0
        self._em = self._f1 = 0.0
        self._verdicts: list[bool] = []
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Count a row in."""
        self.done += 1
        self._em += row.em
        self._f1 += row.f1
        if row.judged is not None:
            self._verdicts.append(row.judged)

    @property
    def scores(self) -> str:
        """EM and F1, and what a judge calls right of what it has judged, in per cent."""
        if not self.done:
            return ""
        scores = f"EM {100 * self._em / self.done:.1f}  F1 {100 * self._f1 / self.done:.1f}"
        if self._verdicts:
            scores += f"  judged {100 * sum(self._verdicts) / len(self._verdicts):.1f}"
        return scores


class _LinePrinter:
    """Prints a line every few seconds, and when an evaluation is done."""

    def __init__(self, questions: int, running: Mapping[str, _Running], *, judging: bool) -> None:
        self._questions = questions
        self._running = running
        self._judging = judging
        self._open = sum(questions - each.done for each in running.values())
        self._done = 0
        self._began = self._last = time.monotonic()
        if self._open:
            diagnostics().print(f"{self._open} answers to come")

    def __call__(self, name: str, row: Row) -> None:
        now = time.monotonic()
        so_far = self._running[name]
        so_far.add(row)
        self._open -= 1
        self._done += self._judging or not row.taken_from
        if now - self._last < _SECONDS_BETWEEN_LINES and so_far.done < self._questions:
            return
        self._last = now
        left = self._open * (now - self._began) / max(1, self._done)
        diagnostics().print(
            in_one_line(
                f"{name}: {so_far.done} of {self._questions}, {so_far.scores}, {left:,.0f} s left"
            )
        )
