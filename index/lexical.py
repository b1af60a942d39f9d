"""The lexical index: Whoosh with BM25F, stemming, and a weight on titles."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DamagedIndex
from .passages import Passage

if TYPE_CHECKING:
    from whoosh.analysis import Analyzer
    from whoosh.fields import Schema
    from whoosh.index import Index
    from whoosh.query import Query
    from whoosh.searching import Searcher
    from whoosh.writing import IndexWriter

_PHRASE = re.compile(r'"([^"]+)"')
_TITLE_WEIGHT = 1.5
_WRITER_MEGABYTES = 128


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """The id of a passage, and its BM25F score."""

    passage: str
    score: float


class LexicalIndex:
    """A Whoosh index of passages in a folder. It knows ids and words; the texts lie elsewhere."""

    def __init__(self, folder: Path) -> None:
        """Look after the index in `folder`; it need not exist yet."""
        self._folder = folder
        self._opened: Index | None = None

    def count(self) -> int | None:
        """Return how many passages it holds, or None where it is missing or damaged."""
        try:
            with self._searcher() as searcher:
                return int(searcher.doc_count())
        except DamagedIndex:
            return None

    def rebuild(self, passages: Iterable[Passage]) -> None:
        """Put `passages` in the place of whatever is there, damaged or not."""
        from whoosh import index
        from whoosh.writing import CLEAR

        if self.count() is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            self._opened = index.create_in(str(self._folder), _schema())
        with self._writer() as writer:
            _put(writer, passages)
            # One commit: a reader has the old passages until it has all of the new.
            writer.mergetype = CLEAR

    def replace(self, documents: Iterable[str], passages: Iterable[Passage]) -> None:
        """Take out all passages of `documents` and put `passages` in, in one commit."""
        with self._writer() as writer:
            for document in documents:
                writer.delete_by_term("document", document)
            _put(writer, passages)

    def search(
        self, query: str, limit: int, exclude: Collection[str] = frozenset()
    ) -> list[LexicalHit]:
        """Return the best passages for `query`: a bag of words, and phrases in double quotes.

        Any string is a query; one without a word in it finds nothing. Passages whose ids are in
        `exclude` are passed over. Raises DamagedIndex.
        """
        with self._searcher() as searcher:
            parsed = _parse(query)
            if parsed is None:
                return []
            # Skipping blocks of low scores costs Whoosh more than the scores themselves.
            results = searcher.search(parsed, limit=limit + len(exclude), optimize=False)
            hits = [LexicalHit(hit["passage"], float(hit.score)) for hit in results]
        return [hit for hit in hits if hit.passage not in exclude][:limit]

    @contextmanager
    def _writer(self) -> Iterator[IndexWriter]:
        """Give a writer whose work is committed whole, or not at all."""
        writer = self._index().writer(limitmb=_WRITER_MEGABYTES)
        try:
            yield writer
        except BaseException:
            writer.cancel()
            raise
        writer.commit()

    @contextmanager
    def _searcher(self) -> Iterator[Searcher]:
        """Give a searcher over what was committed last. Raises DamagedIndex."""
        from whoosh.scoring import BM25F

        try:
            searcher = self._index().searcher(weighting=BM25F())
        except DamagedIndex:
            raise
        except Exception as error:  # Whoosh raises whatever its broken files lead it to
            raise DamagedIndex(f"The search index in {self._folder} is damaged.") from error
        with searcher:
            yield searcher

    def _index(self) -> Index:
        from whoosh import index

        if self._opened is None:
            if not index.exists_in(str(self._folder)):
                raise DamagedIndex(f"The search index in {self._folder} is missing.")
            self._opened = index.open_dir(str(self._folder))
        return self._opened


@cache
def _analyzer() -> Analyzer:
    from whoosh.analysis import StemmingAnalyzer

    return StemmingAnalyzer()


def _schema() -> Schema:
    from whoosh.fields import ID, TEXT, Schema

    return Schema(
        passage=ID(stored=True, unique=True),
        document=ID,
        title=TEXT(analyzer=_analyzer()),
        headings=TEXT(analyzer=_analyzer()),
        text=TEXT(analyzer=_analyzer()),
    )


def _put(writer: IndexWriter, passages: Iterable[Passage]) -> None:
    for passage in passages:
        writer.add_document(
            passage=passage.id,
            document=passage.document,
            title=passage.title,
            headings=" ".join(passage.headings),
            text=passage.text,
        )


def _parse(query: str) -> Query | None:
    """Return the Whoosh query for a string; built, not parsed, so that none is an error."""
    from whoosh.query import Or, Phrase, Term

    parts: list[Any] = []
    for word in dict.fromkeys(_terms(query)):
        parts.append(Term("text", word))
        parts.append(Term("headings", word))
        parts.append(Term("title", word, boost=_TITLE_WEIGHT))
    for match in _PHRASE.finditer(query):
        phrase = _terms(match[1])
        if len(phrase) > 1:
            parts.append(Phrase("text", phrase))
    if not parts:
        return None
    parsed = Or(parts)
    # Scores are added up in one array, not through a tree of matchers: the same, but faster.
    parsed.matcher_type = Or.ARRAY_MATCHER
    return parsed


def _terms(text: str) -> list[str]:
    return [token.text for token in _analyzer()(text, mode="query")]
