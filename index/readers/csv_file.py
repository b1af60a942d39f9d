"""CSV and its kin: one row a document."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from ..documents import Document, Flaw, RecordFields
from .failures import Fault
from .records import Records
from .text import opened

Quoting: TypeAlias = Literal[0, 3]
"""How cells are quoted: `csv.QUOTE_MINIMAL` or `csv.QUOTE_NONE`."""

_DELIMITERS = ",;\t|"
_SNIFFED = 8192
_LONGEST_CELL = 2**31 - 1
_BROKEN = Fault("is no row", "are no rows")


def read_csv(path: Path, name: str, fields: RecordFields) -> Iterator[Document | Flaw]:
    """Yield each row as a document: its `id`, `title` and `text`, or `column: value` lines.

    Columns have the names in the first row, unless that has numbers in it. Raises
    UnreadableDocument where the file cannot be opened, or is no text.
    """
    csv.field_size_limit(_LONGEST_CELL)
    records = Records(path, name, fields, by_line=True)
    with opened(path) as file:
        sample = file.read(_SNIFFED)
        file.seek(0)
        delimiter = _delimiter(sample, path.suffix.lower())
        quoting = quoting_of(file, delimiter)
        rows = _rows(file, delimiter, quoting, records)
        first = next(rows, None)
        if first is not None:
            is_header = _is_header(first[1])
            header = _distinct(first[1]) if is_header else []
            for number, row in rows if is_header else chain((first,), rows):
                document = records.document(_record(header, row), number)
                if document is not None:
                    yield document
    yield from records.flaws()


def quoting_of(file: TextIO, delimiter: str) -> Quoting:
    """Return how cells are quoted in a file, which is left at its beginning.

    Between tabs they need not be: a cell may begin with a quotation mark that belongs to its text.
    Where quotation marks are not in pairs around cells, it is so that more of the rows have as many
    cells as the first.
    """
    if delimiter != "\t" or _are_paired(file):
        return csv.QUOTE_MINIMAL
    quoted, bare = _whole_rows(file, csv.QUOTE_MINIMAL), _whole_rows(file, csv.QUOTE_NONE)
    return csv.QUOTE_NONE if bare >= quoted else csv.QUOTE_MINIMAL


def _are_paired(file: TextIO) -> bool:
    """Tell whether quotation marks between tabs stand in pairs around cells."""
    try:
        for _ in csv.reader(file, delimiter="\t", strict=True):
            pass
    except csv.Error:
        return False
    finally:
        file.seek(0)
    return True


def _whole_rows(file: TextIO, quoting: Quoting) -> float:
    """Return the share of rows with as many cells as the first, up to one that cannot be read."""
    counts: Counter[int] = Counter()
    first = 0
    with suppress(csv.Error):
        for row in csv.reader(file, delimiter="\t", quoting=quoting):
            first = first or len(row)
            counts[len(row)] += 1
    file.seek(0)
    return counts[first] / max(1, sum(counts.values()))


def _rows(
    lines: Iterator[str], delimiter: str, quoting: Quoting, records: Records
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its first line."""
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            records.faulty.add(number, _BROKEN, error)
            continue
        if any(cell.strip() for cell in row):
            yield number, row


def _delimiter(sample: str, suffix: str) -> str:
    """Return what separates cells, as the beginning of a file suggests."""
    if suffix in {".tsv", ".tab"}:
        return "\t"
    try:
        return csv.Sniffer().sniff(sample, delimiters=_DELIMITERS).delimiter
    except csv.Error:
        first = sample.partition("\n")[0]
        return max(_DELIMITERS, key=first.count)


def _is_header(row: list[str]) -> bool:
    """Return whether a row may be one of names: there are none that are numbers."""
    return not any(_is_number(cell) for cell in row)


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def _distinct(names: list[str]) -> list[str]:
    """Return the names of columns; those without one, or with that of another, are numbered."""
    found: list[str] = []
    for number, cell in enumerate(names, start=1):
        name = " ".join(cell.split()) or f"column {number}"
        found.append(f"{name} ({number})" if name in found else name)
    return found


def _record(header: list[str], row: list[str]) -> dict[str, object]:
    """Return a row by its columns; an empty cell is no value, one of sentences has them all."""
    names = header + [f"column {number}" for number in range(len(header) + 1, len(row) + 1)]
    cells = {name: cell for name, cell in zip(names, row, strict=False) if cell.strip()}
    return {name: [cell] if name == "sentences" else cell for name, cell in cells.items()}
