"""The question sets that benchmarks read: questions, and a library of a set's whole corpus."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.sets import read_set
from edge_agent.index import Embedder, Library


def records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def questions(folder: Path, split: str, limit: int | None = None) -> list[Question]:
    """Return the first questions of a set's split."""
    return list(read_set(folder).of_split(split)[:limit])


def documents(folder: Path) -> list[tuple[str, str, str]]:
    """Return the corpus of a set: the id, the title and the text of each document."""
    return [
        (str(each["id"]), each["title"], each.get("text") or " ".join(each["sentences"]))
        for each in records(folder / "corpus.jsonl")
    ]


def corpus_library(folder: Path, libraries: Path, embedder: Embedder | None = None) -> Library:
    """Return the library of a set's whole corpus, made where it is not there yet."""
    library = Library(libraries / f"bench-{folder.name}", embedder)
    library.add([folder / "corpus.jsonl"])
    return library


def retrieval_options(about: str, sets: str) -> argparse.ArgumentParser:
    """Return a parser of what benchmarks of the search can be told; `sets` are asked if none is."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--sets", default=sets, help="folders of --data")
    parser.add_argument("--split", default="dev", choices=["dev", "train"])
    parser.add_argument("--limit", type=int, help="questions of each set; all, if not given")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the libraries there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser
