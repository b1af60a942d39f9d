"""A judge: a model behind a server that is asked whether an answer is right.

Each benchmark has its answers judged in its own way: what the judge is to answer with is the
benchmark's, the sentences that ask for it are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edge_agent.evaluation.questions import JudgingName
from edge_agent.evaluation.rows import Row
from edge_agent.models import RemoteModel, Sampling
from edge_agent.models.chat_reply import OnlyThought, without_thoughts
from edge_agent.models.chat_request import ChatRequest

KEY_VARIABLE = "MIRO_EDGE_JUDGE_API_KEY"
"""The environment variable with the key of the judge's server: it is not shown the model's."""
_VERDICT_TOKENS = 1024
"""Room for a verdict that gives its reasons, and for a model that thinks before it speaks."""
_SILENCE = "(nothing was written)"


@dataclass(frozen=True, slots=True)
class Judging:
    """What a judge is asked, and how its verdict is read."""

    asks: str
    """`{question}`, `{accepted}` and `{answer}` are filled in."""
    right: re.Pattern[str]
    """Found in a verdict that an answer is right."""
    wrong: re.Pattern[str]

    def prompt(self, question: str, accepted: Sequence[str], answer: str) -> str:
        """Return what the judge is asked."""
        return self.asks.format(question=question, accepted=" | ".join(accepted), answer=answer)

    def verdict(self, text: str) -> bool | None:
        """Return what a verdict says; None where it says neither or both."""
        told = without_thoughts(text)
        right, wrong = self.right.search(told), self.wrong.search(told)
        return None if (right is None) == (wrong is None) else right is not None


def _said(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE | re.MULTILINE)


def _alone(word: str) -> re.Pattern[str]:
    """Return what finds a word that is a line of its own, or with which the verdict begins.

    In a sentence it may be said of the answer that should have been given, or denied.
    """
    return _said(
        rf"^\W*(?:(?:answer|verdict|grade)\W+)?{word}\W*$|\A\W*{word}(?=[\"'”*]|\s*[.,:;!–-])"
    )


_CORRECT, _INCORRECT = _alone("correct"), _alone("(incorrect|not correct)")
_LINE_ENDS = r"(?=[\s*]*([.,;()\]\"'–-]|$))"
_CORRECT_YES = _said(rf"^\W*correct\W+yes{_LINE_ENDS}")
_CORRECT_NO = _said(rf"^\W*correct\W+no{_LINE_ENDS}")

_AFTER_LETTER = r"(?:[.:)*]|\W+(?:CORRECT|INCORRECT|NOT_ATTEMPTED)\b|\W*$)"

_CASE = """\
Question: {question}
Right answer (any one of those between bars counts): {accepted}
Given answer: {answer}

"""
_EQUIVALENCE = Judging(
    "A question was answered. Say whether the given answer means the same as the right one. How it "
    "is spelled, in what units or with how many words does not matter; whether you would have "
    "answered otherwise does not either.\n\n"
    + _CASE
    + 'Reply with one word: "Correct" or "Incorrect".',
    right=_CORRECT,
    wrong=_INCORRECT,
)

_JUDGINGS: dict[JudgingName, Judging] = {
    "equivalence": _EQUIVALENCE,
    "gaia": Judging(
        "Compare the answer that was given to a question with the one that is known to be right. "
        "They agree if a reader would take them for the same name, number or list; a list has to "
        "be complete.\n\n"
        + _CASE
        + 'Reply with "Correct" if they agree, else with "Incorrect", and '
        "nothing more.",
        right=_CORRECT,
        wrong=_INCORRECT,
    ),
    "browsecomp": Judging(
        "Decide whether an answer to a question is right, going by the known right answer alone. "
        "Do not solve the question yourself. A number may be off by rounding.\n\n"
        + _CASE
        + "Fill in these four lines:\n"
        "extracted_final_answer: the answer as it was finally given, or None\n"
        "reasoning: in what it agrees with the right answer, and in what it does not\n"
        "correct: yes or no\n"
        "confidence: how sure the answer says it is, from 0 to 100; 100 if it does not say",
        right=_CORRECT_YES,
        wrong=_CORRECT_NO,
    ),
    "hle": Judging(
        "An exam question was answered. Mark it against the key, and against nothing else: neither "
        "your own solution nor the path that led to the answer counts. For a choice, its letter "
        "decides.\n\n" + _CASE + "Fill in these four lines:\n"
        "extracted_final_answer: the final answer, word for word, or None\n"
        "reasoning: whether it and the key say the same, and where they differ\n"
        "correct: yes or no\n"
        "confidence: the certainty that the answer states, from 0 to 100; 100 if it states none",
        right=_CORRECT_YES,
        wrong=_CORRECT_NO,
    ),
    "simpleqa": Judging(
        "Grade an answer to a factual question with one of three letters.\n"
        "A: CORRECT. It holds all that the right answer says, and nothing that speaks against it.\n"
        "B: INCORRECT. Something in it speaks against the right answer, be it ever so carefully "
        "worded.\n"
        "C: NOT_ATTEMPTED. It leaves out what was asked for, and says nothing wrong.\n"
        "Spelling, order and extra detail that fits do not count against it. A number has to agree "
        "to the last digit that the right answer gives.\n\n"
        + _CASE
        + "Reply with the letter alone: A, B or C.",
        right=re.compile(rf"\A\W*A{_AFTER_LETTER}", re.MULTILINE),
        wrong=re.compile(rf"\A\W*[BC]{_AFTER_LETTER}", re.MULTILINE),
    ),
    "xbench": Judging(
        "请只根据标准答案判断下面的回答是否正确,不要自己解题。数字在合理误差内即可。\n\n"
        "问题: {question}\n标准答案: {accepted}\n回答: {answer}\n\n"
        "请按以下格式回复:\n最终答案: 从回答中提取的答案\n解释: 与标准答案比较的理由\n"
        "结论: 正确 或 错误",
        right=_said(r"结论\W*正确(?!\W*或)"),
        wrong=_said(r"结论\W*(错误|不正确)"),
    ),
}


class Judge:
    """Asks a model behind a server."""

    def __init__(self, model: RemoteModel, judging: JudgingName) -> None:
        """Connect. Raises ServerError."""
        # Imported here: it is a network client, which an evaluation without a judge has no need of.
        from edge_agent.models.chat_server import ChatServer

        self._server = ChatServer(model, KEY_VARIABLE)
        self._judging = _JUDGINGS[judging]
        self.address = model.address
        """Where it is, with its name there."""
        self.judging = judging
        """As which benchmark it judges."""

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def judged(self, row: Row) -> Row:
        """Return a row with what is said of its answer. Raises ServerError.

        Where no answer is given, or none is right, there is nothing to ask.
        """
        if row.answer is None or not row.answers:
            return replace(row, judged=row.em)
        right, verdict = self.asked(row.question, row.answers, row.answer)
        return replace(row, judged=right, verdict=verdict, judge_failed="")

    def asked(self, question: str, accepted: Sequence[str], answer: str) -> tuple[bool | None, str]:
        """Return whether an answer is right, None if the verdict is unclear, and what was written.

        Raises ServerError.
        """
        prompt = self._judging.prompt(question, accepted, answer)
        asking: list[Mapping[str, str]] = [{"role": "user", "content": prompt}]
        request = ChatRequest(asking, _VERDICT_TOKENS, Sampling(temperature=0.0), 0, thinks=True)
        try:
            text = "".join(self._server.reply(request)).strip() or _SILENCE
        except OnlyThought as error:  # about the next answer it may have to think less
            return None, str(error)
        return self._judging.verdict(text), text
