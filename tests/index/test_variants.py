"""Variants: a word is found within the terms that it is written in, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from searching import titles

from edge_agent.index import Library
from edge_agent.index.query import parse_query
from edge_agent.index.variants import variants

TEXTS = {
    "cat": "窓に黒猫。",
    "cats": "三毛猫が好き",
    "name": "猫田さん",
    "dog": "犬がいる",
    "bishop": "Le palais de l'évêque, et le duc d’Orléans.",
    "eagle": "Le mura dell'Aquila.",
    "father": "Atatürk'ün evi. Türkiye’nin başkenti.",
    "English": "We don't know, they won’t say, and we'll see that I'd stay.",
}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "texts"
    folder.mkdir()
    for title, text in TEXTS.items():
        (folder / f"{title}.md").write_text(f"# {title}\n\n{text}", encoding="utf-8")
    library = Library(tmp_path / "library")
    library.add([folder])
    return library


def test_a_character_alone_is_found_wherever_it_stands(library: Library) -> None:
    assert {*titles(library, "猫")} == {"cat", "cats", "name"}
    assert titles(library, "犬") == ["dog"]
    assert titles(library, "黒") == ["cat"]
    assert titles(library, "馬") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("évêque", ["bishop"]),
        ("Orléans", ["bishop"]),
        ("Aquila", ["eagle"]),
        ("Atatürk", ["father"]),
        ("Türkiye", ["father"]),
        ("hiver", []),
        ("Don", []),
        ("won", []),
    ],
)
def test_a_word_is_found_with_an_article_or_an_ending(
    library: Library, query: str, found: list[str]
) -> None:
    assert titles(library, query) == found


class Held:
    """An index with so many passages for each term."""

    def __init__(self, **frequencies: int) -> None:
        self.frequencies = {name.replace("_", "'"): often for name, often in frequencies.items()}

    def frequency(self, term: str) -> int:
        return self.frequencies.get(term, 0)

    def beginning(self, start: str) -> list[str]:
        return [term for term in self.frequencies if term.startswith(start)]


@pytest.mark.parametrize(
    ("held", "alike"),
    [
        (Held(d_orlean=3, orlean=2), {"orlean", "d'orlean"}),
        (Held(d_orlean=3, orlean=3), {"orlean"}),
        (Held(d_orlean=300, orlean=100), {"orlean"}),
        (Held(orlean_da=1), {"orlean", "orlean'da"}),
        (Held(orleanist=3), {"orlean"}),
        (Held(orlean_t=3, orlean_ll=3, orlean_tan=3), {"orlean", "orlean'tan"}),
    ],
)
def test_a_word_that_mostly_stands_alone_is_no_other(held: Held, alike: set[str]) -> None:
    (found,) = variants(parse_query("Orlean"), held)
    assert {term for term in found if held.frequency(term)} | {"orlean"} == alike
    assert all(found["orlean"] > worth for term, worth in found.items() if term != "orlean")


@given(st.text(max_size=80))
def test_each_term_of_a_query_is_looked_for_as_it_is(text: str) -> None:
    query = parse_query(text)
    found = variants(query, Held())
    assert [alike[term] for term, alike in zip(query.terms, found, strict=True)] == [1.0] * len(
        found
    )
    assert len(found) == len(query.terms)
