"""The lexical index: Whoosh's segments and terms, scored by BM25F."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .analysis import EDITION, field_terms
from .bm25f import FIELDS, LONGEST, Numbers, ScoredSegment, Scores, best, length_norms, score
from .checksums import Checksums
from .errors import DamagedIndex
from .passages import Passage
from .query import Query
from .variants import variants

if TYPE_CHECKING:
    from whoosh.index import Index
    from whoosh.reading import IndexReader
    from whoosh.writing import IndexWriter

_EDITS = 2
"""Most slips between a word and what was meant."""
_EDITION = "analysis"
"""A file that says which edition of the analysis has made the index."""
_FORMER = "former"
"""A folder of what was there before, while it is deleted."""
_MOMENT = 0.1
"""Seconds in which an index has surely been put in the place of another one."""
_WRITTEN_ONCE = ("*.seg", "*.toc")


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """The key of a passage, and its BM25F score."""

    key: int
    score: float


class LexicalIndex:
    """A Whoosh index of passages in a folder. It knows keys and words; the texts lie elsewhere."""

    def __init__(self, folder: Path) -> None:
        """Look after the index in `folder`; it need not exist yet."""
        self._folder = folder
        self._draft = folder.with_name(f"{folder.name}.draft")
        self._snapshot: _Snapshot | None = None
        self._checksums = Checksums(folder, *_WRITTEN_ONCE)

    def keys(self) -> set[int] | None:
        """Return the keys of its passages, or None where it is missing, damaged or out of date.

        It is damaged where a file is not what was written, as its size and date show, or `compare`
        has found, and where a search has raised DamagedIndex.
        """
        return self._held() if self._is_of_this_analysis else None

    @property
    def is_outdated(self) -> bool:
        """Whether another analysis has made it, and it is whole: what its terms find is found."""
        return not self._is_of_this_analysis and self._held() is not None

    def _held(self) -> set[int] | None:
        """Return the keys of its passages, or None where it is missing or damaged."""
        if self._checksums.are_doubtful:
            return None
        try:
            with self._unharmed() as snapshot:
                return set(snapshot.positions())
        except DamagedIndex:
            return None

    @property
    def _is_of_this_analysis(self) -> bool:
        try:
            return (self._folder / _EDITION).read_text() == str(EDITION)
        except (OSError, UnicodeDecodeError):  # it is missing: an older version has made the index
            return False

    @property
    def is_mostly_deleted(self) -> bool:
        """Whether most passages in its files are only marked as deleted. Raises DamagedIndex."""
        with self._unharmed() as snapshot:
            return snapshot.is_mostly_deleted

    def compare(self) -> None:
        """Hash all of its files: from now on it is damaged where one is not what was written."""
        self._checksums.compare()

    def close(self) -> None:
        """Close the files."""
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None

    # Writing

    def create(self) -> None:
        """Put an empty index in the place of whatever is there, damaged or not."""
        from whoosh import index

        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._checksums.forget()
        index.create_in(str(self._folder), _schema())
        (self._folder / _EDITION).write_text(str(EDITION))

    @contextmanager
    def rebuilding(self) -> Iterator[LexicalIndex]:
        """Give a draft to be filled; then put it in the place of whatever is there.

        Until it is whole, that is searched, and after a kill as well; what the draft has by then it
        has the next time. Between the two renamings there is no index: readers try again, and what
        a kill leaves just there is mended by `finish`, or the next time.
        """
        draft = LexicalIndex(self._draft)
        draft.compare()
        if draft.keys() is None or draft.is_mostly_deleted:
            draft.create()
        try:
            yield draft
        finally:
            draft.close()
        self.close()
        with suppress(FileNotFoundError):  # a new library has none
            self._folder.rename(self._draft / _FORMER)
        self._take_draft()

    @property
    def is_half_replaced(self) -> bool:
        """Whether the former index is away, and the one made in its place not yet there."""
        return (self._draft / _FORMER).is_dir() and not self._folder.exists()

    def finish(self) -> None:
        """Put a whole draft where it belongs, if a kill has kept it from there.

        Only who holds the library's lock may do so.
        """
        if self.is_half_replaced:
            self._take_draft()

    def _take_draft(self) -> None:
        self._draft.rename(self._folder)
        shutil.rmtree(self._folder / _FORMER, ignore_errors=True)
        self._checksums = Checksums(self._folder, *_WRITTEN_ONCE)

    def seal(self) -> None:
        """Remember what was written, so that damage can be told; a commit does so by itself."""
        self._checksums.seal()

    def replace(self, gone: Collection[int], passages: Iterable[tuple[int, Passage]]) -> None:
        """Take out the passages with the keys in `gone`, and put others in, in one commit."""
        with self._writer() as writer:
            if gone:
                positions = self._latest().positions()
                for key in gone:
                    if key in positions:
                        writer.delete_document(positions[key])
            for key, passage in passages:
                _put(writer, key, passage)

    @contextmanager
    def _writer(self) -> Iterator[IndexWriter]:
        """Give a writer whose work is committed whole, or not at all."""
        from whoosh import index

        from .postings import ArrayWriter

        writer = ArrayWriter(index.open_dir(str(self._folder)))
        try:
            yield writer
        except BaseException:
            writer.cancel()
            raise
        writer.commit()
        self.seal()

    # Reading

    def search(
        self,
        query: Query,
        limit: int,
        exclude: Collection[int] = frozenset(),
        *,
        strict: bool = False,
    ) -> list[LexicalHit]:
        """Return the best passages for a query, those whose keys are in `exclude` passed over.

        `strict` leaves out passages that have not all words of the query's phrases, somewhere, and
        its words for fields, there. Raises DamagedIndex.
        """
        with self._unharmed() as snapshot:
            scores = snapshot.demanded(query) if strict else snapshot.scores(query)
            hits = [
                LexicalHit(snapshot.key(segment, number), points)
                for segment, number, points in best(scores, limit + len(exclude))
            ]
        return [hit for hit in hits if hit.key not in exclude][:limit]

    def scores(self, query: Query, keys: Iterable[int]) -> dict[int, float]:
        """Return the BM25F scores of the passages with `keys`. Raises DamagedIndex."""
        with self._unharmed() as snapshot:
            return snapshot.scores_of(query, keys)

    def has(self, term: str) -> bool:
        """Return whether a passage has `term`, in any field. Raises DamagedIndex."""
        with self._unharmed() as snapshot:
            return snapshot.frequency(term) > 0

    def similar_terms(self, term: str) -> list[str]:
        """Return terms of the index that are spelt nearly like `term`, the likeliest first.

        Raises DamagedIndex.
        """
        with self._unharmed() as snapshot:
            return snapshot.similar(term)

    @contextmanager
    def _unharmed(self) -> Iterator[_Snapshot]:
        """Give the index as it is now. Raises DamagedIndex."""
        snapshot = self._latest()
        try:
            yield snapshot
        except MemoryError:
            raise
        except Exception as error:  # as in `_latest`
            self._checksums.doubt()
            raise DamagedIndex(f"The search index in {self._folder} is damaged.") from error

    def _latest(self) -> _Snapshot:
        """Return the index as it was committed last. Raises DamagedIndex."""
        try:
            try:
                return self._opened()
            except Exception:  # the folder may be missing just now: see `rebuilding`
                time.sleep(_MOMENT)
                return self._opened()
        except Exception as error:  # Whoosh raises whatever its broken files lead it to
            raise DamagedIndex(
                f"The search index in {self._folder} is missing or damaged."
            ) from error

    def _opened(self) -> _Snapshot:
        from whoosh import index

        opened = index.open_dir(str(self._folder))
        # One that was made anew counts its generations anew, but lies in another folder.
        version = (self._folder.stat().st_ino, opened.latest_generation())
        if self._snapshot is None or self._snapshot.version != version:
            self.close()
            self._snapshot = _Snapshot(opened, version)
        return self._snapshot


class _Snapshot:
    """The index as one commit left it, opened: what later commits do is not seen here."""

    def __init__(self, opened: Index, version: tuple[int, int]) -> None:
        self.version = version
        self._reader = opened.reader()
        leaves = (leaf for leaf, _ in self._reader.leaf_readers())
        self._leaves = [leaf for leaf in leaves if leaf.doc_count_all()]  # an empty one is special
        self._scored: tuple[Query | None, list[Scores]] = (None, [])

    def close(self) -> None:
        self._reader.close()

    @property
    def is_mostly_deleted(self) -> bool:
        return bool(self._reader.doc_count() < self._reader.doc_count_all() / 2)

    @cached_property
    def _keys(self) -> list[Numbers]:
        """The key of each passage of each segment."""
        from .postings import column_array

        return [column_array(leaf, "key", ">u8").astype(np.int64) for leaf in self._leaves]

    @cached_property
    def _segments(self) -> list[ScoredSegment]:
        from .postings import column_array

        lengths = {
            field.name: [column_array(leaf, f"{field.name}_length", ">u2") for leaf in self._leaves]
            for field in FIELDS
        }
        return [
            ScoredSegment(int(leaf.doc_count_all()), norms, partial(_postings, leaf))
            for leaf, norms in zip(self._leaves, length_norms(lengths), strict=True)
        ]

    def key(self, segment: int, number: int) -> int:
        return int(self._keys[segment][number])

    def positions(self) -> dict[int, int]:
        """Return where in the index the passage with each key is, without those deleted."""
        found: dict[int, int] = {}
        base = 0
        for leaf, keys in zip(self._leaves, self._keys, strict=True):
            deleted = leaf.deleted_docs_set
            found |= {
                int(key): base + number for number, key in enumerate(keys) if number not in deleted
            }
            base += len(keys)
        return found

    def scores(self, query: Query) -> list[Scores]:
        """Return the score of every passage of each segment; nought for what was deleted."""
        if query != self._scored[0]:  # a search asks twice or thrice for the same
            found = score(self._segments, variants(query, self))
            for leaf, part in zip(self._leaves, found, strict=True):
                if leaf.has_deletions():
                    part[sorted(leaf.deleted_docs_set)] = 0
            self._scored = (query, found)
        return self._scored[1]

    def scores_of(self, query: Query, keys: Iterable[int]) -> dict[int, float]:
        """Return the scores of the passages with `keys`, those that are here."""
        found: dict[int, float] = {}
        wanted = np.array(sorted(keys), np.int64)
        for known, part in zip(self._keys, self.scores(query), strict=True):
            having = np.isin(known, wanted)
            found |= {int(k): float(s) for k, s in zip(known[having], part[having], strict=True)}
        return found

    def demanded(self, query: Query) -> list[Scores]:
        """Return the scores, nought for passages that do not have what the query demands."""
        # Texts are indexed without stop words, so that those of a phrase may be found nowhere. Who
        # reads the passages will see whether it really stands there.
        anywhere = [(tuple(field.name for field in FIELDS), term) for term in {*query.phrased}]
        named = [((field,), term) for field, term in query.fields]
        found = []
        for segment, part in zip(self._segments, self.scores(query), strict=True):
            meeting = part.copy()
            for fields, term in (*anywhere, *named):
                having = np.zeros(segment.size, bool)
                for field in fields:
                    postings = segment.postings(field, term)
                    if postings is not None:
                        having[postings[0]] = True
                meeting[~having] = 0
            found.append(meeting)
        return found

    def frequency(self, term: str) -> int:
        pairs = product(self._leaves, FIELDS)
        return sum(int(leaf.doc_frequency(field.name, term)) for leaf, field in pairs)

    def beginning(self, start: str) -> set[str]:
        pairs = product(self._leaves, FIELDS)
        return {
            term.decode() for leaf, field in pairs for term in leaf.expand_prefix(field.name, start)
        }

    def similar(self, term: str) -> list[str]:
        """Return terms within two edits that begin alike, nearest first, then the frequent."""
        from whoosh.support.levenshtein import distance

        near: Counter[str] = Counter()
        edits: dict[str, int] = {}
        for leaf in self._leaves:
            for stored in leaf.expand_prefix("text", term[:1]):
                found = stored.decode()
                if abs(len(found) - len(term)) > _EDITS:
                    continue
                edits[found] = distance(found, term, limit=_EDITS)
                if edits[found] <= _EDITS:
                    near[found] += int(leaf.doc_frequency("text", found))
        return sorted(near, key=lambda found: (edits[found], -near[found], found))


def _postings(leaf: IndexReader, field: str, term: str) -> tuple[Numbers, Scores] | None:
    """Return the passages of a segment with a term in a field, deleted ones too."""
    from whoosh.reading import TermNotFound

    try:
        matcher = leaf.postings(field, term)
    except TermNotFound:
        return None
    arrays: tuple[Numbers, Scores] = getattr(matcher, "child", matcher).arrays()
    return arrays


def _schema() -> Any:
    from whoosh.fields import COLUMN, Schema

    from .postings import TermList, number_column

    schema = Schema(key=COLUMN(number_column("Q")))
    for field in FIELDS:
        schema.add(field.name, TermList())
        schema.add(f"{field.name}_length", COLUMN(number_column("H")))
    return schema


def _put(writer: IndexWriter, key: int, passage: Passage) -> None:
    found = field_terms(passage)
    lengths = {f"{field}_length": min(len(value), LONGEST) for field, value in found.items()}
    writer.add_document(key=key, **found, **lengths)
