"""How fast a library is made and searched, beside SQLite FTS5, tantivy, and Whoosh as it comes.

Passages are put together at random from sentences of the question sets (of the sample library where
they are not there), each with a word of its own, since a real vocabulary grows with the text. All
engines get the same terms, of this program's analysis, the same title weight, and the same queries.

library   this program: JSON lines are read in processes of their own, texts go to SQLite, terms to
          Whoosh under this program's codec; a search gives the passages' texts
fts5      SQLite's FTS5 with bm25(), terms only
tantivy   tantivy, terms only
whoosh    Whoosh's own codec, scoring and search, terms only

    .venv/bin/python scripts/bench/indexing.py --sizes 10000,100000
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tantivy
from peak_memory import peak_resident
from question_sets import documents, questions
from whoosh import fields as whoosh_fields
from whoosh import index as whoosh_index
from whoosh import query as whoosh_query

from edge_agent.cli.libraries import indexing_progress
from edge_agent.index import Library, Passage, sample_folder, sentences
from edge_agent.index.analysis import all_terms, terms
from edge_agent.index.bm25f import FIELDS
from edge_agent.index.dense import DenseIndex

ENGINES = "library,fts5,tantivy,whoosh"
WHOOSH_MOST = 100_000
"""Passages that Whoosh as it comes is tried with: more take it too long."""
SENTENCES = 4
RESULTS = 5
FILES = 10_000
TITLE_WEIGHT = next(field.weight for field in FIELDS if field.name == "title")

Search = Callable[[str], object]
Text = tuple[str, str]
"""A title and a text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One engine with so many passages; sizes in bytes, times in seconds and milliseconds."""

    engine: str
    passages: int
    seconds: float
    passages_per_second: float
    bytes: int
    p50_ms: float
    p95_ms: float
    first_ms: float
    """The first search after opening, alone."""


def sources_of_text(data: Path) -> tuple[list[str], list[str], list[str]]:
    """Return titles, sentences and queries."""
    sets = [data / name for name in ("hotpotqa", "2wiki", "musique") if (data / name).is_dir()]
    if sets:
        corpus = [(title, text) for folder in sets for _, title, text in documents(folder)]
        asked = [each.text for folder in sets for each in questions(folder, "dev")]
    else:
        corpus = [(path.stem, path.read_text("utf-8")) for path in sample_folder().glob("*/*.md")]
        lines = (sample_folder() / "questions.jsonl").read_text("utf-8").splitlines()
        asked = [json.loads(line)["question"] for line in lines]
    titles = sorted({title for title, _ in corpus})
    return titles, [each for _, text in corpus for each in sentences(text)], asked


def made_up(titles: list[str], found: list[str], count: int) -> Iterator[Text]:
    """Yield passages, the same each time."""
    chance = random.Random(0)
    for number in range(count):
        body = " ".join(chance.choices(found, k=SENTENCES))
        yield chance.choice(titles), f"{body} No {number:x}{chance.randrange(1 << 20):x}."


def index_library(texts: Iterable[Text], folder: Path) -> Search:
    """Make a library of JSON lines, ten thousand records a file."""
    source = folder / "records"
    source.mkdir()
    batch: list[str] = []

    def write() -> None:
        path = source / f"{len(list(source.iterdir())):05}.jsonl"
        path.write_text("".join(batch), encoding="utf-8")
        batch.clear()

    for number, (title, text) in enumerate(texts):
        batch.append(json.dumps({"id": str(number), "title": title, "text": text}) + "\n")
        if len(batch) == 10_000:
            write()
    if batch:
        write()
    started = time.perf_counter()
    library = Library(folder / "library")
    with indexing_progress() as report:
        library.add([source], report)
    print(f"library made in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    return lambda query: library.search(query, RESULTS)


def index_fts5(texts: Iterable[Text], folder: Path) -> Search:
    """Make an FTS5 table of terms; contentless, as ours keeps texts elsewhere too."""
    (folder / "library").mkdir()
    database = sqlite3.connect(folder / "library" / "fts5.db")
    database.execute(
        "create virtual table passages using fts5(title, text, content='', tokenize='unicode61')"
    )
    with database:
        database.executemany(
            "insert into passages (title, text) values (?, ?)",
            ((" ".join(all_terms(title)), " ".join(terms(text))) for title, text in texts),
        )

    def search(query: str) -> object:
        wanted = " OR ".join(f'"{term}"' for term in dict.fromkeys(terms(query)))
        return database.execute(
            f"select rowid, bm25(passages, {TITLE_WEIGHT}, 1.0) from passages "
            "where passages match ? order by 2 limit ?",
            [wanted, RESULTS],
        ).fetchall()

    return search


def index_tantivy(texts: Iterable[Text], folder: Path) -> Search:
    """Make a tantivy index of terms."""
    (folder / "library").mkdir()
    builder = tantivy.SchemaBuilder()
    for field in ("title", "text"):
        builder.add_text_field(
            field, stored=False, tokenizer_name="whitespace", index_option="freq"
        )
    schema = builder.build()
    index = tantivy.Index(schema, path=str(folder / "library"))
    writer = index.writer(num_threads=2)
    for title, text in texts:
        writer.add_document(
            tantivy.Document(title=" ".join(all_terms(title)), text=" ".join(terms(text)))
        )
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(query: str) -> object:
        parts = []
        for term in dict.fromkeys(terms(query)):
            in_title = tantivy.Query.term_query(schema, "title", term)
            parts.append((tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", term)))
            parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(in_title, TITLE_WEIGHT)))
        return searcher.search(tantivy.Query.boolean_query(parts), RESULTS).hits

    return search


def index_whoosh(texts: Iterable[Text], folder: Path) -> Search:
    """Make an index as Whoosh's documentation does."""
    (folder / "library").mkdir()
    field = whoosh_fields.KEYWORD(scorable=True)
    schema = whoosh_fields.Schema(
        key=whoosh_fields.STORED, title=field, text=whoosh_fields.KEYWORD(scorable=True)
    )
    index = whoosh_index.create_in(str(folder / "library"), schema)
    writer = index.writer(limitmb=256)
    for number, (title, text) in enumerate(texts):
        writer.add_document(
            key=number, title=" ".join(all_terms(title)), text=" ".join(terms(text))
        )
    writer.commit()
    searcher = index.searcher()

    def search(query: str) -> object:
        parts = []
        for term in dict.fromkeys(terms(query)):
            parts.append(whoosh_query.Term("text", term))
            parts.append(whoosh_query.Term("title", term, boost=TITLE_WEIGHT))
        return [hit["key"] for hit in searcher.search(whoosh_query.Or(parts), limit=RESULTS)]

    return search


MAKERS: dict[str, Callable[[Iterable[Text], Path], Search]] = {
    "library": index_library,
    "fts5": index_fts5,
    "tantivy": index_tantivy,
    "whoosh": index_whoosh,
}


def measured(engine: str, count: int, data: Path) -> Row:
    """Make an index of `count` passages and search it."""
    titles, found, asked = sources_of_text(data)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        started = time.perf_counter()
        search = MAKERS[engine](made_up(titles, found, count), folder)
        seconds = time.perf_counter() - started
        size = sum(
            each.stat().st_size for each in (folder / "library").rglob("*") if each.is_file()
        )
        times = [timed(search, query) for query in asked]
    cuts = statistics.quantiles(times[1:], n=20)
    return Row(
        engine=engine,
        passages=count,
        seconds=round(seconds, 1),
        passages_per_second=round(count / seconds),
        bytes=size,
        p50_ms=round(statistics.median(times[1:]), 1),
        p95_ms=round(cuts[-1], 1),
        first_ms=round(times[0], 1),
    )


def timed(search: Search, query: str) -> float:
    """Return the milliseconds of one search."""
    started = time.perf_counter()
    search(query)
    return 1000 * (time.perf_counter() - started)


def unchanged_folder(data: Path) -> dict[str, float]:
    """Return the seconds of adding ten thousand small files, and of finding nothing changed."""
    titles, found, _ = sources_of_text(data)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "documents")
        for number, (title, text) in enumerate(made_up(titles, found, FILES)):
            folder = source / f"{number // 100:03}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:05}.md").write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
        library = Library(Path(scratch, "library"))
        started = time.perf_counter()
        library.add([source])
        added = time.perf_counter() - started
        started = time.perf_counter()
        library.update()
        unchanged = time.perf_counter() - started
    return {"files": FILES, "added_s": round(added, 2), "unchanged_s": round(unchanged, 2)}


class RandomEmbedder:
    """Gives every text a direction at random: how long a search takes does not depend on it."""

    name = "random"
    dimensions = 384

    def __init__(self) -> None:
        """Begin, the same each time."""
        self._chance = np.random.default_rng(0)

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return as many vectors of length 1."""
        rows = self._chance.normal(size=(len(texts), self.dimensions))
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(unit, np.float32)


def exact_search(count: int) -> float:
    """Return the median milliseconds of an exact search through `count` vectors."""
    with tempfile.TemporaryDirectory() as scratch:
        index = DenseIndex(Path(scratch), RandomEmbedder())
        passages = (
            (n, Passage(f"{n}", "", "", "", (), None, 1, 0, 1, f"{n}")) for n in range(count)
        )
        index.embed_all(passages, lambda _: None)
        times = [timed(lambda _: index.nearest(index.query_vector(""), 100), "") for _ in range(9)]
    return round(statistics.median(times), 1)


def print_table(rows: list[Row], vectors: dict[int, float], files: dict[str, float]) -> None:
    """Print the figures, each engine beside fts5 of the same size."""
    head = (
        "engine",
        "passages",
        "made in",
        "each s",
        "MB",
        "p50 ms",
        "p95 ms",
        "first ms",
        "p95÷fts5",
    )
    print(" ".join(f"{title:>10}" for title in head))
    for row in rows:
        base = next((r for r in rows if (r.engine, r.passages) == ("fts5", row.passages)), None)
        ratio = f"{row.p95_ms / base.p95_ms:.2f}" if base else ""
        cells = (
            row.engine, f"{row.passages:,}", f"{row.seconds} s", f"{row.passages_per_second:,}",
            f"{row.bytes / 1e6:.0f}", row.p50_ms, row.p95_ms, row.first_ms, ratio,
        )  # fmt: skip
        print(" ".join(f"{cell!s:>10}" for cell in cells))
    for count, milliseconds in vectors.items():
        print(f"exact search through {count:,} vectors: {milliseconds} ms")
    print(
        f"\n{files['files']:,} files of Markdown: added in {files['added_s']} s, "
        f"found unchanged in {files['unchanged_s']} s"
    )
    print(f"Peak resident memory of all this: {peak_resident() / 1e6:,.0f} MB")


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of passages")
    parser.add_argument("--engines", default=ENGINES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    files = unchanged_folder(options.data)
    print(files, file=sys.stderr)
    rows = []
    for size in map(int, options.sizes.split(",")):
        for engine in options.engines.split(","):
            if engine != "whoosh" or size <= WHOOSH_MOST:
                rows.append(measured(engine, size, options.data))
                print(rows[-1], file=sys.stderr, flush=True)
    vectors = {size: exact_search(size) for size in map(int, options.sizes.split(","))}
    print_table(rows, vectors, files)
    if options.json:
        record = {
            "rows": [asdict(row) for row in rows],
            "exact_search_ms": vectors,
            "unchanged_folder": files,
        }
        options.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
