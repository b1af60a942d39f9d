"""A ZIM archive (offline Wikipedia, Kiwix), searched in place with the index that it carries.

The archive knows articles; of those that it finds the passages are ranked here, by BM25F.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import zim
from .analysis import field_terms
from .article_search import ArticleFinder
from .bm25f import FIELDS, LONGEST, Numbers, ScoredSegment, Scores, best, length_norms, score
from .documents import Document, Section
from .passages import Passage, split
from .query import Query
from .ranking import varied
from .variants import variants

_KEPT = 32
"""Articles that are kept at hand once read, so that reading on costs nothing."""


@dataclass(frozen=True, slots=True)
class _Article:
    """An article that was read: its passages, and for each how often a field has a term."""

    passages: tuple[Passage, ...]
    frequencies: tuple[Mapping[str, Counter[str]], ...]


class Archive:
    """The articles of a ZIM file as documents. They are read when they are found, not before."""

    def __init__(self, path: Path, name: str) -> None:
        """Open the archive at `path`; the ids of its documents start with `name`.

        Raises UnreadableDocument where libzim is missing, or the file is no ZIM archive.
        """
        self.path = path
        self.name = name
        self._zim = zim.Zim(path)
        self._finder = ArticleFinder(self._zim)
        self._article = lru_cache(_KEPT)(self._read)

    def close(self) -> None:
        """Close the file; nothing is found from then on."""
        self._zim.close()
        self._finder = ArticleFinder(self._zim)
        self._article.cache_clear()

    # Reading

    def passage(self, passage_id: str) -> Passage | None:
        """Return a passage by its id."""
        document, _, _ = passage_id.rpartition("#")
        return next((found for found in self.document(document) if found.id == passage_id), None)

    def document(self, document_id: str) -> tuple[Passage, ...]:
        """Return all passages of an article, in order; none where there is no such article."""
        found = self._path_of(document_id)
        article = None if found is None else self._article(found)
        return () if article is None else article.passages

    def find_document(self, title_or_id: str) -> str | None:
        """Return the id of the article with that id, else with that title, whatever its case."""
        path = self._path_of(title_or_id) or self._zim.titled(title_or_id)
        return None if path is None else self._id(path)

    def named(self, name: str) -> str | None:
        """Return the id of the article whose title is `name` as it is written, or leads to it."""
        path = self._zim.named(name)
        return None if path is None else self._id(path)

    def _id(self, path: str) -> str:
        return f"{self.name}/{path}"

    def _path_of(self, document_id: str) -> str | None:
        """Return where the article of that id is, redirects followed."""
        prefix = self._id("")
        if not document_id.startswith(prefix):
            return None
        found = self._zim.located(document_id[len(prefix) :])
        return None if found is None else found[0]

    def _read(self, path: str) -> _Article | None:
        """Read the article at `path`; None where there is none, or it cannot be read."""
        article = self._zim.article(path)
        if article is None:
            return None
        text, sections = _text(article)
        document_id = self._id(article.path)
        passages = split(
            Document(document_id, article.title, str(self.path), text, sections, is_extracted=True)
        )
        return _Article(passages, tuple(_frequencies(passage) for passage in passages))

    # Searching

    def search(self, query: Query, limit: int) -> list[tuple[Passage, float]]:
        """Return the best passages for a query, at most three of an article, with their scores.

        A score is that of BM25F among the passages of the best articles, times 1 + 1 ÷ the rank of
        the article: how rare a word is cannot be told from a dozen articles that were found for it.
        """
        found = (self._article(path) for path in self._finder.best(query.text))
        articles = [article for article in found if article is not None]
        passages = [passage for article in articles for passage in article.passages]
        if not passages or not query.terms:
            return []
        frequencies = [counts for article in articles for counts in article.frequencies]
        ranks = [rank for rank, found in enumerate(articles, start=1) for _ in found.passages]
        (scores,) = score([_segment(frequencies)], variants(query, _Vocabulary(frequencies)))
        scores *= 1 + 1 / np.array(ranks, np.float32)
        if query.demanding:
            scores[_meeting(query, passages, frequencies) & (scores > 0)] += scores.max()
        ranked = ((passages[at], points) for _, at, points in best([scores], len(passages)))
        return list(varied(ranked))[: max(0, limit)]


def _text(article: zim.Article) -> tuple[str, tuple[Section, ...]]:
    """Return the text of an article, and its sections."""
    from .readers.markup import parsed, sectioned_text

    if article.kind == zim.PLAIN:
        text = article.data.decode("utf-8", "replace")
        return text, (Section(0, len(text)),)
    tree = parsed(article.data)
    return ("", ()) if tree is None else sectioned_text(tree, article.title)


def _frequencies(passage: Passage) -> dict[str, Counter[str]]:
    """Return how often each field of a passage has which term."""
    return {field: Counter(found) for field, found in field_terms(passage).items()}


class _Vocabulary:
    """The terms of passages, and how many have each."""

    def __init__(self, frequencies: Iterable[Mapping[str, Counter[str]]]) -> None:
        self._having = Counter(
            term for fields in frequencies for term in set().union(*fields.values())
        )

    def frequency(self, term: str) -> int:
        return self._having[term]

    def beginning(self, start: str) -> list[str]:
        return [term for term in self._having if term.startswith(start)]


def _segment(frequencies: Sequence[Mapping[str, Counter[str]]]) -> ScoredSegment:
    """Return passages as a segment that BM25F can score."""

    def postings(name: str, term: str) -> tuple[Numbers, Scores] | None:
        often = np.array([counts[name][term] for counts in frequencies], np.float32)
        numbers = np.flatnonzero(often)
        return (numbers, often[numbers]) if len(numbers) else None

    lengths = {
        each.name: [_lengths(counts[each.name] for counts in frequencies)] for each in FIELDS
    }
    return ScoredSegment(len(frequencies), length_norms(lengths)[0], postings)


def _lengths(counts: Iterable[Counter[str]]) -> npt.NDArray[np.uint16]:
    return np.array([min(count.total(), LONGEST) for count in counts], np.uint16)


def _meeting(
    query: Query, passages: Sequence[Passage], frequencies: Sequence[Mapping[str, Counter[str]]]
) -> npt.NDArray[np.bool_]:
    """Return for each passage whether it has what the query demands."""
    return np.array(
        [
            all(term in counts[name] for name, term in query.fields)
            and query.phrases_in(passage.text, passage.title, *passage.headings)
            for passage, counts in zip(passages, frequencies, strict=True)
        ]
    )
