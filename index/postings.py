"""How Whoosh stores the postings of a term here: two arrays, read whole.

Whoosh walks over postings one by one in Python, which a query of common words cannot afford over a
hundred thousand passages. Its codecs are made to be replaced: this one keeps, for each term, the
numbers of its passages and how often each has it, so that numpy can score them all at once.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from whoosh import columns, formats
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3TermInfo
from whoosh.fields import FieldType
from whoosh.matching import ListMatcher
from whoosh.writing import SegmentWriter

Numbers = npt.NDArray[np.int64]
Frequencies = npt.NDArray[np.float32]

_MOST_FREQUENT = 255
"""A frequency is one byte: scores are saturated long before."""
_BYTES_EACH = 5
"""Of a posting before compression: four for the gap to the one before, one for its frequency."""
_PRESSED_FROM = 16
"""Postings from which compression pays."""


class TermList(FieldType):  # type: ignore[misc]  # Whoosh has no types
    """A field whose value is the list of its terms: the analysis is done before."""

    def __init__(self) -> None:
        super().__init__(format=formats.Frequency(), analyzer=None)

    def index(self, value: Sequence[str], **_: Any) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Yield each term of `value` once: its bytes, its frequency twice, and no payload."""
        for term, frequency in Counter(value).items():
            yield term.encode(), frequency, frequency, b""


class ArrayCodec(W3Codec):  # type: ignore[misc]
    """Whoosh's own codec, but for the postings."""

    def field_writer(self, storage: Any, segment: Any) -> W3FieldWriter:
        """Return what writes terms and postings of a new segment."""
        return _ArrayFieldWriter(self, storage, segment)

    def postings_reader(
        self, dbfile: Any, terminfo: Any, format_: Any, term: Any = None, scorer: Any = None
    ) -> ArrayMatcher:
        """Return the postings of a term."""
        offset, (length,) = terminfo.extent()  # Whoosh reads the length as a tuple of one
        stored = dbfile.get(offset, length)
        numbers, frequencies = _unpacked(stored, terminfo.doc_frequency())
        return ArrayMatcher(
            numbers, frequencies, None, format_, scorer=scorer, term=term, terminfo=terminfo
        )


class ArrayWriter(SegmentWriter):  # type: ignore[misc]
    """Whoosh's own writer, with these postings; the disk has a segment before anything names it."""

    def __init__(self, index: Any) -> None:
        """Write to an index of Whoosh. Raises LockError."""
        super().__init__(index, codec=ArrayCodec())
        self.pool = PostingsPool()

    def _assemble_segment(self) -> None:
        super()._assemble_segment()
        name = self.newsegment.make_filename(self.newsegment.COMPOUND_EXT)
        with (Path(self.storage.folder) / name).open("r+b") as file:  # Windows syncs no other
            os.fsync(file.fileno())


class ArrayMatcher(ListMatcher):  # type: ignore[misc]
    """Postings that Whoosh can walk over one by one, and that we take as they are."""

    def arrays(self) -> tuple[Numbers, Frequencies]:
        """Return the numbers of the passages in the segment, ascending, and the frequencies."""
        return self._ids, self._weights

    def id(self) -> int:
        """Return the number of the current passage."""
        return int(self._ids[self._i])

    def weight(self) -> float:
        """Return the frequency in the current passage."""
        return float(self._weights[self._i])

    def value(self) -> bytes:
        """Return no payload."""
        return b""


class PostingsPool:
    """The postings of a segment that is being written, in memory, by field and term."""

    def __init__(self) -> None:
        """Begin with none."""
        self._fields: dict[str, dict[bytes, tuple[array[int], array[int]]]] = {}

    def add(self, posting: tuple[str, bytes, int, float, bytes]) -> None:
        """Take one posting as Whoosh's writer hands it over; passages come in ascending order."""
        field, term, number, frequency, _ = posting
        terms = self._fields.setdefault(field, {})
        arrays = terms.get(term)
        if arrays is None:
            arrays = terms[term] = (array("I"), array("B"))
        arrays[0].append(number)
        arrays[1].append(min(int(frequency), _MOST_FREQUENT))

    def iter_postings(self) -> Iterator[tuple[str, dict[bytes, tuple[array[int], array[int]]]]]:
        """Yield each field with its terms, for `_ArrayFieldWriter.add_postings`."""
        yield from sorted(self._fields.items())

    def cleanup(self) -> None:
        """Forget everything."""
        self._fields.clear()


class _ArrayFieldWriter(W3FieldWriter):  # type: ignore[misc]
    """Writes the arrays of each term, and where they lie."""

    def add_postings(self, schema: Any, _lengths: Any, items: Any) -> None:
        for field, terms in items:
            self.start_field(field, schema[field])
            for term in sorted(terms):
                self._write(term, *terms[term])
            self.finish_field()

    def _write(self, term: bytes, numbers: array[int], frequencies: array[int]) -> None:
        self._btext = term
        data = _packed(numbers, frequencies)
        info = W3TermInfo()
        info.add_block(_Block(numbers, frequencies))
        info.set_extent(self._postfile.tell(), len(data))
        self._postfile.write(data)
        self._postwriter = _Written(info)
        self.finish_term()


class _Block:
    """What Whoosh wants to know of all postings of a term."""

    def __init__(self, numbers: array[int], frequencies: array[int]) -> None:
        self._numbers = numbers
        self._weights = frequencies

    def __len__(self) -> int:
        return len(self._numbers)

    def min_length(self) -> int:
        return 0

    def max_length(self) -> int:
        return 0

    def max_weight(self) -> int:
        return max(self._weights)

    def min_id(self) -> int:
        return self._numbers[0]

    def max_id(self) -> int:
        return self._numbers[-1]


class _Written:
    """A writer of postings that has written them."""

    def __init__(self, info: W3TermInfo) -> None:
        self._info = info

    def finish_postings(self) -> W3TermInfo:
        return self._info


def _packed(numbers: array[int], frequencies: array[int]) -> bytes:
    """Return postings as bytes: as they are if few, else compressed gaps and frequencies.

    Of the gaps first all lowest bytes, then all second ones, and so on: the high ones are nearly
    all nought, and together they compress to nearly nothing.
    """
    if len(numbers) < _PRESSED_FROM:
        return numbers.tobytes() + frequencies.tobytes()
    gaps = np.diff(np.frombuffer(numbers, np.uint32), prepend=np.uint32(0)).astype("<u4")
    planes = gaps.view(np.uint8).reshape(-1, 4).T
    return zlib.compress(planes.tobytes() + frequencies.tobytes(), 1)


def _unpacked(stored: bytes, count: int) -> tuple[Numbers, Frequencies]:
    """Return what `_packed` made bytes of."""
    if count < _PRESSED_FROM:
        numbers = np.frombuffer(stored, np.uint32, count).astype(np.int64)
        return numbers, np.frombuffer(stored, np.uint8, offset=4 * count).astype(np.float32)
    planes = np.frombuffer(zlib.decompress(stored), np.uint8).reshape(_BYTES_EACH, count)
    gaps = np.ascontiguousarray(planes[:4].T).view("<u4").ravel()
    return np.cumsum(gaps, dtype=np.int64), planes[4].astype(np.float32)


def number_column(typecode: str) -> columns.NumericColumn:
    """Return a column with a number for each passage; `typecode` is one of the struct module."""
    return columns.NumericColumn(typecode)


def column_array(reader: Any, field: str, dtype: str) -> npt.NDArray[Any]:
    """Return a number column of a segment as an array; `dtype` is big-endian, as Whoosh writes."""
    count = reader.doc_count_all()
    values = np.zeros(count, dtype)
    if reader.has_column(field):
        column = reader.column_reader(field, translate=False)
        # Whoosh would give them one by one; they lie there as an array.
        stored = column._dbfile.get(column._basepos, column._count * column._fixedlen)
        values[: column._count] = np.frombuffer(stored, dtype)
    return values
