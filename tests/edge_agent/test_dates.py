"""Dates as they stand in passages."""

from __future__ import annotations

import pytest

from edge_agent.checking.dates import asks_for_date, dates, has_year, spelt_out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("born on 3 May 1899, in June 1900 or 1901", ("3 May 1899", "June 1900", "1901")),
        ("May 3, 1899; 1899-05-03", ("May 3, 1899", "1899-05-03")),
        ("buried in AD 79, dug out from 1748", ("AD 79", "1748")),
        ("from 300 BC to 44 BCE", ("300 BC", "44 BCE")),
        ("on 14 July, since 1880", ("14 July", "1880")),
        ("on July 14 every year", ("July 14",)),
        ("opened in 1905, from 10 a.m. to 5:30 pm", ("1905", "10 a.m.", "5:30 pm")),
        ("in the 1880s or the 19th century", ("1880s", "19th century")),
        ("born 03.05.1886 (b.1815, d.1852)", ("03.05.1886", "1815", "1852")),
        ("On 8 June 793 Vikings raided; Rome fell in 476.", ("8 June 793", "476")),
        ("3–5 June 1989", ("3 June 1989", "5 June 1989")),
        ("on the 4th of March 1890", ("4th March 1890",)),
        ("4 MARCH 1890, 04/03/1890", ("4 MARCH 1890", "04/03/1890")),
        ("in the late nineteenth century, in 500 houses", ("nineteenth century",)),
        ("On June 6, 156,000 troops landed in 120,000 boats.", ("June 6",)),
        ("On 5 May 300 soldiers died, on 26 May 604.", ("5 May", "26 May 604")),
        ("in 908, going on", ("908",)),
        ("林则徐生于1785年8月30日，1850年卒", ("1785年8月30日", "1850年")),
        ("1945년 8월 15일", ("1945년 8월 15일",)),
        ("geboren am 30. August 1785, am 3. März 1790", ("30. August 1785", "3. März 1790")),
        ("He was 12. April 1990 brought war.", ("April 1990",)),
        ("geboren am 6. Jänner 1850, am 7. Feber 1851", ("6. Jänner 1850", "7. Feber 1851")),
        ("51999 men in room 3.1905", ()),
        ("He may 3 times; Decatur 12", ()),
    ],
)
def test_dates_as_they_stand(text: str, found: tuple[str, ...]) -> None:
    assert dates(spelt_out(text)) == found


def test_of_very_many_the_last_ones_count() -> None:
    assert dates(" ".join(map(str, range(1000, 1100)))) == tuple(map(str, range(1060, 1100)))


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("When was Tom Hale born?", True),
        ("In 1905, on which day of May did it open?", True),
        ("What is the date of death of the composer of the film Night Ferry?", True),
        ("When is Eva Lind's birthday?", True),
        ("Date of birth of Eva Lind?", True),
        ("When does it open?", False),
        ("Who sang Happy Birthday to President Kennedy?", False),
        ("Who has the earlier date of birth, Tom Hale or Eva Lind?", False),
        ("Do Tom Hale and Eva Lind share a birthday?", False),
        ("Which day care centre did she run?", False),
        ("What date palm grows in Elche?", False),
        ("What day of the week was it?", False),
    ],
)
def test_what_asks_for_a_date(question: str, asked: bool) -> None:
    assert asks_for_date(question) is asked


def test_a_day_of_every_year_has_none() -> None:
    assert [has_year(each) for each in ("14 July", "25 DECEMBER")] == [False, False]
    assert [has_year(each) for each in ("8 June 793", "AD 79", "79 CE")] == [True, True, True]
