"""How often one search shows all the evidence, with and without the documents that it names.

five          the best five passages
seven         the best seven
five and two  the best five, and of the documents that those or the question name the best two:
              what a search shows under the profile `edge`
quotable      of these, those of which a sentence is shown within its tokens: what can be quoted

Whole corpus, in libraries of which nothing was embedded before.

    .venv/bin/python scripts/bench/next_hop.py --sets hotpotqa,2wiki,musique
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from question_sets import corpus_library, questions, retrieval_options

from edge_agent.cli.pulling import pulled_embedder
from edge_agent.evaluation.questions import Question
from edge_agent.evidence import Evidence
from edge_agent.home import Home
from edge_agent.index import Collection
from edge_agent.profiles import load_profile
from edge_agent.tools import TOOLS, ToolContext

SETS = "hotpotqa,2wiki,musique,nq_qed"
FIVE, SEVEN, TWO = 5, 7, 2
CHARACTERS = 4
"""Of a token of English, about: no model is loaded here."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The documents that a search shows for a question, on each arm."""

    five: frozenset[str]
    seven: frozenset[str]
    five_and_two: frozenset[str]
    quotable: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """The share of a set's questions of which all evidence is shown, in per cent."""

    set: str
    questions: int
    five: float
    seven: float
    five_and_two: float
    quotable: float


def shown(question: str, library: Collection) -> Shown:
    """Search for a question and return what is shown."""
    found = [hit.passage.document for _, hit in library.search(question, SEVEN)]
    evidence, tokens = Evidence(), load_profile("edge").gathering.result_tokens
    context = ToolContext(library, evidence, question, _tokens, FIVE, tokens, TWO)
    result = TOOLS["search"].run({"query": question}, context)
    documents = {each.key: each.passage.document for each in evidence.since(0)}
    return Shown(
        frozenset(found[:FIVE]),
        frozenset(found),
        frozenset(documents.values()),
        frozenset(documents[key] for key in result.keys),
    )


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS)


def measured(name: str, asked: Sequence[Question], library: Collection) -> Row:
    """Return how often all evidence of a set's questions is shown."""
    found = [(question.gold, shown(question.text, library)) for question in asked]

    def whole(arm: str) -> float:
        shown_whole = [bool(gold <= getattr(each, arm)) for gold, each in found]
        return round(100 * statistics.mean(shown_whole), 1)

    return Row(name, len(found), *map(whole, ("five", "seven", "five_and_two", "quotable")))


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = retrieval_options(__doc__ or "", SETS).parse_args()
    embedder = pulled_embedder(Home.from_environment(), offline=False)
    rows = []
    print(f"{'set':10} {'n':>5} {'five':>6} {'seven':>6} {'five and two':>13} {'quotable':>9}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.sets.split(","):
            folder = options.data / name
            library = corpus_library(folder, options.keep or Path(scratch), embedder)
            asked = questions(folder, options.split, options.limit)
            row = measured(name, asked, Collection([library]))
            library.close()
            print(
                f"{name:10} {row.questions:5} {row.five:6} {row.seven:6} {row.five_and_two:13}"
                f" {row.quotable:9}"
            )
            rows.append(row)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
