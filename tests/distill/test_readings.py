"""Readings: passages with the evidence or without it, and the answer that follows."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from lessons import Need
from made_up import configured
from readings import distractors_of, evidence_of, loose_passages, mixed
from schooling import Schooling
from teach import READ, Task

from edge_agent.index import Passage


def test_an_answer_is_read_where_the_evidence_is_there(schooling: Schooling) -> None:
    examples, dropped = schooling.school.examples(Task(schooling.lessons["bridge"], READ))
    assert not dropped
    assert len(examples) == configured().read.times["films"]
    for example in examples:
        text = schooling.text(example.tokens)
        assert example.kind == "reading"
        there = "directed by Ana Ruiz" in text and "Her parents left Toledo" in text
        assert there == (example.variant == "answerable")
        assert schooling.decided(example) == ["Toledo}" if there else "not found}"]
        assert "Question: In which town" in text.rpartition("] ")[2]  # the question stands last


def test_some_are_without_evidence_and_not_all_the_same(schooling: Schooling) -> None:
    variants = [
        example.variant
        for number in range(20)
        for example in schooling.taught("bridge", READ, number)
    ]
    assert 1 <= variants.count("unanswerable") <= len(variants) / 2


def test_each_need_has_the_passage_that_says_it(schooling: Schooling) -> None:
    library = schooling.school.library("films")
    evidence = evidence_of(schooling.lessons["further"], library)
    assert "Trieste" in evidence[0].text
    others = distractors_of(schooling.lessons["further"], library)
    assert others
    assert all("Harbour Song" not in each.title for each in others)


def test_evidence_without_documents_is_passages_of_its_own() -> None:
    (found,) = loose_passages(Need("q-0", "Lund", ("In Lund.",), "", ""))
    assert (found.document, found.title, found.text) == ("q-0", "Lund", "In Lund.")


def passages(prefix: str, count: int) -> list[Passage]:
    return [
        Passage(f"{prefix}{n}#1", f"{prefix}{n}", "T", "", (), None, 1, 0, 1, "x")
        for n in range(count)
    ]


@given(st.integers(0, 3), st.integers(0, 8), st.integers(0, 5), st.integers())
def test_the_evidence_is_always_among_the_passages(
    evidence: int, others: int, most: int, seed: int
) -> None:
    gold, beside = passages("gold", evidence), passages("other", others)
    chosen = mixed(gold, beside, most, random.Random(seed))
    assert set(gold) <= set(chosen)
    assert len(chosen) == len(set(chosen)) == evidence + min(most, others)
    assert {each.document for each in chosen} <= {e.document for e in gold + beside[: most + 2]}
