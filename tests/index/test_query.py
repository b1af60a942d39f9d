"""Queries: every string is one; phrases and fields for those who want them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.index import Library
from edge_agent.index.analysis import all_terms, terms, words
from edge_agent.index.query import parse_query


@given(st.text(max_size=200) | st.text(alphabet='"“” :title:texthd() \t', max_size=80))
def test_every_string_is_a_query(text: str) -> None:
    query = parse_query(text)
    assert len(set(query.terms)) == len(query.terms) <= 64
    assert all(len(phrase) > 1 for phrase in query.phrases)
    assert query.phrases_in(text) or query.phrases


def test_words_are_stemmed_and_folded_and_stop_words_are_left_out() -> None:
    assert parse_query("the Designers of Brontë's bridges").terms == ("design", "bront", "bridg")
    assert terms("Bronte") == terms("Brontë’s")


def test_stop_words_count_where_there_is_nothing_else() -> None:
    assert parse_query("To be").terms == ("to", "be")


@pytest.mark.parametrize(
    ("text", "same"),
    [("Zu\u0308rich", "Zürich"), ("C\u0327elik’s", "Çelik's"), ("o\u0302 Việt", "ô Viê\u0323t")],
)
def test_accents_may_be_written_in_either_way(text: str, same: str) -> None:
    assert terms(text) == terms(same)
    assert all_terms(text) == all_terms(same)


def test_vowels_of_indian_scripts_belong_to_their_words() -> None:
    assert words("हिन्दी में लिखा।") == ["हिन्दी", "में", "लिखा"]
    assert terms("किला") != terms("कला")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Donau\u00adschiff\u00adfahrt", "Donauschifffahrt"),
        ("zero\u200bwidth\u2060word\ufeff", "zerowidthword"),
        ("ශ්\u200dරී", "ශ්රී"),
        ("مُحَمَّد بْنُ", "محمد بن"),
        ("قـبلة", "قبلة"),
        ("ﻣﺼﺮ", "مصر"),
        ("בְּרֵאשִׁית", "בראשית"),
        ("ＮＨＫ１２．５", "NHK12.5"),
        ("ﾎﾟｽﾄ", "ポスト"),
        ("oﬃce", "office"),
        ("٧٨٠ १८६९ ๒๕", "780 1869 25"),
    ],
)
def test_the_form_of_a_letter_and_the_signs_about_it_tell_nothing(text: str, same: str) -> None:
    assert terms(text) == terms(same)
    assert all_terms(text) == all_terms(same)


def test_powers_and_numbers_of_notes_are_no_digits() -> None:
    assert terms("10² and 1990¹²: H₂O, km²") == ["10", "2", "1990", "12", "h2o", "km2"]


def test_phrases_and_fields_are_demands() -> None:
    query = parse_query('title:Fram "of the Firth" heading:"Early years" boat')
    assert query.phrases == (("of", "the", "firth"), ("earli", "year"))
    assert query.fields == (("title", "fram"), ("headings", "earli"), ("headings", "year"))
    assert query.text == "Fram of the Firth Early years boat"


@pytest.mark.parametrize("text", ['"unfinished', "title:", 'a "" b', "12:30 o'clock", "http://x"])
def test_what_only_looks_like_syntax_is_words(text: str) -> None:
    assert not parse_query(text).demanding


def test_a_phrase_is_found_as_it_stands() -> None:
    query = parse_query('"Firth of Forth"')
    assert query.phrases_in("Across the firth of Forth.")
    assert not query.phrases_in("The Forth, a firth of note.")


def test_languages_without_spaces_are_searched_by_pairs() -> None:
    assert terms("東京都") == ["東京", "京都"]
    assert terms("ประเทศ ខ្មែរ မြန်") == (
        ["ปร", "ระ", "ะเ", "เท", "ทศ", "ខ្", "្ម", "មែ", "ែរ", "မြ", "ြန", "န်"]
    )
    assert words("東京 tower") == ["東京", "tower"]


@given(st.text(max_size=300) | st.text(alphabet="aé1²１．ﾎﾟポ東กً่م\u00ad\u0301'", max_size=60))
def test_terms_are_among_all_terms(text: str) -> None:
    assert set(terms(text)) <= set(all_terms(text))
    assert all(len(term) <= 100 for term in all_terms(text))
    assert words(" ".join(words(text))) == words(text)


@pytest.fixture
def bridges(tmp_path: Path) -> Library:
    folder = tmp_path / "bridges"
    folder.mkdir()
    (folder / "a.md").write_text("# Forth Bridge\n\nSteel. Steel. Over the Firth of Forth.")
    (folder / "b.md").write_text("# Steel\n\nSteel is for a forth bridge, and a firth.")
    (folder / "c.md").write_text("# Iron\n\n## Early uses\n\nCast iron made the Iron Bridge.")
    library = Library(tmp_path / "library")
    library.add([folder])
    return library


@pytest.mark.parametrize(
    ("query", "first"),
    [('steel "forth bridge"', "Forth Bridge"), ('"Firth of Forth" steel steel', "Forth Bridge"),
     ("title:iron bridge", "Iron"), ("heading:early steel", "Iron"),
     ("title:nowhere iron", "Iron")],
)  # fmt: skip
def test_what_is_demanded_comes_first_and_nothing_is_left_out(
    bridges: Library, query: str, first: str
) -> None:
    titles = [hit.passage.title for hit in bridges.search(query)]
    assert titles[0] == first
    if "steel" in query:
        assert {"Steel", "Forth Bridge"} <= set(titles)


def test_a_phrase_with_small_words_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "venice"
    folder.mkdir()
    (folder / "a.md").write_text("# Venice\n\nProsecutors led them over the Bridge of Sighs.")
    (folder / "b.md").write_text("# Song\n\nSighs, sighs, a bridge, a bridge and sighs again.")
    library = Library(tmp_path / "library")
    library.add([folder])
    assert library.search('"Bridge of Sighs"')[0].passage.title == "Venice"


def test_a_slip_is_noticed_when_nothing_is_found(bridges: Library) -> None:
    assert bridges.search("brigde") == ()
    assert bridges.suggestion("the brigde") == "the Bridge"
    assert bridges.suggestion("bridge") is None
    assert bridges.suggestion("xylophone") is None
