"""Which passages an answer rests on, word by word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_agent.checking.citing import cite
from edge_agent.checking.claims import verified
from edge_agent.checking.wording import states
from edge_agent.events import Quote
from edge_agent.evidence import Evidence
from edge_agent.index import Document, Section, split


def evidence(*texts: str) -> Evidence:
    return about(*((f"T{number}", text) for number, text in enumerate(texts)))


def about(*passages: tuple[str, str]) -> Evidence:
    """Return evidence whose passages have the titles that are told before their texts."""
    made = Evidence()
    for number, (title, text) in enumerate(passages):
        document = Document(f"d{number}", title, "/d", text, (Section(0, len(text)),))
        made.add("library", split(document)[0])
    return made


class Unmoved:
    """An embedder to which all texts mean the same, as those of scripts are that it cannot read."""

    name = "unmoved"
    dimensions = 1

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 1), np.float32)


@pytest.mark.parametrize(
    ("text", "answer", "stated"),
    [
        ("It opened on 4 March 1890.", "4 March 1890", True),
        ("It opened on 4 March 1890.", "March 1890.", True),
        ("It opened in 1890.", "189", False),
        ("By Benjamin BAKER.", "benjamin baker", True),
        ("It has eight locks.", "8", True),
        ("It has 12 locks.", "twelve", True),
        ("Paid £50 a year.", "£50", True),
        ("他1964年出生于北京。", "北京", True),
        ("彼は東京で生まれた。", "京都", False),
        ("서울은 한국의 수도이다.", "서울", True),
        ("Born in Zu\u0308rich.", "Zürich", True),
        ("The tower is 1,200 m high.", "1200 m", True),
        ("The tower is 1,200 m high.", "200 m", False),
        ("The stadium has 12,345, making it the largest.", "12,345", True),
        ("Of 1,200,000, the most.", "200,000", False),
        ("In the years 1990,1991 and 1992.", "1991", True),
        ("Prices rose by 2.5 per cent.", "5 per cent", False),
        ("Prices rose by 2.5 per cent.", "2.5", True),
        ("The universal donor is blood type O-.", "O+", False),
        ("The universal donor is blood type O−.", "O-", True),
        ("It was −40 °C.", "40 °C", False),
        ("It was −40 °C.", "-40 °C", True),
        ("From 1990 -1995, in COVID-19.", "1995", True),
        ("It is written in C++.", "C#", False),
        ("It is written in C++.", "c++", True),
        ("यह किला है", "कला", False),
        ("Wien hat 1.234.567 Einwohner.", "567 Einwohner", False),
        ("Wien hat 1.234.567 Einwohner.", "1,234,567", True),
        ("La ville compte 10\u202f500 habitants.", "500 habitants", False),
        ("Der Umsatz wuchs um 12,5 Prozent.", "5 Prozent", False),
        ("Der Umsatz wuchs um 12,5 Prozent.", "12.5", True),
        ("Der Umsatz wuchs um 12,5 Prozent.", "12,5", True),
        ("See pages 12, 15 and 20.", "pages 12,15", True),
        ("See pages 12,15 and 20.", "pages 12, 15", True),
        ("The point (3, 4) lies on it.", "(3,4)", True),
        ("Es maß 10² cm.", "10 cm", False),
        ("A house owned by Gri\ufb03th.", "Griffith", True),
        ("Die Donau\u00adschiff\u00adfahrt.", "Donauschifffahrt", True),
        ("Die Donau\u00adschiff\u00adfahrt.", "fahrt", False),
        ("戦争は１９４５年に終わった。", "1945年", True),
        ("सन् १८६९ में", "1869", True),
        ("HAUPTSTRASSE", "Hauptstraße", True),
        ("เมืองหลวงคือกรุงเทพ", "กรุงเทพ", True),
        ("Anything", "", False),
        ("Anything", "?!", False),
    ],
)
def test_what_a_text_states(text: str, answer: str, stated: bool) -> None:
    assert states(text, answer) is stated


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(text: str, answer: str) -> None:
    assert states(text, answer) in (True, False)


def test_passages_that_state_the_answer_come_first() -> None:
    shown = evidence("The Fram was designed by Archer.", "Archer was born in Larvik.", "Noise.")
    found = cite(
        "Where was the designer of the Fram born?",
        "Larvik",
        [Quote(1, "The Fram was designed by Archer.")],
        shown.since(0),
    )
    assert [(citation.key, citation.supported) for citation in found] == [(2, True), (1, True)]


def test_of_passages_that_state_the_answer_those_that_were_quoted_are_cited() -> None:
    texts = (
        "Larvik is where Archer was born.",
        "Archer was born in Larvik.",
        "Archer left Larvik.",
    )
    shown = evidence(*texts).since(0)
    question = "Where was Archer born?"

    def cited(*quotes: Quote) -> list[int]:
        return [citation.key for citation in cite(question, "Larvik", quotes, shown)]

    assert cited(Quote(2, texts[1])) == [2]
    assert cited(Quote(1, texts[0]), Quote(2, texts[1])) == [1, 2]
    assert cited() == [1]


def test_a_quote_that_has_nothing_to_do_with_it_is_cited_as_unsupported() -> None:
    shown = evidence("Tea is a drink.", "Archer was born in Larvik.")
    found = cite("Where was Archer born?", "Larvik", [Quote(1, "Tea is a drink.")], shown.since(0))
    assert [(citation.key, citation.supported) for citation in found] == [(2, True), (1, False)]


def test_a_link_of_a_chain_is_about_what_its_passage_is_about() -> None:
    directed = "It was written by Carl Foreman and directed by Richard Attenborough."
    shown = about(("Young Winston", directed), ("Tea", "Tea is a drink."))
    quotes = [Quote(1, directed), Quote(2, "Tea is a drink.")]
    question = "Do both films: Young Winston and Ekangi have the directors from the same country?"
    found = verified(question, "no", quotes, shown.since(0))
    assert found.answer == "no"
    assert [(each.key, each.supported) for each in found.citations] == [(1, True), (2, False)]


def test_what_a_link_is_about_does_not_make_up_for_an_answer_without_support() -> None:
    acted = "She is the daughter of actors, and the granddaughter of a poet."
    shown = about(("Johanna Schall", acted), ("Maria Antonia", "An Electress of Bavaria."))
    question = "Where does Johanna Schall's father work?"
    assert verified(question, "Bavaria", [Quote(1, acted)], shown.since(0)).answer is None


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_passage_that_was_quoted_twice_the_nearer_quote_counts(order: int) -> None:
    sentences = ("The Fram was designed by Archer.", "She had a crew of sixteen.")[::order]
    shown = evidence(" ".join(sentences), "Archer was born in Larvik.")
    quotes = [Quote(1, sentence) for sentence in sentences]
    question = "Where was the designer of the Fram born?"
    _, link = cite(question, "Larvik", quotes, shown.since(0))
    assert (link.quote, link.supported) == ("The Fram was designed by Archer.", True)


def test_where_a_chain_ends_need_not_have_words_of_the_question() -> None:
    made = about(
        ("They Came to Cordura", "They Came to Cordura was directed by Robert Rossen."),
        ("Robert Rossen (writer)", "Rossen was born in New York City."),
    )
    first, second = made.since(0)
    question = "Where is the director of the film They Came to Cordura from?"
    for quoted in ([], [1], [2], [1, 2]):
        quotes = [
            Quote(each.key, each.passage.text) for each in (first, second) if each.key in quoted
        ]
        found = verified(question, "New York City", quotes, [first, second])
        assert [(each.key, each.supported) for each in found.citations][:1] == [(2, True)]
    assert verified(question, "New York City", [], [second]).answer is None
    assert (
        verified("Which ship did Ruiz paint?", "New York City", [], [first, second]).answer is None
    )


def test_what_a_passage_is_about_answers_a_question_about_what_it_says() -> None:
    text = "Ingredients: rice, saffron and mussels."
    document = Document("p", "Paella", "/d", text, (Section(0, len(text)),))
    made = Evidence()
    made.add("library", split(document)[0])
    question = "Which recipe is made of saffron and mussels?"
    answered = verified(question, "Paella", [], made.since(0))
    assert [each.quote for each in answered.citations] == [text]
    assert verified("Who built the Fram?", "Paella", [], made.since(0)).answer is None


@pytest.mark.parametrize(
    ("question", "answer", "keys"),
    [
        ("Who wrote Red Sand, and who wrote The Mill?", "Tom Hale and Eva Lind", [(1,), (2,)]),
        ("Who wrote Red Sand, and who wrote The Mill?", "Tom Hale and Otto Lund", None),
        ("Which towns does the line serve?", "Larvik, Sandefjord, Tønsberg", [(3,), (3,), (3,)]),
        ("Which towns does the line serve?", "Larvik, Sandefjord, Lund", None),
        ("Which town does the line serve?", "Larvik, Tønsberg", None),
    ],
)
def test_what_an_answer_lists_is_checked_thing_by_thing(
    question: str, answer: str, keys: list[tuple[int, ...]] | None
) -> None:
    shown = evidence(
        "Red Sand was written by Tom Hale.",
        "Eva Lind wrote The Mill.",
        "The line serves these towns:\n\n- Larvik is a town on the line.\n\n"
        "- Sandefjord is a town on the line.\n\n- Tønsberg is a town on the line.",
    )
    found = verified(question, answer, [], shown.since(0))
    assert (found.answer is None) is (keys is None)
    assert [claim.keys for claim in found.claims] == (keys or [])


def test_a_verdict_may_say_more_words_but_nothing_else() -> None:
    shown = evidence("Lund is a town in Sweden.", "Larvik is a town in Norway.").since(0)
    question = "Are the town Lund and the town Larvik in the same country?"
    assert verified(question, "No, they are not", [], shown).answer == "No, they are not"
    assert verified(question, "No, Lund is in Denmark", [], shown).answer is None


@pytest.mark.parametrize("answer", ["No. 1", "No one", "Yes It Is"])
def test_what_only_begins_like_a_verdict_has_to_be_stated(answer: str) -> None:
    shown = evidence("The single Blue reached number 5 on the chart.").since(0)
    question = "What position did the single Blue reach on the chart?"
    assert verified(question, answer, [], shown).answer is None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("In what year did Ana Ruiz release Blue?", "2004"),
        ("When did Ana Ruiz release her song Blue?", "Ana Ruiz"),
        ("When did Ana Ruiz die?", "Early career"),
    ],
)
def test_a_title_answers_no_question_about_itself_and_no_heading_does(
    question: str, answer: str
) -> None:
    text = "It was there that she released her song Blue in 1999."
    section = Section(0, len(text), ("1998–2004: Early career",))
    made = Evidence()
    made.add("library", split(Document("d", "Ana Ruiz", "/d", text, (section,)))[0])
    assert verified(question, answer, [], made.since(0)).answer is None


def test_what_no_passage_states_has_no_citations_unless_it_is_a_verdict() -> None:
    shown = evidence("The Fram was designed by Archer.")
    quotes = [Quote(1, "The Fram was designed by Archer.")]
    question = "Was the Fram designed by Archer?"
    assert cite(question, "Th Archer", quotes, shown.since(0)) == ()
    (citation,) = cite(question, "Yes", quotes, shown.since(0))
    assert citation.supported


def test_the_words_of_an_answer_may_be_apart_in_a_sentence_that_states_it() -> None:
    shown = evidence("Francis Morrison (January 15, 1845) was a soldier.")
    (citation,) = cite("Who is older?", "Morrison, 1845", [], shown.since(0))
    assert citation.quote == "Francis Morrison (January 15, 1845) was a soldier."


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("B. Eason (October 2, 1886 – June 9, 1956) was a director.", "June 2, 1956"),
        ("B. Eason (October 2, 1886 – June 9, 1956) was a director.", "October 9, 1956"),
        ("James Brown and John Smith founded it.", "James Smith"),
        ("James Brown, John Smith and others founded it.", "James Smith"),
        ("It was held from June 3–5, 1989, and on 7 May 1990.", "June 7, 1990"),
        ("The 5 bridges together span 12 km.", "5 km"),
        ("In 20 towns live 3 million people.", "20 million"),
        ("He had 3 sons and 5 daughters.", "3 daughters"),
    ],
)
def test_parts_of_two_dates_names_or_amounts_are_no_third_one(sentence: str, answer: str) -> None:
    assert cite("Who or when?", answer, [], evidence(sentence).since(0)) == ()


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("Tom Hale (born 3 May 1899) was a writer.", "May 3, 1899"),
        ("She was built on 9 June 1956 by John Smith.", "John Smith, June 1956"),
    ],
)
def test_a_date_may_be_written_otherwise(sentence: str, answer: str) -> None:
    assert len(cite("Who was it, and when?", answer, [], evidence(sentence).since(0))) == 1


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("The Flyer was built by Orville and Wilbur Wright.", "Wilbur and Orville Wright"),
        ("Anne, Emily and Charlotte Brontë published poems.", "Emily Brontë"),
        ("Anne, Emily and Charlotte Brontë published poems.", "Anne Brontë"),
        ("It was founded by John William Smith.", "John Smith"),
        ("Charles III was king of Spain.", "King Charles III"),
        ("The fair was held June 3–5, 1989.", "June 3, 1989"),
        ("It was held from 5 to 7 May 1900.", "5 May 1900"),
        ("It began on the 12th of May 1920.", "12th May 1920"),
        ("The 5 bridges together span 12 km.", "bridges, 12 km"),
        ("It has twenty small towns.", "20 towns"),
        ("Ana Ruiz is a racing driver who competed in Formula One.", "Formula One driver"),
        ("An album by Blink 182.", "Blink 182 album"),
    ],
)
def test_who_or_when_may_be_written_with_others(sentence: str, answer: str) -> None:
    assert len(cite("Who was it, and when?", answer, [], evidence(sentence).since(0))) == 1


@pytest.mark.parametrize(
    "claim",
    [
        "During World War II the old bridge was destroyed by the German army in retreat.",
        "King Charles III had the old bridge built with 12 arches over the river Tagus.",
    ],
)
def test_a_word_before_a_name_is_not_asked_for(claim: str) -> None:
    text = (
        "The old bridge, which Charles III had built with 12 arches over the river Tagus, was "
        "destroyed in World War II by the German army in its retreat."
    )
    (checked,) = verified("What of the bridge?", claim, [], evidence(text).since(0)).claims
    assert checked.supported


def test_a_sentence_of_an_answer_has_no_name_that_its_passage_lacks() -> None:
    text = "Ana Ruiz was a painter and director, born in Toledo in 1912."
    shown = evidence(f"{text} She made Night Ferry.").since(0)
    said = "Ana Ruiz was born in {} in 1912. She made Night Ferry."
    claims = verified("Who was Ana Ruiz?", said.format("Toledo"), [], shown).claims
    assert [claim.supported for claim in claims] == [True, True]
    claims = verified("Who was Ana Ruiz?", said.format("Madrid"), [], shown).claims
    assert [claim.supported for claim in claims] == [False, True]


def test_a_number_that_stands_somewhere_else_does_not_support_an_answer() -> None:
    shown = evidence("In 1500 she sailed.")
    assert [c.supported for c in cite("How many rivets has it?", "1500", [], shown.since(0))] == [
        False
    ]


def test_every_citation_quotes_its_passage() -> None:
    shown = evidence("One. Larvik is a town. Two.")
    (citation,) = cite("What is Larvik?", "a town", [], shown.since(0))
    exhibit = shown.get(citation.key)
    assert exhibit is not None
    assert citation.quote in exhibit.passage.text


def test_a_key_that_was_never_given_has_no_passage() -> None:
    shown = evidence("One.")
    assert [shown.get(key) for key in (0, 2, -1)] == [None, None, None]


def test_a_passage_with_the_word_no_does_not_say_no() -> None:
    question = "Are Lund and Turku in the same country?"
    shown = evidence("Lund has no airport.", "Lund is in Sweden.", "Turku is in Finland.")
    quotes = [Quote(2, "Lund is in Sweden."), Quote(3, "Turku is in Finland.")]
    assert [each.key for each in cite(question, "no", quotes, shown.since(0))] == [2, 3]
    elsewhere = evidence("Symphony No. 5 was played.", "Lund in the country of Sweden is the same.")
    assert [each.key for each in cite(question, "No", [], elsewhere.since(0))] == [2]


@pytest.mark.parametrize(
    ("sentence", "said", "other", "same"),
    [
        ("Eva Lind was born in Toledo on {} May 1912.", "1", "4", "1"),
        ("In that year prices rose by {} per cent.", "1.5", "2.5", "1.5"),
        ("The tower beside the river is {} m high.", "1,200", "3,200", "1200"),
        ("The bridge over the firth was {} built.", "not", "well", "never"),
    ],
)
def test_a_sentence_of_an_answer_has_to_have_its_numbers_and_denials(
    sentence: str, said: str, other: str, same: str
) -> None:
    answer = f"{sentence.format(said)} That is what the old book tells us."
    for told, held in ((other, False), (same, True)):
        shown = evidence(sentence.format(told)).since(0)
        found = verified("What is known of it?", answer, [], shown)
        assert any(each.supported for each in found.claims) is held


@pytest.mark.parametrize(
    ("sentence", "place", "other"),
    [
        ("夏目漱石は{}で生まれた小説家である。", "江戸", "京都"),
        ("林语堂是{}的著名作家和翻译家。", "福建漳州", "四川成都"),
        ("สุนทรภู่เกิดที่{}ในสมัยต้นรัตนโกสินทร์", "กรุงเทพ", "เชียงใหม่"),
    ],
)
@pytest.mark.parametrize("with_vectors", [False, True])
def test_a_sentence_of_characters_has_to_have_its_names(
    sentence: str, place: str, other: str, with_vectors: bool
) -> None:
    shown = evidence(f"{sentence.format(place)} 京都や四川、成都を訪れた。").since(0)
    embedder = Unmoved() if with_vectors else None
    for told, held in ((place, True), (other, False)):
        found = verified("?", sentence.format(told), [], shown, embedder)
        assert (found.answer is not None) is held


def test_a_name_word_for_word_bears_out_what_has_small_letters_beyond_latin() -> None:
    told = "The shōgun Tokugawa Ieyasu died in the town of Sunpu in the summer of 1616 after all."
    assert verified("How did he die?", told, [], evidence(told).since(0)).answer == told
    assert verified("How did he die?", told.replace("ō", "o"), [], evidence(told).since(0)).answer


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
def test_an_answer_of_white_space_is_checked_at_once() -> None:
    shown = evidence("Archer was born in Larvik.").since(0)
    assert (
        verified("Where was Archer born?", f"Larvik{' ' * 50_000}Norway", [], shown).answer is None
    )
