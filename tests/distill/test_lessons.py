"""Lessons: what is known of a question, in which order, and what may be asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import Lesson, Need, lessons, mentioned, queries
from made_up import BRIDGE, FURTHER, QUESTIONS, STEPS, TRIPLES, write_set
from teacher import answer_from, is_stated_elsewhere

from edge_agent.checking.names import names
from edge_agent.checking.wording import content_words
from edge_agent.index import Passage


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lesson]:
    folder = tmp_path_factory.mktemp("sets") / "films"
    dev: dict[str, Any] = {"id": "dev", "split": "dev", **BRIDGE, "gold": ["Night Ferry", "Toledo"]}
    return {each.id: each for each in lessons(write_set(folder, QUESTIONS | {"dev": dev}))}


def test_only_training_questions_are_lessons(made: dict[str, Lesson]) -> None:
    assert set(made) == set(QUESTIONS)


def test_what_may_be_asked_of_the_student_later_is_no_lesson(tmp_path: Path) -> None:
    question, gold = "Who made Night Ferry?", ["Night Ferry"]
    asked = {
        "twin": {"question": "Who directed it?", "answer": "Ana Ruiz", "gold": gold},
        "other": {"question": "Where?", "answer": "Cadiz", "gold": ["Night Ferry", "Ana Ruiz"]},
        "dev": {"split": "dev", "question": question, "answer": "Ana Ruiz", "gold": gold},
    }
    assert [each.id for each in lessons(write_set(tmp_path / "films", asked))] == ["other"]


def test_a_revision_of_a_document_is_the_same_document(tmp_path: Path) -> None:
    asked = {
        "twin": {"question": "Who made it?", "answer": "Ana Ruiz", "gold": ["revised"]},
        "dev": {"split": "dev", "question": "Whose is it?", "answer": "Ana Ruiz", "gold": ["old"]},
        "two": {"question": "Which?", "answer": "Ana Ruiz", "gold": ["other"]},
    }
    folder = write_set(tmp_path / "films", asked)
    text = "Night Ferry is a 1951 film that was directed by Ana Ruiz. "
    documents = [
        {"id": "old", "title": "Night Ferry", "text": text},
        {"id": "revised", "title": "Night Ferry", "text": f"{text} It won a prize."},
        {"id": "other", "title": "Night Ferry (poem)", "text": text},
    ]
    corpus = "".join(f"{json.dumps(each)}\n" for each in documents)
    (folder / "corpus.jsonl").write_text(corpus)
    (lesson,) = lessons(folder)
    assert (lesson.id, lesson.needs[0].twin) == ("two", "other")


def test_questions_about_the_same_document_are_kept_back_together() -> None:
    def about(number: int, *documents: str) -> Lesson:
        needs = tuple(Need(document, "T", (), "", "") for document in documents)
        return Lesson("s", str(number), "q?", (), needs)

    for document in map(str, range(40)):
        assert len({about(number, document).held for number in range(20)}) == 1
    assert len({about(number, "a", "b").held for number in range(40)}) == 2


def test_needs_stand_in_the_order_of_the_steps_that_have_them(made: dict[str, Lesson]) -> None:
    needs = made["steps"].needs
    assert [need.title for need in needs] == ["Night Ferry", "Ana Ruiz"] != STEPS["gold"]
    assert [need.says for need in needs] == ["Ana Ruiz", "Toledo"]


def test_a_step_has_the_names_of_those_before_it(made: dict[str, Lesson]) -> None:
    asked = [need.ask for need in made["steps"].needs]
    assert [" ".join(each.split()) for each in asked] == [
        "Night Ferry director",
        "Where was Ana Ruiz born",
    ]


def test_evidence_is_known_by_its_sentences_or_by_what_it_says(made: dict[str, Lesson]) -> None:
    first, second = made["triples"].needs
    assert first.sentences == ("Red Sand is a novel by Tom Hale.",)
    assert [first.ask, second.ask] == [each[1] for each in TRIPLES["evidences"]]
    assert first.met_by("Red Sand is a  novel by Tom Hale.")
    assert not first.met_by("Tom Hale kept bees.")
    (need,) = made["further"].needs
    assert need.sentences == ()
    assert need.met_by("Trieste was her last home.")
    assert not need.met_by(str(FURTHER["question"]))


def test_an_answer_is_right_whatever_its_spelling_and_order(made: dict[str, Lesson]) -> None:
    assert made["steps"].accepts("toledo.")
    assert made["steps"].accepts("The town of Toledo")
    assert made["triples"].accepts("3 May 1899")
    assert not made["triples"].accepts("May 1899")
    assert not made["steps"].accepts(None)


def test_questions_without_a_corpus_are_lessons_for_reading(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "loose", {"q": {"question": "Where?", "answer": "Lund",
                       "sentences": ["she met Eva Lind.", "she rests"]}})  # fmt: skip
    (folder / "corpus.jsonl").unlink()
    (lesson,) = lessons(folder)
    assert [need.title for need in lesson.needs] == ["Eva Lind", "she rests"]
    assert [need.document for need in lesson.needs] == ["q-0", "q-1"]


def test_a_sentence_that_begins_with_a_pronoun_stays_with_the_one_before(tmp_path: Path) -> None:
    told = ["Eva Lind was a writer.", "She lived in Lund.", "The park is in Turku.", "It is old."]
    folder = write_set(tmp_path / "loose", {"q": {"question": "Where?", "answer": "Lund",
                       "sentences": told}})  # fmt: skip
    (folder / "corpus.jsonl").unlink()
    (lesson,) = lessons(folder)
    assert [(need.title, *need.sentences) for need in lesson.needs] == [
        ("Eva Lind", "Eva Lind was a writer. She lived in Lund."),
        ("Turku", "The park is in Turku. It is old."),
    ]


def test_evidence_of_the_set_whose_passages_are_borrowed_is_not_taught(tmp_path: Path) -> None:
    lender = write_set(tmp_path / "films", {"dev": {"split": "dev", **BRIDGE}})
    evidence = ["Night Ferry is a 1951 film directed by Ana Ruiz.", "Her parents left Toledo when "
                "she was born."]  # fmt: skip
    asked = {
        "same": {"question": "Who?", "answer": "Ana Ruiz", "sentences": evidence},
        "part": {"question": "Who?", "answer": "Ana Ruiz", "sentences": evidence[:1]},
    }
    folder = write_set(tmp_path / "loose", asked)
    (folder / "corpus.jsonl").unlink()
    assert [each.id for each in lessons(folder, lender)] == ["part"]
    assert len(lessons(folder)) == 2


def test_one_in_ten_is_kept_back_and_always_the_same() -> None:
    held = [Lesson("s", str(number), "q?", (), ()).held for number in range(2000)]
    assert 0.07 < sum(held) / len(held) < 0.13
    assert held[:50] == [Lesson("s", str(number), "", ("a",), ()).held for number in range(50)]


_TEXT = st.lists(
    st.sampled_from("Night Ferry Ana Ruiz film town born a of who director Toledo".split()),
    max_size=10,
).map(" ".join)


@given(_TEXT, _TEXT, _TEXT, _TEXT.filter(bool), _TEXT, _TEXT)
def test_a_query_has_only_words_that_one_can_know(
    question: str, read: str, evidence: str, title: str, ask: str, earlier: str
) -> None:
    need = Need("d", title, (), "", ask, given=(earlier,))
    seen = content_words(f"{question} {read}")
    known = seen | content_words(ask)
    for name in (earlier, *names(f"on {ask}")):
        if not content_words(name) <= seen:  # nobody has read of it yet
            known -= content_words(name) - seen
    for query in queries(need, question, read, evidence):
        assert query.strip()
        assert content_words(query) <= known


def test_a_later_step_is_not_asked_with_what_an_earlier_one_would_have_found() -> None:
    asking = "How many Publix stores are in North Carolina"
    need = Need("d", "Publix", (), "46", asking, given=("North Carolina",))
    found = list(queries(need, "How many Publix stores are in the state of the singer?", "", ""))
    assert found[0].split()[0] == "Publix"
    assert not any("Carolina" in query for query in found)
    read = "He was born in North Carolina."
    (first, *_) = queries(need, "How many Publix stores are in the state?", read, "")
    assert "North Carolina" in first


def test_a_step_can_be_asked_once_all_is_known_that_it_builds_on(made: dict[str, Lesson]) -> None:
    first, second = made["steps"].needs
    question, read = made["steps"].question, "It was directed by Ana Ruiz."
    assert first.can_be_asked(question)
    assert not second.can_be_asked(question)
    assert second.can_be_asked(f"{question} {read}")
    _, born = made["triples"].needs  # its question is a relation, and names nobody
    assert not born.can_be_asked(made["triples"].question)
    assert born.can_be_asked("Red Sand is a novel by Tom Hale.")
    assert not Need("d", "T", (), "", ask="").can_be_asked("T")


def test_a_name_is_found_as_whole_words() -> None:
    assert mentioned("Night Ferry", "the night ferry sailed") == "night ferry"
    assert mentioned("Ferry", "ferryman") is None
    assert Need("d", "Night Ferry (film)", (), "", "").name == "Night Ferry"


# The answer that passages allow


def passage(document: str, text: str) -> Passage:
    return Passage(f"{document}#1", document, "T", "", (), None, 1, 0, len(text), text)


@pytest.mark.parametrize(
    ("question", "answer", "text", "found"),
    [
        ("Where?", "Lund", "She lived in Lund.", "Lund"),
        ("Where?", "Lund", "She lived in Turku.", "not found"),
        ("When?", "May 3, 1899", "Born 3 May 1899.", "3 May 1899"),
        ("Are they alike?", "yes", "Both are towns.", "yes"),
        ("Who is older, Tom or Eva?", "Tom", "He was born in 1899.", "Tom"),
    ],
)
def test_an_answer_stands_in_the_passages_or_is_a_verdict(
    question: str, answer: str, text: str, found: str
) -> None:
    lesson = Lesson("s", "q", question, (answer,), (Need("d", "T", (), "", ""),))
    assert answer_from(lesson, [passage("d", text)]) == found
    assert answer_from(lesson, [passage("other", text)]) == "not found"


def test_what_another_passage_states_too_is_not_missing() -> None:
    needs = tuple(Need(document, "T", (), "", "") for document in ("d", "e"))
    one = Lesson("s", "q", "Where?", ("Lund",), needs[:1])
    twin, other = passage("twin", "She lived in Lund."), passage("other", "She lived in Turku.")
    assert is_stated_elsewhere(one, [other, twin])
    assert not is_stated_elsewhere(one, [other])
    assert not is_stated_elsewhere(one, [passage("d", "She lived in Lund."), twin])
    assert not is_stated_elsewhere(Lesson("s", "q", "Where?", ("Lund",), needs), [twin])


def test_what_other_passages_say_word_for_word_is_not_missing() -> None:
    sentences = ("Night Ferry is a film by Ana Ruiz.", "Ana Ruiz lived in Lund.")
    needs = tuple(Need(f"d{n}", "T", (each,), "", "") for n, each in enumerate(sentences))
    lesson = Lesson("s", "q", "Where?", ("Lund",), needs)
    evidence = [passage("d0", sentences[0]), passage("twin", f"It is so. {sentences[1]}")]
    assert is_stated_elsewhere(lesson, evidence)
    assert not is_stated_elsewhere(lesson, [evidence[0], passage("twin", "Ana lived in Lund.")])
    assert not is_stated_elsewhere(lesson, evidence[1:])


def test_where_the_evidence_in_view_states_the_answer_nothing_is_missing() -> None:
    sentences = ("Night Ferry is a film by Ana Ruiz.", "Ana Ruiz lived in Lund.")
    needs = tuple(Need(f"d{n}", "T", (each,), "", "") for n, each in enumerate(sentences))
    lesson = Lesson("s", "q", "Where?", ("Lund",), needs)
    assert is_stated_elsewhere(lesson, [passage("d1", f"It is so. {sentences[1]}")])
    assert not is_stated_elsewhere(lesson, [passage("d0", sentences[0])])
    alike = Lesson("s", "q", "Are both in Lund?", ("yes",), needs)
    assert not is_stated_elsewhere(alike, [passage("d1", "Yes. Ana Ruiz lived in Lund.")])


def test_another_part_of_a_document_that_is_needed_is_no_evidence() -> None:
    need = Need("d", "T", ("Both are towns.",), "", "")
    lesson = Lesson("s", "q", "Are they alike?", ("yes",), (need,))
    assert (
        answer_from(lesson, [passage("d", "One is old."), passage("d", "Both are towns.")]) == "yes"
    )
    assert answer_from(lesson, [passage("d", "One is old.")]) == "not found"
