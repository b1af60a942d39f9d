"""How often a comparison of dates is worked out, and how often rightly, without any model.

Each question that compares is asked over its gold passages, all others of the same names, and a few
that do not belong.

    .venv/bin/python scripts/bench/comparisons.py --sets 2wiki,hotpotqa --split train
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from question_sets import documents, questions, retrieval_options

from edge_agent.checking.comparisons import Comparison, compared
from edge_agent.evaluation.metrics import f1
from edge_agent.evaluation.questions import Question
from edge_agent.evidence import Exhibit
from edge_agent.index import Passage

SETS = "2wiki,hotpotqa"
STRANGERS = 3
RIGHT = 0.5
"""F1 above which an answer is the one that is accepted: that may be a longer form of a name."""


@dataclass(frozen=True, slots=True)
class Row:
    """How many questions of a kind there are, and how many were worked out rightly and wrongly."""

    set: str
    kind: str
    questions: int
    right: int
    wrong: int


class Corpus:
    """The documents of a set as passages, by id and by name."""

    def __init__(self, folder: Path) -> None:
        """Read them."""
        self._passages: dict[str, Passage] = {}
        self._named: dict[str, list[str]] = defaultdict(list)
        for id_, title, text in documents(folder):
            passage = Passage(f"{id_}#1", id_, title, "", (), None, 0, 0, len(text), text)
            self._passages[id_] = passage
            self._named[_name(title)].append(id_)

    def shown(self, question: Question) -> list[Exhibit]:
        """Return the passages that a question is asked over, in any order."""
        chance = random.Random(question.id)
        titles = [self._passages[id_].title for id_ in question.gold]
        alike = [id_ for title in titles for id_ in self._named[_name(title)]]
        strangers = chance.sample(sorted(self._passages), STRANGERS)
        ids = sorted({*question.gold, *alike, *strangers})
        chance.shuffle(ids)
        return [Exhibit(key, "l", self._passages[id_]) for key, id_ in enumerate(ids, 1)]


def _name(title: str) -> str:
    return re.sub(r" \(.*", "", title).lower()


def told(question: Question, comparison: Comparison) -> str:
    """Return what was worked out wrongly, and from what."""
    grounds = "".join(f"\n    {each.sentence[:160]}" for each in comparison.grounds)
    return f"  {question.text}\n    {comparison.answer}, not {question.answers[0]}{grounds}"


def measured(folder: Path, split: str, limit: int | None) -> list[Row]:
    """Return a row for each kind of question, and tell what came out wrong."""
    corpus = Corpus(folder)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for question in questions(folder, split, limit):
        count = counts[question.kind]
        count[0] += 1
        comparison = compared(question.text, corpus.shown(question))
        if comparison is None:
            continue
        is_right = f1(comparison.answer, question.answers) > RIGHT
        count[1 if is_right else 2] += 1
        if not is_right:
            print(told(question, comparison))
    return [Row(folder.name, kind, *count) for kind, count in sorted(counts.items())]


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = retrieval_options(__doc__ or "", SETS).parse_args()
    rows = [
        row
        for name in options.sets.split(",")
        for row in measured(options.data / name, options.split, options.limit)
    ]
    print(f"{'set':10} {'kind':20} {'n':>5} {'right':>6} {'wrong':>6}")
    for row in rows:
        print(f"{row.set:10} {row.kind:20} {row.questions:5} {row.right:6} {row.wrong:6}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
