"""Dates as they stand in passages."""

from __future__ import annotations

import pytest

from edge_agent.dates import dates


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
        ("51999 men in room 3.1905", ()),
        ("He may 3 times; Decatur 12", ()),
    ],
)
def test_dates_as_they_stand(text: str, found: tuple[str, ...]) -> None:
    assert dates(text) == found


def test_of_very_many_the_last_ones_count() -> None:
    assert dates(" ".join(map(str, range(1000, 1100)))) == tuple(map(str, range(1060, 1100)))
