"""Computations as evidence: what bears an answer out, and what begins with nothing found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_told import exhibit

from edge_agent.checking.claims import verified
from edge_agent.checking.computations import ORIGIN, computation, founded, numbers
from edge_agent.events import Quote
from edge_agent.evidence import Exhibit
from edge_agent.index import sentences

QUESTION = "How many years lie between the opening of the Forth Bridge and of the Road Bridge?"
RAIL = exhibit(1, "Forth Bridge", "The bridge was opened on 4 March 1890.")
ROAD = exhibit(2, "Forth Road Bridge", "The bridge was opened in 1964, with 39,000 tons of steel.")
QUOTES = (Quote(1, RAIL.passage.text), Quote(2, ROAD.passage.text))


def computed(key: int, code: str, output: str) -> Exhibit:
    return Exhibit(key, ORIGIN, computation(code, output, []))


def borne_out(answer: str, *computations: Exhibit) -> tuple[int, ...]:
    """Return the keys of what bears out an answer."""
    found = verified(QUESTION, answer, QUOTES, (RAIL, ROAD, *computations))
    return tuple(key for claim in found.claims for key in claim.keys)


YEARS = computed(3, "1964 - 1890", "74")


@pytest.mark.parametrize(
    "answer",
    ["74", "74 years", "Some 74 years lie between the openings of the first and second bridges."],
)
def test_a_computation_bears_out_the_number_it_comes_to(answer: str) -> None:
    assert borne_out(answer, YEARS)[0] == 3


def test_a_citation_of_a_computation_shows_code_and_result() -> None:
    found = verified(QUESTION, "74", QUOTES, (RAIL, ROAD, YEARS))
    cited = found.citations[0]
    assert (cited.key, cited.library, cited.supported) == (3, ORIGIN, True)
    assert (cited.quote, cited.source, cited.place) == (
        *("1964 - 1890 = 74", "python", "§ computed in this run"),
    )


@pytest.mark.parametrize(
    "answer",
    ["75", "Some 75 years lie between the openings of the first and of the second bridge."],
)
def test_another_number_is_not_borne_out(answer: str) -> None:
    assert borne_out(answer, YEARS) == ()


def test_what_the_code_begins_with_is_no_result() -> None:
    assert borne_out("1888", computed(3, "1964 - 1888", "76")) == ()
    assert 3 not in borne_out("1890", YEARS)[:1]


def test_words_may_be_a_result_too() -> None:
    day = computed(3, "from datetime import date\ndate(1890, 3, 4).strftime('%A')", "Tuesday")
    assert borne_out("Tuesday", day)[0] == 3


@pytest.mark.parametrize(
    ("code", "sound"),
    [
        ("1964 - 1890", True),
        ("1964 - 1889", False),
        ("1889 + 75", False),
        ("39000 / 1000", True),
        ("39_000 * 2.20462", True),
        ("7 * 6", False),
        ("len(passages)", True),
        ("# from the passages\n1987 - 1903", False),
        ("'passages'\n1987 - 1903", False),
        ("(date(1964, 9, 4) - date(1890, 3, 4)).days / 365.25", True),
    ],
)
def test_code_has_to_begin_with_what_was_found(code: str, *, sound: bool) -> None:
    kept = founded(QUESTION, (computed(3, code, "5"), RAIL, ROAD))
    assert (3 in [each.key for each in kept]) is sound


def test_a_computation_may_begin_with_another_one_that_is_sound() -> None:
    days = computed(3, "(date(1964, 9, 4) - date(1890, 3, 4)).days", "27212")
    months = computed(4, "27212 / 30.4", "895.13")
    made_up = computed(5, "1111 + 2", "1113")
    on_that = computed(6, "1113 * 2", "2226")
    kept = founded(QUESTION, (on_that, made_up, months, days, ROAD, RAIL))
    assert [each.key for each in kept] == [1, 2, 3, 4]


@given(st.integers(0, 10**12))
def test_a_number_is_known_however_it_is_written(number: int) -> None:
    for text in (f"{number}", f"about {number:,} km", f"{number}.0", f"({number})"):
        assert numbers(text) == {str(number)}


def test_parts_of_words_are_no_numbers() -> None:
    assert numbers("x2 B52 v1.2.3") <= {"2.3"}
    assert numbers("3.50 and 3.5, then 007") == {"3.5", "7"}


def test_the_end_of_long_code_is_quoted_without_its_beginning() -> None:
    lines = [f"length_{number} = {number} * 1000" for number in range(9)]
    text = computation("\n\n".join([*lines, "length_3 + (", "  length_4)"]), "7000", []).text
    *_, last = sentences(text)
    assert " ".join(last.split()) == "length_3 + ( length_4) = 7000"
    assert len(sentences(computation("a = 3\na * 2", "6", []).text)) == 1
