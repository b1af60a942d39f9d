"""Groups of rows, in order, and what a second evaluation gains in each of them."""

from __future__ import annotations

from evaluated import right, row, wrong

from edge_agent.evaluation.comparison import compare
from edge_agent.evaluation.groups import GROUPINGS, grouped


def test_rows_of_one_group_are_not_told_apart() -> None:
    rows = [row("a"), row("b")]
    assert all(grouped(rows, by) == {} for by in GROUPINGS)


def test_questions_are_told_apart_by_their_kind() -> None:
    rows = [row("a", type="single"), row("b"), row("c", type="")]
    assert list(grouped(rows)) == ["bridge", "single", "without a type"]


def test_fewer_calls_come_first() -> None:
    rows = [row("a", calls=12), row("b", calls=2), row("c", calls=1), row("d", calls=2)]
    groups = grouped(rows, "calls")
    assert list(groups) == ["1 call", "2 calls", "12 calls"]
    assert [each.id for each in groups["2 calls"]] == ["b", "d"]


def test_why_the_search_ended_is_told_without_what_is_about_one_run() -> None:
    rows = [row("a", reason="model error: no room"), row("b", reason="model error: too deep")]
    assert grouped(rows, "end") == {}
    assert list(grouped([*rows, row("c", reason="no progress")], "end")) == [
        "model error",
        "no progress",
    ]


def test_evidence_is_found_all_in_part_or_not() -> None:
    recalls = (1.0, 0.5, 0.0, None, 1.0)
    rows = [row(str(number), evidence_recall=each) for number, each in enumerate(recalls)]
    found = {name: len(each) for name, each in grouped(rows, "evidence").items()}
    assert found == {"all found": 2, "none found": 1, "not known": 1, "some found": 1}


def test_questions_may_be_of_a_kind_called_all() -> None:
    first = [right("a", type="all"), wrong("b", type="single")]
    second = [right("a", type="all"), right("b", type="single")]
    whole, kind, single = compare(first, second).differences
    assert (whole.group, kind.group, single.group) == ("all", "all", "single")
    assert (whole.n, kind.n, single.n) == (2, 1, 1)


def test_what_more_calls_are_worth_is_seen_where_they_were_made() -> None:
    once = [right("a", calls=1), wrong("b", calls=1), wrong("c", calls=1)]
    often = [right("a", calls=1), right("b", calls=2), wrong("c", calls=2)]
    whole, one, two = compare(once, often, "calls").differences
    assert (whole.group, one.group, two.group) == ("all", "1 call", "2 calls")
    assert (one.n, one.f1.value, two.n, two.f1.value) == (1, 0.0, 2, 50.0)
