"""Verdicts of a judge, in the form that each benchmark asks for."""

from __future__ import annotations

from typing import get_args

import pytest

from edge_agent.evaluation.judge import judging_of
from edge_agent.evaluation.questions import JudgingName

_LINES = "extracted_final_answer: {0}\nreasoning: {1}\ncorrect: {2}\nconfidence: 90"


@pytest.mark.parametrize("name", get_args(JudgingName))
def test_a_judge_is_told_question_answers_and_answer(name: JudgingName) -> None:
    asked = judging_of(name).prompt("Where {was} he born?", ["Larvik", "Norway"], "In {Larvik}")
    for part in ("Where {was} he born?", "Larvik | Norway", "In {Larvik}"):
        assert part in asked


@pytest.mark.parametrize(
    ("name", "verdict", "right"),
    [
        ("equivalence", "Correct", True),
        ("equivalence", "**Incorrect**.", False),
        ("equivalence", "<think>Is it Incorrect?</think>\nCorrect", True),
        ("equivalence", "Correct? No.</think>\nIncorrect", False),  # begun by the chat format
        ("equivalence", "<think>It seems correct", None),
        ("simpleqa", "A quick check…</think>\n\nB", False),
        ("equivalence", "It is not correct.", None),
        ("equivalence", "Correct or Incorrect", None),
        ("equivalence", "", None),
        ("gaia", "incorrect", False),
        ("gaia", "Yes.", None),
        ("simpleqa", "A", True),
        ("simpleqa", " B\n", False),
        ("simpleqa", "C: NOT_ATTEMPTED", False),
        ("simpleqa", "Answer: B", None),
        ("browsecomp", _LINES.format("Larvik", "They agree; correct: no doubt", "yes"), True),
        ("browsecomp", "**correct:** no", False),
        ("hle", _LINES.format("None", "It says nothing", "no"), False),
        ("hle", "It is correct.", None),
        ("xbench", "最终答案: 1892\n解释: 一致\n结论: 正确", True),
        ("xbench", "**结论:** 错误", False),
        ("xbench", "结论: 不正确", False),
    ],
)
def test_a_verdict_is_read(name: JudgingName, verdict: str, right: bool | None) -> None:
    assert judging_of(name).verdict(verdict) is right
