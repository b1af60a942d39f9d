"""Scores against values reckoned by hand, and what holds for all of them."""

from __future__ import annotations

from math import comb, copysign

import pytest
from evaluated import right, row, wrong
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.comparison import compare
from edge_agent.evaluation.figures import figures, record_of
from edge_agent.evaluation.metrics import (
    bootstrap_interval,
    exact_match,
    f1,
    mcnemar,
    normalised,
    wilson_interval,
)


def test_answers_are_compared_as_squad_does() -> None:
    assert normalised("The  Forth-Bridge, a bridge!") == "forthbridge bridge"
    assert exact_match("the Forth Bridge.", ["Forth bridge"])
    assert not exact_match("Forth", ["Forth bridge"])
    assert exact_match(None, [])
    assert not exact_match("Forth", [])
    assert not exact_match(None, ["Forth"])


@pytest.mark.parametrize(
    ("answer", "accepted", "same"),
    [
        ("A", "a", True),  # a choice, not an article
        ("A.", "A", True),
        ("(A)", "a", True),
        ("A", "B", False),
        ("A.", "B", False),
        ("the", "A", False),
        ("∞", "∞", True),
        ("∞", "–", False),
        ("किला", "कला", False),  # a fortress and an art: vowels are signs of their own
        ("cafe\u0301", "café", True),
        ("20 °C", "20 C", False),
        ("€ 5", "5", False),
        ("$5", "5", True),  # as SQuAD has it: that is punctuation in ASCII
        ("−5", "5", False),
        ("“Fram”—a ship…", "Frama ship", True),
    ],
)
def test_what_is_little_more_than_a_sign_is_compared(
    answer: str, accepted: str, same: bool
) -> None:
    assert exact_match(answer, [accepted]) is same
    assert (f1(answer, [accepted]) == 1.0) is same


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        ("Colin Archer", ["Colin Archer"], 1.0),
        ("Archer", ["Colin Archer"], 2 / 3),  # precision 1, recall 1/2
        ("Colin Archer of Larvik", ["Archer", "Colin Archer"], 2 / 3),  # 2 of 4, 2 of 2
        ("the the cat", ["cat"], 1.0),
        ("cat cat", ["cat"], 2 / 3),  # a word counts as often as both have it
        ("dog", ["cat"], 0.0),
        (None, ["cat"], 0.0),
        (None, [], 1.0),
        ("cat", [], 0.0),
        ("北京大学", ["北京"], 2 / 3),  # four characters, two of them right
        ("yes", ["Yes."], 1.0),
        ("no, it was the Fram", ["no"], 0.0),
        ("yes", ["yes and no"], 0.0),
        ("yes", ["no", "yes and more"], 0.0),
        ("No answer", ["noanswer"], 0.0),
        ("the answer is no", ["the answer is yes"], 2 / 3),
    ],
)
def test_f1_of_an_answer(answer: str | None, accepted: list[str], expected: float) -> None:
    assert f1(answer, accepted) == pytest.approx(expected)


@given(st.text(), st.lists(st.text(), min_size=1, max_size=4))
def test_f1_is_a_share_and_full_for_an_accepted_answer(answer: str, accepted: list[str]) -> None:
    assert 0 <= f1(answer, accepted) <= 1
    if normalised(accepted[0]):
        assert f1(accepted[0], accepted) == 1
        assert exact_match(accepted[0], accepted)


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (0, 5, 2 / 32),
        (1, 8, 2 * (1 + 9) / 2**9),
        (2, 10, 2 * (1 + 12 + 66) / 2**12),
        (6, 6, 1.0),
    ],
)
def test_mcnemar_by_hand(only_first: int, only_second: int, expected: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(expected)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_a_probability_alike_for_both_sides(one: int, other: int) -> None:
    assert 0 < mcnemar(one, other) <= 1
    assert mcnemar(one, other) == mcnemar(other, one)
    if one + other:
        assert mcnemar(one, other) >= min(1, comb(one + other, one) / 2 ** (one + other))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_interval_lies_among_the_values(values: list[float]) -> None:
    low, high = bootstrap_interval(values, samples=100)
    assert min(values) <= low + 1e-9
    assert low <= high
    assert high <= max(values) + 1e-9
    assert bootstrap_interval(values, samples=100) == (low, high)


def test_rows_add_up() -> None:
    rows = [
        row("a"),
        row("b", answer="Larvik in Norway", evidence_recall=0.5, cited=3, cited_gold=3,
            citation_recall=1.0, calls=4, seconds=5.0, peak=3000),
        row("c", answer=None, status="not_found", cited=0, cited_gold=0,
            citation_recall=0.0, evidence_recall=None, gold=0),
        row("d", answers=(), answer=None, status="not_found", evidence_recall=None, gold=0, cited=0,
            citation_recall=None, cited_gold=0),
        row("e", answers=(), evidence_recall=None, gold=0, citation_recall=None),
    ]  # fmt: skip
    found = figures(rows)
    assert (found.n, found.em.value, found.f1.value) == (5, 40.0, 50.0)
    assert found.evidence_recall is not None
    assert found.evidence_recall.value == 75.0
    assert found.citation_precision == 80.0  # of two and three cited passages, one and three
    assert found.citation_recall == 75.0
    assert found.abstention_precision == 50.0
    assert found.abstention_recall == 50.0
    assert found.refused == pytest.approx(33.3)
    assert (found.calls, found.seconds, found.peak) == (2.4, 3.4, 3000)
    assert record_of(found)["abstention"] == {"precision": 50.0, "recall": 50.0}


def test_a_run_that_failed_did_not_abstain() -> None:
    found = figures([row("a", answers=(), answer=None, status="failed")])
    assert (found.abstention_recall, found.failed) == (0.0, 1)


def test_what_a_judge_says_stands_beside_the_words() -> None:
    rows = [row("a", judged=True), row("b", judged=False), row("c", judged=None, verdict="hm")]
    found = figures(rows)
    assert found.judged is not None
    assert (found.judged.value, found.unclear, found.em.value) == (50.0, 1, 100.0)


def test_what_a_judge_has_not_been_asked_about_is_counted() -> None:
    rows = [row("a", judged=True), row("b", verdict="hm"), row("c"), row("d")]
    found = figures(rows, judge="http://127.0.0.1:1/v1")
    assert (found.unclear, found.unjudged, record_of(found)["unjudged"]) == (1, 2, 2)
    assert figures(rows[2:]).unjudged == 0


def test_differences_are_paired_and_told_by_kind() -> None:
    first = [right("a"), wrong("b"), wrong("c", type="single"), right("d", type="single")]
    second = [
        right("b"),
        right("a"),
        right("c", type="single", seconds=6.0),
        wrong("d", type="single"),
    ]
    whole, bridge, single = compare(first, second).differences
    assert (whole.group, whole.n) == ("all", 4)
    assert (whole.f1_before, whole.f1_after, whole.f1.value) == (50.0, 75.0, 25.0)
    assert (whole.only_first, whole.only_second) == (1, 2)
    assert whole.p == 1.0
    assert whole.seconds == 1.25
    assert (bridge.group, bridge.n, bridge.f1.value) == ("bridge", 2, 50.0)
    assert (single.group, single.f1.value) == ("single", 0.0)


def test_a_gain_that_is_sure_has_an_interval_above_nothing() -> None:
    ids = [str(number) for number in range(20)]
    first = [wrong(id) for id in ids]
    (found,) = compare(first, [right("0"), *(right(id) for id in ids[1:-1]), first[-1]]).differences
    assert found.f1.interval is not None
    low, high = found.f1.interval
    assert 80.0 <= low < 95.0 < high <= 100.0
    assert found.p == pytest.approx(2 / 2**19)


def test_what_is_few_or_all_alike_is_not_certain() -> None:
    alike = [str(number) for number in range(20)]
    (gain,) = compare([wrong(id) for id in alike], [right(id) for id in alike]).differences
    assert (gain.f1.value, gain.f1.interval, gain.em.interval) == (100.0, None, None)
    one = figures([right("a", judged=True)])
    assert one.judged is not None
    assert (one.em.interval, one.judged.interval) == ((20.7, 100.0), (20.7, 100.0))
    assert (one.f1.interval, record_of(one)["intervals"]["f1"]) == (None, None)
    few = [right(str(number)) if number % 2 else wrong(str(number)) for number in range(10)]
    assert figures(few[:9]).f1.interval is None
    assert figures(few).f1.interval is not None


@given(st.integers(1, 200), st.integers(0, 200))
def test_the_interval_of_a_proportion_is_never_empty(of: int, right: int) -> None:
    share = min(right, of) / of
    low, high = wilson_interval(min(right, of), of)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    assert copysign(1, low) == 1, "-0.0 is shown with its sign"
    assert low < high


def test_the_interval_of_wilson_by_hand() -> None:
    # 5 of 10: z² / n = 0.3841459, half = z · √(0.025 + 0.3841459 / 40) / 1.3841459
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_a_judge_decides_only_where_all_answers_were_judged() -> None:
    first = [right("a", judged=False), right("b", judged=True)]
    second = [right("a", judged=True), right("b", judged=True)]
    compared = compare(first, second)
    assert (compared.right_by, compared.differences[0].only_second) == ("judged", 1)
    compared = compare([first[0], right("b")], second)
    assert (compared.right_by, compared.differences[0].only_second) == ("em", 0)


def test_evaluations_of_different_questions_cannot_be_compared() -> None:
    with pytest.raises(EvaluationError, match="no questions in common"):
        compare([right("a")], [right("b")])
    with pytest.raises(EvaluationError, match="no questions in common"):
        compare([right("a")], [row("a", question="Something else?")])
    withheld = right("a", answers=(), answer=None, status="not_found")
    with pytest.raises(EvaluationError, match="count other answers as right"):
        compare([wrong("a")], [withheld])
