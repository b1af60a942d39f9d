"""What a passage states of when its subject was born, died or began."""

from __future__ import annotations

import pytest

from edge_agent.checking.moments import Happening, Moment, stated


def told(happening: Happening, title: str, text: str) -> list[tuple[int | None, ...]]:
    moments = [each.moment for each in stated(happening, title, text)]
    return [(each.year, each.month, each.day) for each in moments]


@pytest.mark.parametrize(
    ("text", "birth", "death"),
    [
        ("Ada Brun (3 May 1899 – 4 June 1950) was a painter.", (1899, 5, 3), (1950, 6, 4)),
        ("Ada Brun( May 3, 1899, Ulm - June 1950) was a painter.", (1899, 5, 3), (1950, 6, None)),
        ("Ada Brun (3. März 1899 – 4. Oktober 1950) was.", (1899, 3, 3), (1950, 10, 4)),
        ("Ada Brun (3. Jänner 1899 – 4. Feber 1950) was.", (1899, 1, 3), (1950, 2, 4)),
        ("Ada Brun (1899年5月3日–1950年10月) was a painter.", (1899, 5, 3), (1950, 10, None)),
        ("Ada Lise Brun (1899–1950) was a painter.", (1899, None, None), (1950, None, None)),
        ("Ada Brun (born 1899-05-03 in Ulm) is a painter.", (1899, 5, 3), None),
        ("Ada Brun (née Holm; born 3rd May 1899) is a painter.", (1899, 5, 3), None),
        ("Ada Brun (died 4 June 1950) was a painter.", None, (1950, 6, 4)),
        ("Ada Brun (15 May [O.S. 3 May] 1899 – 1950) was.", (1899, 5, 15), (1950, None, None)),
        ("Ada Brun (3 January 106 BC – 7 December 43 BC) ruled.", (-106, 1, 3), (-43, None, None)),
        ("Ada Brun (84–22 BC) ruled.", (-84, None, None), (-22, None, None)),
        ("Ida Holm (born 1899), better known as Ada Brun, is.", (1899, None, None), None),
        ("Adelheid Brun (1899–1950) painted.", (1899, None, None), (1950, None, None)),
        ("She was born in Ulm, Bavaria, on 3 May 1899.", (1899, 5, 3), None),
        ("Born in 1899, she painted.", (1899, None, None), None),
        ("She was born in Ulm in 1899 and died in Bonn in June 1950.",
         (1899, None, None), (1950, 6, None)),
        ("Brun died on 4 June 1950.", None, (1950, 6, 4)),
        # What is no birth and no death of hers, or not a sure one
        ("Ada Brun (c. 1899 – 1950) was a painter.", None, None),
        ("Ada Brun (reigned 1899–1950) was a queen.", None, None),
        ("Ada Brun (born in the 1890s) is a painter.", None, None),
        ("Ada Brun (1950) is a novel.", None, None),
        ("Ada Brun (1500–1950) is a name.", None, None),
        ("She painted. Her father Lars Brun (1860–1930) was a smith.", None, None),
        ("She painted the hall (1899–1950).", None, None),
        ("She was born in Ulm, moved to Bonn in 1950 and painted.", None, None),
        ("Her son was born in 1930. Her husband died in 1950.", None, None),
        ("She was born to a man who died in 1930.", None, None),
        ("Ada Brun( born Ada Holm, 27 July 188225 May 1974) was a painter.", None, None),
    ],
)  # fmt: skip
def test_lives(text: str, birth: tuple[int | None, ...], death: tuple[int | None, ...]) -> None:
    assert told("birth", "Ada Brun (painter)", text) == ([birth] if birth else [])
    assert told("death", "Ada Brun (painter)", text) == ([death] if death else [])


@pytest.mark.parametrize(
    ("happening", "text", "years"),
    [
        ("release", "Red Kite is a 1951 Danish film. It won a prize in 1953.", [1951]),
        ("release", "Red Kite (Danish: Glente) was a Danish 1951 film.", [1951]),
        ("release", "Red Kite is a Danish film, released on 3 May 1951.", [1951]),
        ("release", "Red Kite is a film. The soundtrack was released in 1953.", []),
        ("release", "Red Kite is a remake of the 1930 film of that name.", []),
        ("release", "Red Kite is a film based on a novel published in 1930.", []),
        ("release", "It was released in Denmark on 3 May 1951.", [1951]),
        ("release", "Red Kite is a 1951 film, which was released in 1953.", [1951]),
        ("foundation", "Red Kite is a band from Ulm, formed in 1990.", [1990]),
        ("foundation", "Founded by Ada Brun and Lars Holm in 1990, Red Kite sings.", [1990]),
        ("foundation", "Red Kite is a band. Red Kite Records was founded in 1995.", []),
        ("opening", "Red Kite is a 1951 hall. It was opened in March 1953.", [1953]),
    ],
)
def test_beginnings(happening: Happening, text: str, years: list[int]) -> None:
    assert [moment[0] for moment in told(happening, "Red Kite", text)] == years


def test_the_sentence_comes_with_the_moment() -> None:
    (only,) = stated("birth", "Ada Brun", "Ada Brun painted. She was born\nin 1899. She sang.")
    assert only.sentence == "She was born in 1899."


@pytest.mark.parametrize(
    ("one", "other", "before"),
    [
        (Moment(1899), Moment(1900), True),
        (Moment(-43), Moment(-44), False),
        (Moment(1899, 5), Moment(1899, 6, 1), True),
        (Moment(1899, 5, 3), Moment(1899, 5, 2), False),
        (Moment(1899), Moment(1899), None),
        (Moment(1899), Moment(1899, 5, 3), None),
        (Moment(1899, 5, 3), Moment(1899, 5, 3), None),
    ],
)
def test_of_two_moments_one_is_before_the_other_or_nobody_knows(
    one: Moment, other: Moment, before: bool | None
) -> None:
    assert one.is_before(other) is before
