"""A ZIM archive (offline Wikipedia, Kiwix), searched in place with the index that it carries.

The archive's own search knows articles, and finds only those that have *all* words of a query: of
a whole question that is none. So the rarest words are looked up in pairs, and what was found is
ranked by how much of the question it has. The passages of the best articles are ranked by BM25F.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain, combinations, dropwhile
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .analysis import all_terms, terms, words
from .bm25f import FIELDS, Numbers, ScoredSegment, Scores, best, length_norms, score
from .documents import Document, Section
from .errors import UnreadableDocument
from .passages import Passage, split
from .query import Query

_ARTICLES = 12
"""Articles whose passages are ranked."""
_KEPT = 32
"""Articles that are kept at hand once read, so that reading on costs nothing."""
_OF_ONE = 3
"""Most passages of one article among those found."""
_RAREST = 10
"""Words of a query that are looked up; in pairs, that is 45 look-ups."""
_COMMON = 5
"""A word that more than one in so many articles has says little, and takes long to look up."""
_LOOKED_AT = 64
"""Words of a query whose frequency is asked for: a model may ask with a whole page."""
_COUNTED = 10_000
"""Words whose frequency is kept at hand: in a large archive, to count a common one takes long."""
_ALONE = 3
"""Rarest words that are looked up alone too."""
_TAKEN = 8
"""Best articles of a look-up that are taken."""
_TITLES = 2
"""Best articles of a look-up of titles that are taken."""
_NAMES = 8
"""Names in a query that are looked up among the titles."""
_LONGEST_TITLE = 16
"""Words that a title may have."""
_SAME_TITLE = 20
"""Suggestions that are looked through for one that is the title itself."""
_MOST_TERMS = 65_535
"""Terms of a field that are counted."""
_LARGEST = 16_000_000
"""Bytes of an article; what is larger is a list for machines."""

_SHORT = 3
"""Letters of a word that may stand within a name."""
_OPENING = "\"'“”„«»‘’([{"
_ENDING = ",;:?!)]}"

_HTML = "text/html"
_PLAIN = "text/plain"


@dataclass(frozen=True, slots=True)
class _Article:
    """An article that was read: its passages, and for each how often a field has a term."""

    passages: tuple[Passage, ...]
    frequencies: tuple[Mapping[str, Counter[str]], ...]


@dataclass(slots=True)
class _Candidate:
    """An article that may answer: which of the words it has, and how high it was found."""

    having: set[str] = field(default_factory=set)
    closeness: float = 0.0


class Archive:
    """The articles of a ZIM file as documents. They are read when they are found, not before."""

    def __init__(self, path: Path, name: str) -> None:
        """Open the archive at `path`; the ids of its documents start with `name`.

        Raises UnreadableDocument where libzim is missing, or the file is no ZIM archive.
        """
        self.path = path
        self.name = name
        self._zim = _opened(path)
        self._article = lru_cache(_KEPT)(self._read)
        self._frequency = lru_cache(_COUNTED)(self._count)

    def close(self) -> None:
        """Close the file; nothing is found from then on."""
        self._zim = None
        self._article.cache_clear()
        self._frequency.cache_clear()
        self.__dict__.pop("_texts", None)
        self.__dict__.pop("_titles", None)

    @property
    def title(self) -> str:
        """What the archive calls itself, else the name of the file."""
        try:
            title = bytes(self._zim.get_metadata("Title")).decode("utf-8", "replace")
        except Exception:  # see `_item`
            title = ""
        return " ".join(title.split()) or self.path.stem

    @property
    def articles(self) -> int:
        """How many articles it says it has."""
        try:
            return int(self._zim.article_count)
        except Exception:  # see `_item`
            return 0

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
        path = self._path_of(title_or_id) or self._titled(title_or_id)
        return None if path is None else self._id(path)

    def _id(self, path: str) -> str:
        return f"{self.name}/{path}"

    def _path_of(self, document_id: str) -> str | None:
        """Return where the article of that id is, redirects followed."""
        prefix = self._id("")
        if not document_id.startswith(prefix):
            return None
        item = self._item(document_id[len(prefix) :])
        return None if item is None else str(item.path)

    def _titled(self, title: str) -> str | None:
        """Return where the article of that title is, or what redirects from that title to it."""
        wanted = _folded(title)
        if not wanted:
            return None
        # The title itself first: among a thousand that begin like it, it need not be suggested.
        entries = [self._entry(title, by_title=True), self._entry("_".join(title.split()))]
        entries += (self._entry(path) for path in self._suggested(title, _SAME_TITLE))
        for entry in entries:
            if entry is not None and wanted in (_folded(entry.title), _folded(entry.path)):
                item = self._item(entry.path)
                if item is not None:
                    return str(item.path)
        return None

    def _entry(self, key: str, *, by_title: bool = False) -> Any:
        """Return an entry, which may be a redirect; None where there is none."""
        try:
            zim = self._zim
            return zim.get_entry_by_title(key) if by_title else zim.get_entry_by_path(key)
        except Exception:  # see `_item`
            return None

    def _item(self, path: str) -> Any:
        """Return what is at `path`, redirects followed; None where that is no article."""
        # libzim raises KeyError, RuntimeError and what else a damaged file leads it to: each costs
        # one article, not the search.
        try:
            item = self._zim.get_entry_by_path(path).get_item()
            return item if _kind(item) in (_HTML, _PLAIN) else None
        except Exception:
            return None

    def _read(self, path: str) -> _Article | None:
        """Read the article at `path`; None where there is none, or it cannot be read."""
        item = self._item(path)
        try:
            if item is None or item.size > _LARGEST:
                return None
            data, kind = bytes(item.content), _kind(item)
            place, title = str(item.path), " ".join(item.title.split())
        except Exception:  # see `_item`
            return None
        title = title or place
        text, sections = _text(data, kind, title)
        passages = split(Document(self._id(place), title, str(self.path), text, sections))
        return _Article(passages, tuple(_frequencies(passage) for passage in passages))

    # Searching

    def search(self, query: Query, limit: int) -> list[tuple[Passage, float]]:
        """Return the best passages for a query, at most three of an article, with their scores.

        A score is that of BM25F among the passages of the best articles, times 1 + 1 ÷ the rank of
        the article: how rare a word is cannot be told from a dozen articles that were found for it.
        """
        found = (self._article(path) for path in self._best_articles(query.text))
        articles = [article for article in found if article is not None]
        passages = [passage for article in articles for passage in article.passages]
        if not passages or not query.terms:
            return []
        frequencies = [counts for article in articles for counts in article.frequencies]
        ranks = [rank for rank, found in enumerate(articles, start=1) for _ in found.passages]
        (scores,) = score([_segment(frequencies)], query.terms)
        scores *= 1 + 1 / np.array(ranks, np.float32)
        if query.demanding:
            scores[_meeting(query, passages, frequencies) & (scores > 0)] += scores.max()
        ranked = ((passages[at], points) for _, at, points in best([scores], len(passages)))
        return list(_varied(ranked))[: max(0, limit)]

    def _best_articles(self, text: str) -> list[str]:
        """Return where the articles are that have most of a query, the best first."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        rarities = self._rarities(text)
        candidates = self._candidates(text, rarities)

        def worth(path: str, title: str) -> float:
            candidate = candidates[path]
            titled = set(all_terms(title))
            in_title = {word for word in rarities if not titled.isdisjoint(all_terms(word))}
            having = candidate.having | in_title
            points = sum(idf for word, idf in rarities.items() if word in having)
            # A title of which the query has every word is what the query is about.
            about = sum(idf for word, idf in rarities.items() if word in in_title)
            share = len(in_title) / max(1, len(titled))
            return points + about * share / 2 + candidate.closeness

        first = sorted(candidates, key=lambda path: -worth(path, path.replace("_", " ")))
        items: dict[str, float] = {}
        for path in first[: 2 * _ARTICLES]:
            item = self._item(path)
            if item is not None:
                items.setdefault(str(item.path), worth(path, item.title))
        return sorted(items, key=lambda path: -items[path])[:_ARTICLES]

    def _rarities(self, text: str) -> dict[str, float]:
        """Return the rarest words of a query that the archive has, and how much each says (idf)."""
        distinct = {tuple(all_terms(word)): word for word in words(text) if terms(word)}
        # Where there is nothing but stop words (“The Who”) they are looked for.
        wanted = list(distinct.values())[:_LOOKED_AT] or words(text)[:_LONGEST_TITLE]
        frequencies = {word: self._frequency(word) for word in wanted}
        known = sorted((word for word in wanted if frequencies[word]), key=frequencies.__getitem__)
        articles = max(1, self.articles)
        most = max(1000, articles // _COMMON)
        rare = [word for at, word in enumerate(known) if at < 2 or frequencies[word] <= most]
        return {word: log(1 + articles / frequencies[word]) for word in rare[:_RAREST]}

    def _candidates(self, text: str, rarities: Mapping[str, float]) -> dict[str, _Candidate]:
        """Return the articles that have one or two of the words, or titles that the query names."""
        found: defaultdict[str, _Candidate] = defaultdict(_Candidate)
        alone = combinations(list(rarities)[:_ALONE], 1)
        for wanted in chain(alone, combinations(rarities, 2)):
            for rank, path in enumerate(self._having(" ".join(wanted), _TAKEN)):
                found[path].having.update(wanted)
                found[path].closeness += 1 / (rank + 5)
        for name in _names(text):
            for path in self._suggested(name, _TITLES):
                found[path].having.update(set(words(name)) & rarities.keys())
        return dict(found)

    def _having(self, wanted: str, count: int) -> list[str]:
        """Return where the best articles are that have all of some words."""
        if self._texts is None:
            return self._suggested(wanted, count)
        from libzim.search import Query as Words

        try:
            return list(self._texts.search(Words().set_query(wanted)).getResults(0, count))
        except Exception:  # see `_item`
            return []

    def _count(self, word: str) -> int:
        """Return how many articles have a word, about."""
        from libzim.search import Query as Words

        try:
            if self._texts is None:
                return int(self._titles.suggest(word).getEstimatedMatches())
            return int(self._texts.search(Words().set_query(word)).getEstimatedMatches())
        except Exception:  # see `_item`
            return 0

    def _suggested(self, title: str, count: int) -> list[str]:
        """Return where the articles are whose titles have these words, the last one begun."""
        wanted = words(title)
        if not 0 < len(wanted) <= _LONGEST_TITLE:
            return []
        try:
            return list(self._titles.suggest(" ".join(wanted)).getResults(0, count))
        except Exception:  # see `_item`
            return []

    @cached_property
    def _texts(self) -> Any:
        """The index of the texts; None where the archive has none."""
        from libzim.search import Searcher

        try:
            return Searcher(self._zim) if self._zim.has_fulltext_index else None
        except Exception:  # see `_item`
            return None

    @cached_property
    def _titles(self) -> Any:
        """The index of the titles; without one, libzim goes through the list of titles."""
        from libzim.suggestion import SuggestionSearcher

        try:
            return SuggestionSearcher(self._zim)
        except Exception:  # see `_item`
            return None


def _opened(path: Path) -> Any:
    """Open a ZIM file. Raises UnreadableDocument."""
    try:
        from libzim.reader import Archive as Zim
    except ImportError as error:
        raise UnreadableDocument("needs the zim extra: pip install 'miro-edge[zim]'") from error
    try:
        return Zim(path)
    except Exception as error:  # see `Archive._item`
        raise UnreadableDocument(f"is not a ZIM archive that can be read: {error}") from error


def _kind(item: Any) -> str:
    """Return the media type of an item without its parameters."""
    return str(item.mimetype).partition(";")[0].strip().lower()


def _text(data: bytes, kind: str, title: str) -> tuple[str, tuple[Section, ...]]:
    """Return the text of an article, and its sections."""
    from .readers.markup import parsed, sectioned_text

    if kind == _PLAIN:
        text = data.decode("utf-8", "replace")
        return text, (Section(0, len(text)),)
    tree = parsed(data)
    return ("", ()) if tree is None else sectioned_text(tree, title)


def _frequencies(passage: Passage) -> dict[str, Counter[str]]:
    """Return how often each field of a passage has which term."""
    return {
        "text": Counter(terms(passage.text)),
        "headings": Counter(all_terms(" ".join(passage.headings))),
        "title": Counter(all_terms(passage.title)),
    }


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
    return np.array([min(count.total(), _MOST_TERMS) for count in counts], np.uint16)


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


def _varied(ranked: Iterable[tuple[Passage, float]]) -> Iterator[tuple[Passage, float]]:
    """Yield passages in order, those passed over of whose article there are enough."""
    taken: Counter[str] = Counter()
    for passage, points in ranked:
        taken[passage.document] += 1
        if taken[passage.document] <= _OF_ONE:
            yield passage, points


def _names(text: str) -> list[str]:
    """Return what may be the title of an article: the whole text, and the names in it."""
    found = [text]
    for at, run in enumerate(_runs(text)):
        # What begins a sentence has a capital anyway: “Did Brunel …”
        for named in (run, run[1:]) if at == 0 else (run,):
            name = " ".join(dropwhile(lambda word: not terms(word), named))
            if name:
                found.append(name)
    return list(dict.fromkeys(found))[: _NAMES + 1]


def _runs(text: str) -> Iterator[list[str]]:
    """Yield the runs of words with capitals or digits, short words between them: “Bay of Fundy”."""
    run: list[str] = []
    length = 0
    for word in text.split():
        first = word.lstrip(_OPENING)[:1]
        if first.isupper() or first.isdigit():
            run.append(word)
            length = len(run)
        elif run and len(word) <= _SHORT:
            run.append(word)
        else:
            yield run[:length]
            run, length = [], 0
        if word[-1] in _ENDING:
            yield run[:length]
            run, length = [], 0
    yield run[:length]


def _folded(title: str) -> str:
    """Return a title, or the path that is made of it, without what does not matter."""
    return " ".join(title.replace("_", " ").split()).casefold()
