"""Comparisons of dates are worked out where that is sure, and rest on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runs_told import exhibit

from edge_agent.agent import Agent
from edge_agent.checking.comparisons import compared
from edge_agent.events import RunFinished
from edge_agent.evidence import Exhibit
from edge_agent.index import Collection, Library

ADA = exhibit(1, "Ada Brun", "Ada Brun (3 May 1899 – 4 June 1970) was a painter and filmmaker.")
LARS = exhibit(
    2, "Lars Holm", "Lars Holm was a smith. He was born in Ulm in 1905 and died in 1950."
)
KITE = exhibit(
    3, "Red Kite (1951 film)", "Red Kite is a 1951 film directed by Ada Brun, with cats."
)
HALL = exhibit(
    4, "Hall, Gate or Door", "Hall, Gate or Door is a 1930 film. It was directed by Ib Dam."
)
IB = exhibit(5, "Ib Dam (director)", "Ib Dam (born 12 July 1911) was a director.")
BAND = exhibit(6, "The Moles", "The Moles are a folk group formed in Ulm in 1990.")
TRIO = exhibit(7, "Trio Vesper", "Founded in 1984, Trio Vesper is a band.")
NERO = exhibit(8, "Old Marcus", "Old Marcus (106 BC – 43 BC) was a consul.")
ALL = (ADA, LARS, KITE, HALL, IB, BAND, TRIO, NERO)


def answer(question: str, read: Sequence[Exhibit] = ALL) -> str | None:
    comparison = compared(question, read)
    return None if comparison is None else comparison.answer


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who is older, Ada Brun or Lars Holm?", "Ada Brun"),
        ("Who is younger: Ada Brun or Lars Holm?", "Lars Holm"),
        ("Which painter is the oldest, Ada Brun or Lars Holm?", None),  # he is a smith
        ("Was Ada Brun or Lars Holm born first?", "Ada Brun"),
        ("who was born later Lars Holm or  Ada Brun ?", "Lars Holm"),
        ("Who died first, Ada Brun or Lars Holm?", "Lars Holm"),
        ("Who, Ada Brun or Lars Holm, died at a later date?", "Ada Brun"),
        ("Between Ada Brun and Lars Holm, who was born first?", "Ada Brun"),
        ("Who was born first out of Ada Brun and Lars Holm?", "Ada Brun"),
        ("Ada Brun or Old Marcus: who was born earlier?", "Old Marcus"),
        ("Which movie came out first, “Red Kite” or “Hall, Gate or Door”?", "Hall, Gate or Door"),
        ("Which film was released more recently, Hall, Gate Or Door or Red Kite (1951 Film)?",
         "Red Kite (1951 Film)"),
        ("Which band was formed first, the Moles or Trio Vesper?", "Trio Vesper"),
        ("Which band is older, the Moles or Trio Vesper?", "Trio Vesper"),
        ("Which film has the director who was born first, Red Kite or Hall, Gate or Door?",
         "Red Kite"),
        ("Which film whose director is younger, Red Kite or Hall, Gate or Door?",
         "Hall, Gate or Door"),
        # What is asked is something else, or is not said
        ("Which film has the director died first, Red Kite or Hall, Gate or Door?", None),
        ("Who lived to an older age, Ada Brun or Lars Holm?", None),
        ("Which film's composer is older, Red Kite or Hall, Gate or Door?", None),
        ("Which film has a star who is older, Red Kite or Hall, Gate or Door?", None),
        ("Who is older, Ada Brun or Ida Brun?", None),
        ("Who is older, Ada Brun or Ada Brun?", None),
        ("Who is older, Ada Brun?", None),
        ("Who painted more, Ada Brun or Lars Holm?", None),
        ("When was Ada Brun or Lars Holm born first?", None),
    ],
)  # fmt: skip
def test_what_is_worked_out(question: str, expected: str | None) -> None:
    assert answer(question) == expected
    assert answer(question, ALL[::-1]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Bo Lind (born 1899) is a singer.",  # perhaps before May
        "Bo Lind (born 3 May 1899) is a singer.",
        "Bo Lind (born c. 1950) is a singer.",
        "Bo Lind is a singer.",
        "Bo Lind was born in 1890. Bo Lind was born in 1950.",
    ],
)
def test_where_it_is_not_sure_nothing_is_worked_out(text: str) -> None:
    assert answer("Who is older, Ada Brun or Bo Lind?", [ADA, exhibit(9, "Bo Lind", text)]) is None


def test_dates_that_differ_may_where_all_of_them_say_the_same() -> None:
    text = "Old Kite is a 1960 film. It was released on 3 May 1962."
    read = [KITE, exhibit(9, "Old Kite", text)]
    assert answer("Which film came out first, Red Kite or Old Kite?", read) == "Red Kite"


@pytest.mark.parametrize(
    "title", ["Ada Brun", "Ada Brun (painter)", "ADA BRUN (1999)", "The Ada Brun"]
)
def test_of_two_documents_of_one_name_neither_is_believed(title: str) -> None:
    other = exhibit(9, title, "Ada Brun (born 1999) is a painter.")
    assert answer("Who is older, Ada Brun or Lars Holm?", [*ALL, other]) is None


def test_a_document_of_the_name_that_is_of_another_kind_is_passed_over() -> None:
    novel = exhibit(9, "Red Kite (novel)", "Red Kite is a 1920 novel, made into a film.")
    question = "Which film came out first, Red Kite or Hall, Gate or Door?"
    assert answer(question, [*ALL, novel]) == "Hall, Gate or Door"
    assert answer(question, [novel, HALL]) is None
    plain = exhibit(10, "Red Kite", "Red Kite is a bird, and no film.")
    assert answer(question, [*ALL, plain]) is None


def test_two_passages_of_one_document_are_one_side() -> None:
    rest = replace(LARS.passage, id="d2#2", text="He died in 1950 of old age.")
    assert answer("Who died first, Ada Brun or Lars Holm?", [*ALL, replace(LARS, passage=rest)])


def test_no_other_document_has_a_say() -> None:
    lies = "Lars Holm was born in 1700. Ada Brun (1950–1960) is younger than Lars Holm (1700–1760)."
    question = "Who is older, Ada Brun or Lars Holm?"
    assert answer(question, [exhibit(9, "Ada Brun and Lars Holm", lies), *ALL]) == "Ada Brun"
    tool = Exhibit(9, "a computation", exhibit(9, "Ada Brun", lies).passage)
    assert answer(question, [tool, *ALL]) == "Ada Brun"


@pytest.mark.parametrize(
    ("by", "also"),
    [
        ("directed by Ada Brun and Ib Dam.", ()),
        ("directed by Ada Brun Jensen.", ()),
        ("directed by Ada Brun. The sequel was directed by Ib Dam.", ()),
        ("written by Ada Brun.", ()),
        ("directed by Bo Lind.", (exhibit(9, "Bo Lind", "Bo Lind (born 1880) was a cook."),)),
        ("directed by Ib Dam.", (exhibit(9, "Ib Dam", "Ib Dam (born 1880) was a director."),)),
    ],
)
def test_a_film_of_which_it_is_not_sure_who_directed_it(by: str, also: tuple[Exhibit, ...]) -> None:
    painter = exhibit(1, "Ada Brun", "Ada Brun (born 1899) is a director.")
    other = exhibit(3, "Red Kite", f"Red Kite is a film {by}")
    question = "Which film has the director who is older, Red Kite or Hall, Gate or Door?"
    assert answer(question, [painter, other, HALL, IB, *also]) is None


def test_both_sides_and_what_leads_to_them_are_its_grounds() -> None:
    question = "Which film has the director who is younger, Red Kite or Hall, Gate or Door?"
    film = exhibit(3, "Red Kite", "Red Kite is a film with cats. It was directed by Bo Lind.")
    man = exhibit(9, "Bo Lind", "Bo Lind was a filmmaker. He was born in 1880.")
    comparison = compared(question, [film, man, HALL, IB])
    assert comparison is not None
    assert [(each.exhibit.key, each.sentence) for each in comparison.grounds] == [
        (4, "It was directed by Ib Dam."),
        (5, "Ib Dam (born 12 July 1911) was a director."),
        (3, "It was directed by Bo Lind."),
        (9, "He was born in 1880."),
    ]


def asked(scripted: Callable[..., Any], folder: Path, script: list[str]) -> RunFinished:
    """Ask which band was formed first, over a library of two; the model writes `script`."""
    documents = folder / "bands"
    documents.mkdir()
    for each in (BAND, TRIO):
        text = f"# {each.passage.title}\n\n{each.passage.text}"
        (documents / f"{each.key}.md").write_text(text)
    with closing(Library(folder / "library")) as library:
        library.add([documents])
        agent = Agent(Collection([library]), scripted(script), profile="edge")
        *_, done = agent.run("Which band was formed later, The Moles or Trio Vesper?")
    assert isinstance(done, RunFinished)
    return done


def test_the_answer_is_given_without_the_model_and_cites_both(
    scripted: Callable[..., Any], tmp_path: Path
) -> None:
    done = asked(scripted, tmp_path, ["The Moles are a folk group", "I have what I need."])
    assert (done.status, done.answer) == ("answered", "The Moles")
    assert [(each.title, each.quote, each.supported) for each in done.citations] == [
        ("The Moles", BAND.passage.text, True),
        ("Trio Vesper", TRIO.passage.text, True),
    ]
    (claim,) = done.claims
    assert (claim.text, len(claim.keys)) == ("The Moles", 2)
