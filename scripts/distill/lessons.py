"""Lessons: what a teacher knows of a training question, and how it would ask for what is missing.

The teacher knows which documents hold the evidence and what they say, but may only write what
somebody can know who has read the question and the sentences that were quoted so far.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.checking.names import names
from edge_agent.checking.wording import content_words, states, words

_HELD_SHARE = 10
_MOST_SHARED = 4
_ALIKE_WORDS = 12
"""Words with which documents of one title begin that are taken for the same."""
_EARLIER = re.compile(r"#(\d)")
_PRONOUN = re.compile(r"(?:He|She|It|They|His|Her|Its|Their)\b")
_OPENINGS = frozenset("after although both during its she these there through while".split())
"""Words, beside those without a meaning of their own, that have a capital for their place alone."""
_BRACKETS = re.compile(r"\s*\([^)]*\)$")


@dataclass(frozen=True, slots=True)
class Need:
    """A document that the answer needs."""

    document: str
    title: str
    sentences: tuple[str, ...]
    """Those that hold the evidence; none where the source does not say."""
    says: str
    """What the evidence states; empty where only its sentences are known."""
    ask: str
    """What would be asked about it, in a few words; empty where the source does not say."""
    given: tuple[str, ...] = ()
    """What has to be known before that can be asked: answers of earlier steps, or whom it is of."""
    twin: str = ""
    """The first document of the corpus that begins as it does, mostly itself; empty without one."""

    @property
    def name(self) -> str:
        """The title without a part in brackets."""
        return _BRACKETS.sub("", self.title)

    def can_be_asked(self, seen: str) -> bool:
        """Tell whether somebody who has seen a text knows all that the question about it names."""
        known = content_words(seen)
        wanted = (*self.given, *names(f"on {self.ask}"))
        return bool(self.ask) and all(content_words(each) <= known for each in wanted)

    def met_by(self, sentence: str) -> bool:
        """Tell whether a sentence of the document is the evidence."""
        if self.sentences:
            flat = " ".join(sentence.split())
            return any(flat in each or each in flat for each in self.sentences)
        return states(sentence, self.says)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A training question with all that its source says of it."""

    set: str
    id: str
    question: str
    answers: tuple[str, ...]
    needs: tuple[Need, ...]

    @property
    def held(self) -> bool:
        """Whether the question is kept back for looking at what was learned: one in ten is."""
        # Of questions with one need several may be about the same document: they go together.
        about = (self.needs[0].twin or self.needs[0].document) if len(self.needs) == 1 else self.id
        digest = hashlib.sha256(f"{self.set} {about}".encode()).digest()
        return digest[0] % _HELD_SHARE == 0

    def accepts(self, answer: str | None) -> bool:
        """Tell whether an answer is right: it has the words of one that is, in whatever order."""
        accepted = [sorted(words(each)) for each in self.answers]
        return answer is not None and sorted(words(answer)) in accepted


def lessons(folder: Path, lender: Path | None = None) -> list[Lesson]:
    """Return the lessons of a set's training questions whose evidence is known.

    Those with the same evidence as a question of another split are left out: they may ask the same.
    So are those that have all sentences of one in `lender`, the set whose passages are borrowed.
    """
    every = _records(folder / "questions.jsonl")
    corpus = _records(folder / "corpus.jsonl") if (folder / "corpus.jsonl").exists() else []
    documents = {str(each["id"]): each for each in corpus}
    twins = _twins(documents)
    tested = {_evidence(each, twins) for each in every if each["split"] != "train"}
    asked = [
        each for each in every if each["split"] == "train" and _evidence(each, twins) not in tested
    ]
    if not documents:
        known = () if lender is None else _tested_sentences(lender)
        return [
            _loose_lesson(folder.name, each)
            for each in asked
            if not any(those <= set(map(_flat, each["sentences"])) for those in known)
        ]
    return [_lesson(folder.name, each, documents, twins) for each in asked if each.get("gold")]


def _tested_sentences(folder: Path) -> list[set[str]]:
    """Return the evidence of a set's questions that are no training questions, as sentences."""
    documents = {str(each["id"]): each for each in _records(folder / "corpus.jsonl")}
    return [
        {_flat(documents[str(gold)]["sentences"][place]) for gold, place in each["gold_sentences"]}
        for each in _records(folder / "questions.jsonl")
        if each["split"] != "train" and each.get("gold_sentences")
    ]


def _flat(sentence: str) -> str:
    return " ".join(sentence.split())


def _twins(documents: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return for each document the first that begins as it does: some are revisions of others."""
    first: dict[tuple[str, ...], str] = {}
    return {name: first.setdefault(_beginning(each), name) for name, each in documents.items()}


def _beginning(document: dict[str, Any]) -> tuple[str, ...]:
    """Return a document's title and its first words."""
    text = document.get("text") or " ".join(document.get("sentences", ()))
    return (document["title"], *text.split()[:_ALIKE_WORDS])


def _evidence(record: dict[str, Any], twins: dict[str, str]) -> frozenset[str]:
    """Return the documents that a question needs, or itself where they are not known."""
    names = map(str, record.get("gold") or [f"question {record['id']}"])
    return frozenset(twins.get(name, name) for name in names)


def _lesson(
    name: str,
    record: dict[str, Any],
    documents: dict[str, dict[str, Any]],
    twins: dict[str, str],
) -> Lesson:
    answers = record.get("answers") or [record["answer"], *record.get("answer_aliases", ())]
    return Lesson(
        set=name,
        id=str(record["id"]),
        question=record["question"],
        answers=tuple(answers),
        needs=tuple(
            _need(record, number, documents[str(gold)], twins[str(gold)])
            for number, gold in enumerate(_in_order(record))
        ),
    )


def _in_order(record: dict[str, Any]) -> list[str]:
    """Return the documents that hold the evidence, in the order of the steps that need them."""
    steps = record.get("decomposition") or []
    return [step["gold"] for step in steps if "gold" in step] or record["gold"]


def _loose_lesson(name: str, record: dict[str, Any]) -> Lesson:
    """Return a lesson whose evidence is sentences without documents, for readings alone."""
    parts: list[str] = []
    for sentence in record["sentences"]:
        if parts and _PRONOUN.match(sentence):  # apart nobody could tell of whom it speaks
            parts[-1] += f" {sentence}"
        else:
            parts.append(sentence)
    needs = [
        Need(f"{record['id']}-{number}", _title(part), (part,), "", "")
        for number, part in enumerate(parts)
    ]
    return Lesson(name, str(record["id"]), record["question"], (record["answer"],), tuple(needs))


def _title(sentence: str) -> str:
    """Return what a sentence without a document is about: the first name in it, or its start."""
    called = (name for name in names(f"on {sentence}") if content_words(name) - _OPENINGS)
    return next(called, " ".join(sentence.split()[:3]))


def _need(record: dict[str, Any], number: int, document: dict[str, Any], twin: str) -> Need:
    steps, triples = record.get("decomposition") or [], record.get("evidences") or []
    says = ask = ""
    given: tuple[str, ...] = ()
    if triples and len(triples) == len(record["gold"]):
        given, ask = (triples[number][0],), triples[number][1]
    elif steps and "gold" in steps[number]:
        says, ask = steps[number]["answer"], _filled_in(steps, number)
        given = tuple(_givens(steps, number))
    elif "gold_sentences" not in record:
        says = (record.get("answers") or [record["answer"]])[0]
    chosen = [place for gold, place in record.get("gold_sentences", ()) if gold == document["id"]]
    parts = document.get("sentences") or ()
    return Need(
        document=str(document["id"]),
        title=document["title"],
        sentences=tuple(" ".join(parts[each].split()) for each in chosen if each < len(parts)),
        says=says,
        ask=ask,
        given=given,
        twin=twin,
    )


def _filled_in(steps: list[dict[str, Any]], number: int) -> str:
    """Return a step's question, with the answers of the steps before it where it names them."""
    asked = str(steps[number]["question"]).replace(">>", " ").rstrip("? ")
    return _EARLIER.sub(lambda step: str(steps[int(step[1]) - 1]["answer"]), asked)


def _givens(steps: list[dict[str, Any]], number: int) -> Iterator[str]:
    """Yield the answers of the steps before a step that its question names."""
    for earlier in _EARLIER.findall(str(steps[number]["question"])):
        yield str(steps[int(earlier) - 1]["answer"])


def queries(need: Need, question: str, read: str, evidence: str) -> Iterator[str]:
    """Yield what might be searched for to find a document, most natural first.

    `read` are the sentences quoted so far, `evidence` what the document says: a query has only
    words of the question, of what was read, and of the relation that is asked for.
    """
    seen = f"{question} {read}"
    target = f"{need.title} {evidence}"
    shared = _shared(question, target)
    if need.ask:
        yield from _asked(need, seen)
    mention = mentioned(need.name, seen)
    if mention:
        rest = [word for word in shared if word.lower() not in mention.lower()]
        yield " ".join([mention, *rest[:_MOST_SHARED]])
        yield mention
    about = content_words(target)
    for name in dict.fromkeys(names(f"on {question} {read}")):
        if content_words(name) & about:
            rest = [word for word in shared if word.lower() not in name.lower()]
            yield " ".join([name, *rest[:_MOST_SHARED]])
    if len(shared) >= 2:
        yield " ".join(shared)


def _asked(need: Need, seen: str) -> Iterator[str]:
    """Yield the query that the source's own step makes, without names that nobody can know yet."""
    mention = mentioned(need.name, seen)
    asking = [word for word in need.ask.split() if content_words(word)]
    asked = " ".join(asking)
    if need.can_be_asked(seen) and content_words(need.ask) & content_words(seen):
        is_in_it = mention is None or content_words(mention) <= content_words(asked)
        yield asked if is_in_it else f"{mention} {asked}"
    elif mention is not None:
        named = content_words(" ".join((mention, *need.given, *names(f"on {need.ask}"))))
        yield " ".join([mention, *(word for word in asking if not content_words(word) & named)])


def mentioned(name: str, text: str) -> str | None:
    """Return how `name` stands in `text`, as whole words in whatever case, or None."""
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
    return None if match is None else match[0]


def _shared(question: str, target: str) -> list[str]:
    """Return the words of the question that its evidence has too, in their order."""
    about = content_words(target)
    found = [re.sub(r"['’]s$", "", word.strip("?.,;:\"'()")) for word in question.split()]
    return [word for word in dict.fromkeys(found) if content_words(word) & about]


def _records(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
