"""The lexical index: Whoosh with BM25F, stemming, and a weight on titles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .passages import Passage

if TYPE_CHECKING:
    from whoosh.index import Index
    from whoosh.query import Query

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
        """Open the index in `folder`, or make an empty one."""
        self._folder = folder

    def replace(self, documents: Iterable[str], passages: Iterable[Passage]) -> None:
        """Take out all passages of `documents` and put `passages` in, in one commit."""
        writer = self._index.writer(limitmb=_WRITER_MEGABYTES)
        try:
            for document in documents:
                writer.delete_by_term("document", document)
            for passage in passages:
                writer.add_document(
                    passage=passage.id,
                    document=passage.document,
                    title=passage.title,
                    headings=" ".join(passage.headings),
                    text=passage.text,
                )
        except BaseException:
            writer.cancel()
            raise
        writer.commit()

    def search(self, query: str, limit: int) -> list[LexicalHit]:
        """Return the best passages for `query`: a bag of words, and phrases in double quotes.

        Any string is a query; one without a word in it finds nothing.
        """
        from whoosh.scoring import BM25F

        parsed = self._parse(query)
        if parsed is None:
            return []
        with self._index.searcher(weighting=BM25F()) as searcher:
            results = searcher.search(parsed, limit=limit)
            return [LexicalHit(hit["passage"], float(hit.score)) for hit in results]

    @cached_property
    def _index(self) -> Index:
        from whoosh import index
        from whoosh.analysis import StemmingAnalyzer
        from whoosh.fields import ID, TEXT, Schema

        if index.exists_in(str(self._folder)):
            return index.open_dir(str(self._folder))
        self._folder.mkdir(parents=True, exist_ok=True)
        analyzer = StemmingAnalyzer()
        schema = Schema(
            passage=ID(stored=True, unique=True),
            document=ID,
            title=TEXT(analyzer=analyzer),
            headings=TEXT(analyzer=analyzer),
            text=TEXT(analyzer=analyzer),
        )
        return index.create_in(str(self._folder), schema)

    def _parse(self, query: str) -> Query | None:
        """Return the Whoosh query for a string; built, not parsed, so that none is an error."""
        from whoosh.query import Or, Phrase, Term

        words = self._terms(query)
        parts: list[Any] = []
        for word in dict.fromkeys(words):
            parts.append(Term("text", word))
            parts.append(Term("headings", word))
            parts.append(Term("title", word, boost=_TITLE_WEIGHT))
        for match in _PHRASE.finditer(query):
            phrase = self._terms(match[1])
            if len(phrase) > 1:
                parts.append(Phrase("text", phrase))
        return Or(parts) if parts else None

    def _terms(self, text: str) -> list[str]:
        analyzer = self._index.schema["text"].analyzer
        return [token.text for token in analyzer(text, mode="query")]
