"""How well passages are found: recall and MRR, whole corpus, beside plain BM25.

bm25          bm25s as it comes (English stop words, its own tokens) over title and text
words         this program's Whoosh index: BM25F with stemming and a title weight
meaning       exact search by the vectors of all passages
fused         both, their scores added: what a search does in a library that is embedded
fused ranks   both, by reciprocal rank, for comparison
lazy          both, where only the 30 best by words have vectors: what it does in one that is not

    .venv/bin/python scripts/bench/retrieval.py --sets hotpotqa,2wiki
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import bm25s
from question_sets import corpus_library, documents, questions, retrieval_options

from edge_agent.cli.libraries import indexing_progress
from edge_agent.cli.pulling import pulled_embedder
from edge_agent.evaluation.metrics import normalised
from edge_agent.evaluation.questions import Question
from edge_agent.home import Home
from edge_agent.index import By, Hit, Library, Titled, excerpts
from edge_agent.index.fusion import by_reciprocal_rank

SETS = "hotpotqa,2wiki,musique,nq_qed,squad_dev"
PUBLISHED = """R@2 / R@5 published for the original sets (HippoRAG, arXiv 2405.14831, table 2), over
other samples of questions:
  MuSiQue   BM25 32.3 / 41.2   ColBERTv2 37.9 / 49.2
  2Wiki     BM25 51.8 / 61.9   ColBERTv2 59.2 / 68.2
  HotpotQA  BM25 55.4 / 72.2   ColBERTv2 64.7 / 79.3"""
HITS = 50
"""Passages asked for, so that ten documents are among them."""
EXCERPTED = 5
TOKENS = 300

Search = Callable[[str], Sequence[str]]
"""Returns ids of documents for a question, best first."""


@dataclass(frozen=True, slots=True)
class Row:
    """Means over a set's questions, in per cent."""

    set: str
    arm: str
    questions: int
    recall_2: float
    recall_5: float
    recall_10: float
    mrr_10: float


def scored(name: str, arm: str, asked: Sequence[Question], search: Search) -> Row:
    """Ask all questions and return what was found."""
    found = [(question.gold, list(search(question.text))) for question in asked]
    print(".", end="", file=sys.stderr, flush=True)

    def recall(depth: int) -> float:
        shares = (len(gold & set(ids[:depth])) / len(gold) for gold, ids in found)
        return round(100 * statistics.mean(shares), 1)

    ranks = [
        next((1 / rank for rank, each in enumerate(ids[:10], 1) if each in gold), 0.0)
        for gold, ids in found
    ]
    mrr = round(100 * statistics.mean(ranks), 1)
    return Row(name, arm, len(asked), recall(2), recall(5), recall(10), mrr)


def of_documents(hits: Iterable[Hit]) -> list[str]:
    """Return the documents of hits, each once."""
    return list(dict.fromkeys(hit.passage.document for hit in hits))


def plain_bm25(folder: Path) -> Search:
    """Index a corpus with bm25s as it comes."""
    corpus = documents(folder)
    index = bm25s.BM25()
    tokens = bm25s.tokenize(
        [f"{title} {text}" for _, title, text in corpus], stopwords="en", show_progress=False
    )
    index.index(tokens, show_progress=False)

    def search(question: str) -> list[str]:
        asked = bm25s.tokenize([question], stopwords="en", show_progress=False)
        found, _ = index.retrieve(asked, k=10, show_progress=False)
        return [corpus[number][0] for number in found[0]]

    return search


def run_set(
    folder: Path, libraries: Path, options: argparse.Namespace
) -> tuple[list[Row], dict[str, float]]:
    """Measure one set; returns the rows and the shares of answers that excerpts keep."""
    home = Home.from_environment()
    embedder = pulled_embedder(home, offline=False)
    if embedder is None:
        raise SystemExit("retrieval.py: the embedder cannot be pulled; see above.")
    asked = questions(folder, options.split, options.limit)
    library = corpus_library(folder, libraries / "lazy", embedder)
    rows = [
        scored(folder.name, "bm25", asked, plain_bm25(folder)),
        scored(folder.name, "words", asked, _by(library, By.WORDS)),
        scored(folder.name, "lazy", asked, _by(library, By.BOTH)),
    ]
    library.close()
    library = corpus_library(folder, libraries / "embedded", embedder)
    with indexing_progress() as report:
        library.embed(report)
    rows += [
        scored(folder.name, "meaning", asked, _by(library, By.MEANING)),
        scored(folder.name, "fused", asked, _by(library, By.BOTH)),
        scored(folder.name, "fused ranks", asked, _by_ranks(library)),
    ]
    return rows, kept_answers(asked, library)


def _by(library: Library, by: By) -> Search:
    return lambda question: of_documents(library.search(question, HITS, by=by))


def _by_ranks(library: Library) -> Search:
    def search(question: str) -> list[str]:
        rankings = [
            [hit.passage.id for hit in library.search(question, 100, by=by)]
            for by in (By.WORDS, By.MEANING)
        ]
        best = by_reciprocal_rank(rankings)[:HITS]
        return list(dict.fromkeys(library.passage(each).document for each in best))

    return search


def kept_answers(asked: Sequence[Question], library: Library) -> dict[str, float]:
    """Return in how many per cent of questions the answer is visible in the five best passages.

    Whole; cut to 300 tokens by showing their beginnings; by excerpts; by excerpts without vectors.
    Questions that are answered by yes or no have nothing to see.
    """
    count = _counter()
    visible: dict[str, list[bool]] = {}
    for question in asked:
        accepted = [normalised(answer) for answer in question.answers]
        if {"yes", "no", ""} & set(accepted):
            continue
        texts = [
            Titled(hit.passage.title, hit.passage.text)
            for hit in library.search(question.text, EXCERPTED)
        ]
        room = TOKENS - sum(count(text.title) for text in texts)
        shown = {
            "whole": [text.text for text in texts],
            "beginnings": [_beginning(text.text, room // len(texts), count) for text in texts],
            "excerpts": [
                each.text for each in excerpts(texts, question.text, count, room, library.embedder)
            ],
            "excerpts by words": [
                each.text for each in excerpts(texts, question.text, count, room)
            ],
        }
        for arm, parts in shown.items():
            # With the titles: all arms show them, and pay for them.
            parts += [text.title for text in texts]
            found = any(
                f" {answer} " in f" {normalised(part)} " for answer in accepted for part in parts
            )
            visible.setdefault(arm, []).append(found)
    return {arm: round(100 * statistics.mean(each), 1) for arm, each in visible.items()}


def _counter() -> Callable[[str], int]:
    """Return a function that counts tokens, by the embedder's own tokenizer."""
    from functools import lru_cache

    from tokenizers import Tokenizer

    from edge_agent.models import ModelStore, load_catalog

    model = ModelStore(Home.from_environment().models).find(load_catalog().embedder)
    assert model is not None
    tokenizer = Tokenizer.from_file(str(model.path.with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    @lru_cache(100_000)
    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


def _beginning(text: str, tokens: int, count: Callable[[str], int]) -> str:
    words: list[str] = []
    for word in text.split():
        tokens -= count(word)
        if tokens < 0:
            break
        words.append(word)
    return " ".join(words)


def print_tables(rows: Sequence[Row], kept: dict[str, dict[str, float]]) -> None:
    """Print what was found, and what excerpts keep of it."""
    print(f"\n{'set':10} {'arm':12} {'n':>5} {'R@2':>6} {'R@5':>6} {'R@10':>6} {'MRR@10':>7}")
    for row in rows:
        figures = f"{row.recall_2:6} {row.recall_5:6} {row.recall_10:6} {row.mrr_10:7}"
        print(f"{row.set:10} {row.arm:12} {row.questions:5} {figures}")
    print(f"\n{PUBLISHED}")
    print(f"\nAnswers visible in the five best passages, %, cut to {TOKENS} tokens where not whole")
    for name, shares in kept.items():
        print(f"{name:10}", *(f"{arm} {share}" for arm, share in shares.items()), sep="   ")


def main() -> None:
    """Measure, print the tables, write the JSON."""
    options = retrieval_options(__doc__ or "", SETS).parse_args()
    rows: list[Row] = []
    kept: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        libraries = options.keep or Path(scratch)
        for name in options.sets.split(","):
            found, kept[name] = run_set(options.data / name, libraries, options)
            rows += found
    print_tables(rows, kept)
    if options.json:
        record = {"rows": [asdict(row) for row in rows], "answers_visible": kept}
        options.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
