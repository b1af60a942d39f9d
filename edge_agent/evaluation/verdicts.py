"""Verdicts on the answers of an evaluation that was made before."""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.evaluation.judge import Judge
from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.store import EvaluationStore


def judge_answers(
    store: EvaluationStore,
    name: str,
    judge: Judge,
    report: Callable[[str, Row], None],
    *,
    anew: bool = False,
) -> None:
    """Have the answers of an evaluation judged that have no clear verdict; `anew`, all of them.

    Each verdict is kept as soon as it is there, and told to `report`; whatever breaks it off, what
    is done stays, also as JSON lines. Raises EvaluationError, ServerError.
    """
    with store.working_on(name):
        store.have_judged(name, judge.address, judge.judging, anew=anew)
        try:
            for row in (each for each in store.rows(name) if each.judged is None):
                ruled = judge.judged(row)
                store.replace(name, ruled)
                report(name, ruled)
        finally:
            store.write_lines(name)
