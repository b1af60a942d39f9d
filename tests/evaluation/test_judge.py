"""Verdicts of a judge, in the form that each benchmark asks for."""

from __future__ import annotations

from contextlib import closing
from typing import Any, get_args

import pytest
from scripted_server import Refusal, ScriptedServer, streamed
from serving import running

from edge_agent.evaluation.judge import KEY_VARIABLE, Judge
from edge_agent.evaluation.questions import JudgingName
from edge_agent.models import RemoteModel, ServerError
from edge_agent.models.remote_model import KEY_VARIABLE as KEY_VARIABLE_OF_MODELS

_LINES = "extracted_final_answer: {0}\nreasoning: {1}\ncorrect: {2}\nconfidence: 90"


def judged(verdict: str, name: JudgingName, *case: Any) -> tuple[str, bool | None]:
    """Return what a judge is told of a case, and what it makes of this verdict."""
    with running(ScriptedServer()) as server:
        server.answer = lambda _: verdict
        with closing(Judge(RemoteModel(server.address, "judge"), name)) as judge:
            right, _ = judge.asked(*case)
    return server.asked[0]["messages"][0]["content"], right


@pytest.mark.parametrize("name", get_args(JudgingName))
def test_a_judge_is_told_question_answers_and_answer(name: JudgingName) -> None:
    asked = ("Where {was} he born?", ["Larvik", "Norway"], "In {Larvik}")
    prompt, _ = judged("Correct", name, *asked)
    for part in ("Where {was} he born?", "Larvik | Norway", "In {Larvik}"):
        assert part in prompt


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
        ("equivalence", "The correct answer is Paris, but the given answer is London.", None),
        ("equivalence", "No, it isn't correct.", None),
        ("equivalence", "Partially correct", None),
        ("equivalence", "Okay, let me check whether the answer is correct: it says", None),
        ("equivalence", "Not correct.", False),
        ("equivalence", "Correct. Both name the same town.", True),
        ("equivalence", "Both name the same town, so:\n\n**Correct**", True),
        ("equivalence", "Correct! They match.", True),
        ("equivalence", "Correct - the same name", True),
        ("equivalence", "Answer: Correct", True),
        ("equivalence", '"Correct" because they match', True),
        ("gaia", "Incorrect: the correct answer is 1952.", False),
        ("equivalence", "Correct or Incorrect", None),
        ("equivalence", "", None),
        ("gaia", "incorrect", False),
        ("gaia", "Yes.", None),
        ("simpleqa", "A", True),
        ("simpleqa", " B\n", False),
        ("simpleqa", "C: NOT_ATTEMPTED", False),
        ("simpleqa", "Answer: B", None),
        ("simpleqa", "A comparison shows that it contradicts. B", None),
        ("simpleqa", "A or B", None),
        ("simpleqa", "A correct answer would be Paris, so B", None),
        ("simpleqa", "B. The answer is wrong", False),
        ("simpleqa", "A: CORRECT. It is Larvik.", True),
        ("browsecomp", _LINES.format("Larvik", "They agree; correct: no doubt", "yes"), True),
        ("browsecomp", "**correct:** no", False),
        ("browsecomp", "correct: yes or no", None),
        ("browsecomp", "correct: no - it differs", False),
        ("hle", 'correct: "yes"', True),
        ("hle", "**correct: yes** (both say 7)", True),
        ("hle", _LINES.format("None", "It says nothing", "no"), False),
        ("hle", "It is correct.", None),
        ("xbench", "最终答案: 1892\n解释: 一致\n结论: 正确", True),
        ("xbench", "**结论:** 错误", False),
        ("xbench", "结论: 不正确", False),
        ("xbench", "结论: 正确 或 错误", None),
    ],
)
def test_a_verdict_is_read(name: JudgingName, verdict: str, right: bool | None) -> None:
    assert judged(verdict, name, "Who?", ["Ada"], "Ada")[1] is right


def test_a_judge_is_never_shown_the_key_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE_OF_MODELS, "the model's")
    with running(ScriptedServer()) as server:
        server.refuse = lambda body: Refusal(401, "no key")
        judge = Judge(RemoteModel(server.address, None), "equivalence")
        with closing(judge), pytest.raises(ServerError, match=KEY_VARIABLE):
            judge.asked("Who?", ["Ada"], "Ada")
    assert server.keys == [None, None]


def test_a_judge_that_only_thinks_about_an_answer_is_unclear() -> None:
    with running(ScriptedServer()) as server:
        server.raw = streamed({"reasoning_content": "The answer says"}, ended="length")
        with closing(Judge(RemoteModel(server.address, "judge"), "equivalence")) as judge:
            right, verdict = judge.asked("Who?", ["Ada"], "Ada")
    assert right is None
    assert "thinks before it speaks" in verdict
    assert "chat_template_kwargs" not in server.asked[0]
