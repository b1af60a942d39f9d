"""Sentences and passages: nothing is lost, and offsets point at the text."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.index import Document, Section, sentence_spans, sentences, split

TEXT = st.text(alphabet="abc ABC.!?\n-'\"12é中。」．„“¿ก", max_size=400)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It opened in 1890. It is long.", ("It opened in 1890.", "It is long.")),
        (
            "Mr. Baker and J. Fowler met. They built.",
            ("Mr. Baker and J. Fowler met.", "They built."),
        ),
        ("It cost 3.2 million. So much!", ("It cost 3.2 million.", "So much!")),
        ('He said "No." She left.', ('He said "No."', "She left.")),
        ("One\n\nTwo", ("One", "Two")),
        ("The parts:\n- one\n- two", ("The parts:", "- one", "- two")),
        ("a line\nthat goes on. End.", ("a line that goes on.", "End.")),
        ("It is approx. Ten of them. So.", ("It is approx. Ten of them.", "So.")),
        ("Wait... What? Yes.", ("Wait...", "What?", "Yes.")),
        ("一。二。", ("一。", "二。")),
        (
            "他说：「好。」然后走了。（完。）下。",
            ("他说：「好。」", "然后走了。", "（完。）", "下。"),
        ),
        ("何？！３．５だ．次｡", ("何？！", "３．５だ．", "次｡")),
        ("ปี พ.ศ. ๒๕๒๕ มี พ.ร.บ. ใหม่", ("ปี พ.ศ. ๒๕๒๕ มี พ.ร.บ. ใหม่",)),
        ("ភ្នំពេញ។ ទីក្រុង។", ("ភ្នំពេញ។", "ទីក្រុង។")),
        ("„Komm mit.“ Dann ging er. „Ja.“", ("„Komm mit.“", "Dann ging er.", "„Ja.“")),
        ("»Komm.« Dann. ‹Oui.› Non.", ("»Komm.«", "Dann.", "‹Oui.›", "Non.")),
        ("Murió en 1936. ¿Dónde? ¡Sí!", ("Murió en 1936.", "¿Dónde?", "¡Sí!")),
        ("서울은 한국의 수도이다. 부산은 항구다.", ("서울은 한국의 수도이다.", "부산은 항구다.")),
        ("القاهرة عاصمة مصر. تقع على النيل.", ("القاهرة عاصمة مصر.", "تقع على النيل.")),
        ("यह किला है। वह नगर है।", ("यह किला है।", "वह नगर है।")),
        ("Ελλάδα. Έτσι.", ("Ελλάδα.", "Έτσι.")),
        ("Život je lep. Česko je.", ("Život je lep.", "Česko je.")),
        ("Роман написал Л. Н. Толстой. Он жил.", ("Роман написал Л. Н. Толстой.", "Он жил.")),
        ("É. Zola e E\u0301. Zola. Fin.", ("É. Zola e E\u0301. Zola.", "Fin.")),
        ("나. 너. 가.", ("나.", "너.", "가.")),
        ("Er starb am 3. Oktober 1990. Mai.", ("Er starb am 3. Oktober 1990.", "Mai.")),
        ("Es war am 7. Feber 1990. Mai.", ("Es war am 7. Feber 1990.", "Mai.")),
        ("Im 19. Jahrhundert, 2. Auflage.", ("Im 19. Jahrhundert, 2. Auflage.",)),
        ("Es waren 12. Mainz fiel.", ("Es waren 12.", "Mainz fiel.")),
        ("He was 12. April 1990 brought war.", ("He was 12.", "April 1990 brought war.")),
        ("Seit 12. April, vom 1. August an.", ("Seit 12. April, vom 1. August an.",)),
        (
            "a line\nthat goes on " + "and on " * 60,
            ("a line that goes on " + "and on " * 59 + "and on",),
        ),
        ("", ()),
    ],
)
def test_borders(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected


def test_a_log_has_a_sentence_in_each_line() -> None:
    lines = [f"10:{minute:02} INFO pump {minute} started at the mill" for minute in range(60)]
    assert sentences("\n".join(lines)) == tuple(lines)
    assert len(sentences("\n".join(lines) * 300)) > 17_000


def test_thai_has_a_border_at_spaces() -> None:
    clause = "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย"
    assert sentences(f"{clause} {clause} " * 20) == (f"{clause} {clause}",) * 20
    assert sentences(f"{clause} 1782 " * 2) == (f"{clause} 1782 {clause} 1782",)


@given(TEXT)
def test_no_word_is_lost_and_spans_are_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def document(text: str, *sections: Section) -> Document:
    return Document("d", "Title", "/d.txt", text, sections or (Section(0, len(text)),))


@given(TEXT, st.integers(1, 30))
def test_passages_are_the_text_and_all_of_it(text: str, repeat: int) -> None:
    text = text * repeat
    passages = split(document(text))
    assert all(text[passage.start : passage.end] == passage.text for passage in passages)
    assert all(p.line == text.count("\n", 0, p.start) + 1 for p in passages)
    assert "".join("".join(p.text for p in passages).split()) == "".join(text.split())
    assert len({passage.id for passage in passages}) == len(passages)


def test_a_passage_is_about_120_words_and_ends_with_a_sentence() -> None:
    text = " ".join(f"This is the sentence with number {n}." for n in range(200))
    passages = split(document(text))
    assert all(100 <= len(p.text.split()) <= 150 for p in passages[:-1])
    assert all(p.text.endswith(".") for p in passages)


def test_text_without_punctuation_is_cut_all_the_same() -> None:
    passages = split(document("word " * 1000))
    assert max(len(passage.text.split()) for passage in passages) <= 300


@pytest.mark.parametrize(
    ("text", "most"),
    [("汉字是记录汉语的文字。", 300), ("汉字，" * 90, 700), ("กรุงเทพเป็นเมือง ", 300)],
)
def test_a_passage_without_spaces_is_no_longer_than_one_with_them(text: str, most: int) -> None:
    passages = split(document(text * 100))
    assert all(200 <= len(passage.text) <= most for passage in passages[:-1])


@pytest.mark.parametrize("text", ["0af3" * 10_000, "汉字是记录汉语的文字，" * 1000, "x y" * 9_000])
def test_text_with_few_spaces_is_cut_all_the_same(text: str) -> None:
    passages = split(document(text))
    assert max(len(passage.text) for passage in passages) <= 2400
    assert "".join("".join(p.text for p in passages).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("headings", "label"),
    [
        ((), "Pump manual"),
        (("Model B",), "Pump manual › Model B"),
        (("Pumps", "Model B", "Oil"), "Pump manual › Model B › Oil"),
        (("Pump manual", "Oil\n change"), "Pump manual › Oil change"),
        (("x" * 61,), f"Pump manual › {'x' * 59}…"),
    ],
)
def test_what_a_passage_is_about(headings: tuple[str, ...], label: str) -> None:
    section = Section(0, 4, headings)
    (passage,) = split(Document("d", "Pump manual", "/d", "Text", (section,)))
    assert passage.label == label


def test_a_passage_says_where_it_stands() -> None:
    text = "First.\nSecond."
    passages = split(
        document(text, Section(0, 6, page=3), Section(7, 14, headings=("History", "Early")))
    )
    assert [p.place for p in passages] == ["p. 3", "§ History › Early"]
    assert split(document("\n\nHere."))[0].place == "line 3"


def test_a_text_that_has_not_the_lines_of_its_file_has_no_place() -> None:
    taken = replace(document("\n\nHere."), is_extracted=True)
    assert [(p.line, p.place) for p in split(taken)] == [(0, "")]
    assert split(replace(taken, line=7))[0].place == "line 7"


@pytest.mark.parametrize("text", ["G. Aad, B. Abbott, " * 20_000, "." * 300_000])
def test_long_lists_of_initials_and_rows_of_dots_are_no_trouble(text: str) -> None:
    # Were each looked at from the beginning of its sentence, this would take hours.
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
